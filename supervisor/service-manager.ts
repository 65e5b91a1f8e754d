/**
 * Tells a service manager that wants to know (systemd with `Type=notify`) what the gateway is about. Node can't send
 * datagrams to a Unix socket, so systemd's own little program does.
 */
import { spawn } from 'node:child_process';
import type { Log } from '../src/contracts/log.ts';

export interface ServiceManager {
  /** `status`: the line that `systemctl status` shows. */
  tell(state: 'READY' | 'RELOADING' | 'STOPPING', status: string): void;
}

const nobody: ServiceManager = { tell() {} };

/** `env`: NOTIFY_SOCKET is there when somebody listens. */
export function findServiceManager(env: Readonly<Record<string, string | undefined>>, log: Log): ServiceManager {
  if (!env['NOTIFY_SOCKET']) return nobody;
  // One after the other: "ready" must not overtake "reloading".
  let last = Promise.resolve();
  return {
    tell(state, status) {
      last = last.then(() => notify([`${state}=1`, `STATUS=${status}`], log));
    },
  };
}

/** Never rejects. */
function notify(assignments: readonly string[], log: Log): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    // Some errors are thrown, such as that there is no memory for another process.
    const sender = spawn('systemd-notify', assignments, { stdio: 'ignore' });
    sender.once('error', reject);
    sender.once('exit', (code, signal) => {
      if (code !== 0)
        log.warn({ how: signal ?? `code ${code}` }, 'systemd-notify failed: the service manager is not told');
      resolve();
    });
  }).catch((error: Error) => {
    log.warn(
      { error: error.message },
      'systemd-notify can not be run: the service manager is not told how the gateway is',
    );
  });
}
