import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openChannel } from '../../../src/ipc/channel.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-channel-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const echo = join(folder, 'echo.mjs');
writeFileSync(echo, `process.on('message', (message) => process.send(message));\n`);

test('typed arrays arrive as they were sent, and in order', async () => {
  const child = fork(echo, { serialization: 'advanced' });
  const channel = openChannel<unknown, unknown>(child);
  const received: unknown[] = [];
  const both = new Promise<void>((resolve) => {
    channel.onMessage((message) => {
      received.push(message);
      if (received.length === 2) resolve();
    });
  });
  channel.send({ deltas: new Float64Array([1, 0.5]) });
  await channel.write({ second: true });
  await both;
  assert.deepEqual(received, [{ deltas: new Float64Array([1, 0.5]) }, { second: true }]);
  channel.close();
  await once(child, 'exit');
});

test('a send to a peer that has died is no error, whether that is known already or not', async () => {
  const child = fork(echo, { serialization: 'advanced' });
  const channel = openChannel<unknown, unknown>(child);
  const closed = new Promise<void>((resolve) => channel.onClose(resolve));
  child.on('error', (error) => assert.fail(error));
  const large = new Uint8Array(1 << 20);
  child.kill('SIGKILL');
  channel.send({ large });
  await channel.write({ large });
  await closed;
  assert.equal(channel.send({ large }), false);
  await channel.write({ large });
  channel.close();
  await new Promise<void>((resolve) => channel.onClose(resolve));
});
