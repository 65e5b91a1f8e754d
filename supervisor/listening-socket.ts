/**
 * The one listening socket, bound here and accepted from by the workers. As long as the supervisor holds it, connections
 * wait in its backlog, even while no worker lives (docs/decisions/0001).
 */
import { lookup } from 'node:dns/promises';
import net, { isIP } from 'node:net';
import { getSystemErrorName } from 'node:util';
import { StartBlocked } from './start-blocked.ts';

export interface ListeningSocket {
  /** What a worker gets a copy of. */
  readonly handle: unknown;
  readonly host: string;
  readonly port: number;
  /** `http://localhost:3000`: for people to click on. */
  readonly url: string;
  close(): void;
}

/** Throws StartBlocked. Nothing is accepted yet: the first worker that listens opens the door. */
export async function bindSocket(host: string, port: number): Promise<ListeningSocket> {
  const address = await resolveHost(host);
  const handle = createServerHandle(address, port, isIP(address));
  if (typeof handle === 'number') throw bindError(host, port, handle);
  // libuv keeps "address in use" to itself until someone listens or asks for the name.
  const bound: { port?: number } = {};
  const error = handle.getsockname(bound);
  if (error !== 0 || bound.port === undefined) {
    handle.close();
    throw bindError(host, port, error);
  }
  const actualPort = bound.port;
  return {
    handle,
    host,
    port: actualPort,
    url: `http://${urlHost(address)}:${actualPort}`,
    close: () => handle.close(),
  };
}

interface ServerHandle {
  getsockname(out: { port?: number }): number;
  close(): void;
}

/** Internal to Node, and the only way to bind without accepting; node:cluster stands on it. A number is a negative errno. */
const { _createServerHandle: createServerHandle } = net as unknown as {
  readonly _createServerHandle: (address: string, port: number, family: number) => ServerHandle | number;
};

async function resolveHost(host: string): Promise<string> {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  if (isIP(bare) !== 0) return bare;
  try {
    return (await lookup(bare)).address;
  } catch (error) {
    throw new StartBlocked(
      `proxy.host: can't resolve "${host}" (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`,
    );
  }
}

function bindError(host: string, port: number, errno: number): StartBlocked {
  const code = getSystemErrorName(errno);
  const where = `${host}:${port}`;
  switch (code) {
    case 'EADDRINUSE':
      return new StartBlocked(`${where} is in use (EADDRINUSE): stop the other program, or set another proxy.port`);
    case 'EACCES':
      return new StartBlocked(`${where} may not be bound by this user (EACCES): choose a proxy.port above 1023`);
    case 'EADDRNOTAVAIL':
      return new StartBlocked(`${where} is no address of this machine (EADDRNOTAVAIL): correct proxy.host`);
    default:
      return new StartBlocked(`${where} can't be bound (${code})`);
  }
}

function urlHost(address: string): string {
  if (address === '0.0.0.0' || address === '::') return 'localhost';
  return isIP(address) === 6 ? `[${address}]` : address;
}
