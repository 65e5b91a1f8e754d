/**
 * The one listening socket, bound here or handed over, and accepted from by the workers. As long as the supervisor holds
 * it, connections wait in its backlog, even while no worker lives (docs/decisions/0001).
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
  const name = nameOf(handle);
  if (typeof name === 'number') throw bindError(host, port, name);
  return listening(handle, host, name);
}

/** A socket that a service manager has bound. Throws StartBlocked. `which`: whose it is, for the message. */
export function adoptSocket(fd: number, which: string): ListeningSocket {
  const handle = createServerHandle(null, 0, 0, fd);
  const name = typeof handle === 'number' ? handle : nameOf(handle);
  if (typeof handle === 'number' || typeof name === 'number')
    throw new StartBlocked(`the socket that was handed over for ${which} (descriptor ${fd}) is no TCP socket`);
  return listening(handle, name.address, name);
}

function nameOf(handle: ServerHandle): SocketName | number {
  const name: Partial<SocketName> = {};
  const error = handle.getsockname?.(name) ?? -1;
  if (error !== 0) return error;
  return name.port === undefined || name.address === undefined ? -1 : { address: name.address, port: name.port };
}

function listening(handle: ServerHandle, host: string, { address, port }: SocketName): ListeningSocket {
  return { handle, host, port, url: `http://${urlHost(address)}:${port}`, close: () => handle.close() };
}

interface SocketName {
  readonly address: string;
  readonly port: number;
}

interface ServerHandle {
  /** Not of pipes. */
  getsockname?(out: Partial<SocketName>): number;
  close(): void;
}

/** Internal to Node, and the only way to bind without accepting; node:cluster stands on it. A number is a negative errno. */
const { _createServerHandle: createServerHandle } = net as unknown as {
  readonly _createServerHandle: (
    address: string | null,
    port: number,
    family: number,
    fd?: number,
  ) => ServerHandle | number;
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
