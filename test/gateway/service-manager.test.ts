/** A service manager that gives a socket is told when the gateway is ready, reloads and stops. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { askAdmin } from '../support/admin.ts';
import { eventually } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { type NotifySocket, openNotifySocket } from '../support/notify-socket.ts';

const config = {
  upstreams: [{ name: 'echo', builtin: 'echo' }],
  routes: [{ path: '/*', upstream: 'echo' }],
};

test('ready, reloading, ready again with what came of it, stopping: in this order', async () => {
  const socket = await openNotifySocket();
  const gateway = await startGateway({ config, env: socket.env });
  await told(socket, ['READY=1', `STATUS=serving ${gateway.url}`]);

  await gateway.reload({ ...config, routes: [{ path: '/new', upstream: 'echo' }] });
  await told(socket, ['READY=1', 'STATUS=serving, config 2']);
  await gateway.reload('routes: nonsense');
  await told(socket, ['READY=1', 'STATUS=serving, still config 2: the new one was rejected, see the log']);
  // Whoever asks for it.
  gateway.writeConfig({ ...config, routes: [{ path: '/newer', upstream: 'echo' }] });
  assert.equal((await askAdmin(gateway, 'POST /reload')).status, 200);
  await told(socket, ['READY=1', 'STATUS=serving, config 3']);
  gateway.signal('SIGTERM');
  await told(socket, ['STOPPING=1', 'STATUS=shutting down']);

  const states = socket.messages.map(([state]) => state);
  const reloaded = ['RELOADING=1', 'READY=1'];
  assert.deepEqual(states, ['READY=1', ...reloaded, ...reloaded, ...reloaded, 'STOPPING=1']);
  assert.deepEqual(await gateway.exit, { code: 0, signal: null });
});

test('where systemd-notify is missing the gateway serves all the same, and says so', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-path-'));
  after(() => rmSync(folder, { recursive: true }));
  for (const name of ['dirname', 'readlink']) symlinkSync(which(name), join(folder, name));
  const gateway = await startGateway({ config, env: { NOTIFY_SOCKET: join(folder, 'socket'), PATH: folder } });
  await gateway.log(({ msg }) => String(msg).startsWith('systemd-notify can not be run'), 'the warning');
  assert.equal((await fetch(gateway.url)).status, 200);
});

async function told(socket: NotifySocket, message: readonly string[]): Promise<void> {
  const has = (): true | null => (socket.messages.some((lines) => lines.join() === message.join()) ? true : null);
  await eventually(has, `${message.join(' ')} among ${JSON.stringify(socket.messages)}`);
}

function which(program: string): string {
  return execFileSync('/bin/sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim();
}
