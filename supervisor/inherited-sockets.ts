/**
 * Listening sockets that a service manager holds and hands over (systemd's socket activation, sd_listen_fds(3)). They outlive
 * the gateway: while it is restarted connections wait in their backlog, and an old and a new one can accept side by side.
 */
import { StartBlocked } from './start-blocked.ts';

/** File descriptors; null: not handed over, to be bound as the config says. */
export interface InheritedSockets {
  readonly proxy: number | null;
  readonly admin: number | null;
}

const firstFd = 3;
const nobody: InheritedSockets = { proxy: null, admin: null };

/**
 * Takes `LISTEN_FDS`, `LISTEN_PID` and `LISTEN_FDNAMES` out of the environment, so that no child takes them for its own. Sockets
 * are told apart by name, `proxy` and `admin`; one without either of these is the proxy's. Throws StartBlocked.
 */
export function takeInheritedSockets(env: NodeJS.ProcessEnv, pid: number): InheritedSockets {
  const { LISTEN_PID: forPid, LISTEN_FDS: count, LISTEN_FDNAMES: names = '' } = env;
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) delete env[name];
  if (count === undefined || Number(forPid) !== pid) return nobody;
  const given = Array.from({ length: Number(count) }, (_, i) => names.split(':')[i] ?? '');
  if (given.length === 1 && given[0] !== 'admin') return { proxy: firstFd, admin: null };
  const sockets = { proxy: null, admin: null } as { proxy: number | null; admin: number | null };
  for (const [i, name] of given.entries()) {
    if ((name !== 'proxy' && name !== 'admin') || sockets[name] !== null) throw unclear(given);
    sockets[name] = firstFd + i;
  }
  return sockets;
}

function unclear(given: readonly string[]): StartBlocked {
  const names = given.map((name) => `"${name}"`).join(', ');
  return new StartBlocked(
    `${given.length} sockets were handed over, named ${names}: name one "proxy" and one "admin" (systemd: FileDescriptorName=)`,
  );
}
