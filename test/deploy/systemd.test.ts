/** The unit for systemd agrees with what the gateway does, and with its defaults. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { longestEndSeconds, readSettings, readText } from '../support/manifests.ts';

const unit = readText('deploy/systemd/sluice.service');
const root = join(import.meta.dirname, '../..');

test('it is given longer to end than the default drain needs', async () => {
  const needed = longestEndSeconds(await readSettings('config/proxy.yml', {}));
  assert.ok(Number(value('TimeoutStopSec')) > needed, `needs ${needed} s`);
});

test('an end that had to cut requests is no failure, and does not start it again', () => {
  assert.equal(value('SuccessExitStatus'), '2');
  assert.equal(value('Restart'), 'on-failure');
});

test('workers that have lost their supervisor are not killed before they have finished', () => {
  assert.equal(value('KillMode'), 'control-group');
});

test('whoever tells for the supervisor is heard, and only the supervisor is told to reload', () => {
  assert.equal(value('Type'), 'notify');
  assert.equal(value('NotifyAccess'), 'all');
  assert.ok(values('ExecReload').includes("/bin/sh -c 'kill -HUP $MAINPID'"));
});

test('a worker that the kernel ends for its memory does not end the service', () => {
  assert.equal(value('OOMPolicy'), 'continue');
});

test('the program that it starts is there', () => {
  for (const command of [value('ExecStart'), values('ExecReload')[0] ?? '']) {
    const [program = ''] = command.split(' ');
    assert.ok(program.startsWith('/opt/sluice/'));
    assert.ok(existsSync(join(root, program.replace('/opt/sluice/', ''))), program);
  }
});

test('there are file descriptors for the connections that the defaults allow', async () => {
  const { proxy } = await readSettings('config/proxy.yml', {});
  assert.ok(Number(value('LimitNOFILE')) > proxy.limits.maxConnections);
});

function value(name: string): string {
  const [only = '', ...more] = values(name);
  assert.deepEqual(more, [], name);
  return only;
}

function values(name: string): string[] {
  return unit.split('\n').flatMap((line) => (line.startsWith(`${name}=`) ? [line.slice(name.length + 1)] : []));
}
