/** A DNS server of a test's own on loopback: it knows the names that the test gives it, and can fall silent. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { after } from 'node:test';

export interface DnsServer {
  /** `address:port`, as `proxy.dns.servers` wants it. */
  readonly address: string;
  /** Questions so far, as `A name`. */
  readonly questions: readonly string[];
  /** IPv4 and IPv6 addresses of names; a name that is not there does not exist (NXDOMAIN). */
  readonly names: Map<string, readonly string[]>;
  /** Seconds. */
  ttl: number;
  /** `fails`: SERVFAIL. */
  mood: 'answers' | 'fails' | 'silent';
}

const types = new Map([
  [1, 'A'],
  [28, 'AAAA'],
]);

/** Ended when the test or file that started it is over. */
export async function startDnsServer(): Promise<DnsServer> {
  const socket = createSocket('udp4');
  const questions: string[] = [];
  socket.on('message', (query, from) => {
    const { name, type, end } = readQuestion(query);
    questions.push(`${types.get(type) ?? type} ${name}`);
    if (server.mood === 'silent') return;
    socket.send(answer(query.subarray(0, end), server.names.get(name), type, server), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  after(() => socket.close());
  const server: DnsServer = {
    address: `127.0.0.1:${socket.address().port}`,
    questions,
    names: new Map(),
    ttl: 1,
    mood: 'answers',
  };
  return server;
}

/** RFC 1035, section 4.1.2: labels behind a header of 12 bytes, then type and class. */
function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function answer(
  asked: Buffer,
  known: readonly string[] | undefined,
  type: number,
  { ttl, mood }: Pick<DnsServer, 'ttl' | 'mood'>,
): Buffer {
  const wanted = mood === 'fails' ? [] : (known ?? []).filter((ip) => ip.includes(':') === (type === 28));
  const code = mood === 'fails' ? 2 : known === undefined ? 3 : 0;
  const head = Buffer.from(asked);
  head.writeUInt16BE(0x8180 | code, 2);
  head.writeUInt16BE(wanted.length, 6);
  head.writeUInt32BE(0, 8);
  return Buffer.concat([head, ...wanted.map((ip) => record(ip, type, ttl))]);
}

/** The name is the question's, at byte 12. */
function record(ip: string, type: number, ttl: number): Buffer {
  const data = type === 1 ? Buffer.from(ip.split('.').map(Number)) : ipv6Bytes(ip);
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(ttl, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function ipv6Bytes(ip: string): Buffer {
  const [before = '', after = ''] = ip.split('::');
  const front = before.split(':').filter((group) => group !== '');
  const back = after.split(':').filter((group) => group !== '');
  const groups = [...front, ...Array.from({ length: 8 - front.length - back.length }, () => '0'), ...back];
  return Buffer.concat(groups.map((group) => Buffer.from(group.padStart(4, '0'), 'hex')));
}
