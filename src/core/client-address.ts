/**
 * Who the client is when proxies stand in front of the gateway, and what the gateway tells upstreams about it. Fields
 * that name a client are believed only as far as trusted proxies wrote them: from the right to the left.
 */
import { isIP } from 'node:net';
import type { ClientAddress } from '../contracts/exchange.ts';
import { buildAddressList } from './address-ranges.ts';
import { normalizeIp, readIp } from './ip.ts';

/** `null`: nobody is trusted. Throws an Error about an entry that is neither an address nor a range. */
export function compileTrustedProxies(cidrs: readonly string[]): ((ip: string) => boolean) | null {
  if (cidrs.length === 0) return null;
  const ranges = buildAddressList(cidrs);
  // A proxy's connections come from few addresses, and BlockList takes microseconds.
  const known = new Map<string, boolean>();
  return (ip) => {
    const remembered = known.get(ip);
    if (remembered !== undefined) return remembered;
    const family = isIP(ip);
    const isTrusted = family !== 0 && ranges.check(ip, family === 4 ? 'ipv4' : 'ipv6');
    if (known.size >= rememberedAddresses) known.clear();
    known.set(ip, isTrusted);
    return isTrusted;
  };
}

/**
 * `peerIp` is the address of the TCP peer, the lists hold the values of X-Forwarded-For and Forwarded, in order.
 * Where both came X-Forwarded-For decides: proxies that write only it pass a client's Forwarded on untouched.
 */
export function resolveClient(
  peerIp: string,
  xForwardedFor: readonly string[],
  forwarded: readonly string[],
  isTrusted: ((ip: string) => boolean) | null,
): ClientAddress {
  const peer = normalizeIp(peerIp);
  if (isTrusted === null || !isTrusted(peer)) {
    return { ip: peer, isPeerTrusted: false, forwardedFor: peer, proto: null, host: null };
  }
  if (xForwardedFor.length > 0 || forwarded.length === 0) return walkForwardedFor(peer, xForwardedFor, isTrusted);
  return walkForwarded(peer, forwarded, isTrusted);
}

/** What the gateway says about itself where no trusted proxy has said it: as the client sees the gateway. */
export interface FrontSide {
  readonly scheme: 'http' | 'https';
  /** Host and port as sent; empty for an HTTP/1.0 request without Host. */
  readonly authority: string;
}

/** Values of X-Forwarded-Proto, -Host and -Port as the peer sent them; null: not sent. */
export interface ForwardedByPeer {
  readonly proto: string | null;
  readonly host: string | null;
  readonly port: string | null;
}

/**
 * The X-Forwarded-* fields to send upstream, as a flat list. An untrusted peer's own are replaced; a trusted one's
 * are kept, and X-Forwarded-For is continued. Forwarded is never sent on: with one hop missing it would be wrong, and
 * these fields say the same.
 */
export function forwardedFields(client: ClientAddress, front: FrontSide, byPeer: ForwardedByPeer): string[] {
  const said = client.isPeerTrusted ? byPeer : nothingSaid;
  const proto = said.proto ?? client.proto ?? front.scheme;
  const host = said.host ?? client.host ?? front.authority;
  const fields = ['X-Forwarded-For', client.forwardedFor, 'X-Forwarded-Proto', proto];
  if (host !== '') fields.push('X-Forwarded-Host', host);
  fields.push('X-Forwarded-Port', said.port ?? portOf(host, proto));
  return fields;
}

function walkForwardedFor(peer: string, lines: readonly string[], isTrusted: (ip: string) => boolean): ClientAddress {
  const sent = lines.join(', ');
  const forwardedFor = sent === '' ? peer : `${sent}, ${peer}`;
  let ip = peer;
  for (let end = sent.length; end > 0; ) {
    const comma = sent.lastIndexOf(',', end - 1);
    const entry = sent.slice(comma + 1, end).trim();
    end = comma;
    if (entry === '') continue;
    const hop = readIp(entry);
    if (hop === null) break;
    ip = hop;
    if (!isTrusted(hop)) break;
  }
  return { ip, isPeerTrusted: true, forwardedFor, proto: null, host: null };
}

/**
 * Elements are cut at every comma, also inside quotes: no address holds one, and a client's unclosed quote must not
 * swallow what a trusted proxy appended to it.
 */
function walkForwarded(peer: string, lines: readonly string[], isTrusted: (ip: string) => boolean): ClientAddress {
  const elements = lines.join(',').split(',');
  const hops: string[] = [peer];
  let last: Element | null = null;
  for (let i = elements.length - 1; i >= 0; i--) {
    const text = (elements[i] as string).trim();
    if (text === '') continue;
    const element = readElement(text);
    if (element === null) break;
    last = element;
    hops.push(element.ip);
    if (!isTrusted(element.ip)) break;
  }
  return {
    ip: hops.at(-1) as string,
    isPeerTrusted: true,
    forwardedFor: hops.reverse().join(', '),
    proto: last?.proto ?? null,
    host: last?.host ?? null,
  };
}

interface Element {
  readonly ip: string;
  readonly proto: string | null;
  readonly host: string | null;
}

/** RFC 7239, section 4. `null`: malformed, a parameter twice, or no address that can be read. */
function readElement(text: string): Element | null {
  const found = new Map<string, string>();
  for (const pair of text.split(';')) {
    const [, name, token, quoted] = /^\s*([\w!#$%&'*+.^`|~-]+)=(?:([^\s"]+)|"([^"\\]*)")\s*$/.exec(pair) ?? [];
    if (name === undefined || found.has(name.toLowerCase())) return null;
    found.set(name.toLowerCase(), token ?? quoted ?? '');
  }
  const ip = readIp(found.get('for') ?? '');
  if (ip === null) return null;
  const proto = found.get('proto')?.toLowerCase() ?? null;
  const host = found.get('host') ?? null;
  return {
    ip,
    proto: proto === 'http' || proto === 'https' ? proto : null,
    host: host !== null && /^[\w.:[\]-]+$/.test(host) ? host : null,
  };
}

/** The port that the client dialled: named in the host, or the scheme's own. */
function portOf(host: string, proto: string): string {
  const colon = host.lastIndexOf(':');
  // In `[::1]` the last colon is part of the address.
  if (colon > host.lastIndexOf(']')) {
    const port = host.slice(colon + 1);
    if (/^\d{1,5}$/.test(port)) return port;
  }
  return proto === 'https' || proto === 'wss' ? '443' : '80';
}

const nothingSaid: ForwardedByPeer = { proto: null, host: null, port: null };
const rememberedAddresses = 4096;
