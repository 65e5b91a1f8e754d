/** Listening sockets that a test holds and hands to gateways, as systemd does (sd_listen_fds(3)). */
import net from 'node:net';
import { after } from 'node:test';

export interface HeldSocket {
  readonly fd: number;
  readonly port: number;
}

/** Bound to a free port of the loopback; whoever gets it first listens. Closed when the test or the file that made it is over. */
export function holdSocket(): HeldSocket {
  const handle = createServerHandle('127.0.0.1', 0, 4);
  const name = { port: 0 };
  handle.getsockname(name);
  after(() => handle.close());
  return { fd: handle.fd, port: name.port };
}

export interface Handover {
  /** What goes before the program: a shell that becomes it, so that LISTEN_PID is the program's own. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The program's descriptors from 3 on. */
  readonly fds: readonly number[];
}

/** By name. */
export function handOver(sockets: Readonly<Record<string, HeldSocket>>): Handover {
  return {
    command: ['/bin/sh', '-c', 'LISTEN_PID=$$ exec "$@"', 'sh'],
    env: { LISTEN_FDS: String(Object.keys(sockets).length), LISTEN_FDNAMES: Object.keys(sockets).join(':') },
    fds: Object.values(sockets).map(({ fd }) => fd),
  };
}

interface BoundHandle {
  readonly fd: number;
  getsockname(out: { port: number }): number;
  close(): void;
}

/** Internal to Node: the only way to bind a socket without accepting from it. */
const { _createServerHandle: createServerHandle } = net as unknown as {
  readonly _createServerHandle: (address: string, port: number, family: number) => BoundHandle;
};
