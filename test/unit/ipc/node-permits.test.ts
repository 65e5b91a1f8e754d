/** A worker that asks for one of the node's few permits: it waits for a moment, of the time in which it runs. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { ToWorker } from '../../../src/contracts/ipc.ts';
import { type Channel, openChannel } from '../../../src/ipc/channel.ts';
import { NodePermits, type PermitMessage } from '../../../src/ipc/node-permits.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-permits-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const granter = join(folder, 'granter.mjs');
/** Leaves a file behind when its answer is out. */
const answered = (id: number): string => join(folder, `answered-${id}`);
writeFileSync(
  granter,
  `import { writeFileSync } from 'node:fs';
process.on('message', ({ type, id }) => {
  if (type === 'permit:ask')
    process.send({ type: 'permit:answer', id, granted: true }, () => writeFileSync(${JSON.stringify(answered(0).slice(0, -1))} + id, ''));
});
`,
);

test('an answer that has come while the event loop was held up is read before it counts as late', async (t) => {
  const child = fork(granter, { serialization: 'advanced' });
  const channel: Channel<PermitMessage, ToWorker> = openChannel(child);
  t.after(async () => {
    channel.close();
    if (child.exitCode === null) await once(child, 'exit');
  });
  let lastId = 0;
  const permits = new NodePermits((message) => {
    if (message.type === 'permit:ask') lastId = message.id;
    channel.send(message);
  });
  channel.onMessage((message) => message.type === 'permit:answer' && permits.receive(message));
  // The child has started when it has answered once.
  while ((await permits.ask('probe', 'api', 0)) === 'late');
  const asked = permits.ask('probe', 'api', 0);
  // The question has to leave first.
  await new Promise(setImmediate);
  const since = performance.now();
  while (performance.now() - since < 100 || !existsSync(answered(lastId))) {
    assert.ok(performance.now() - since < 10_000, 'no answer');
  }
  assert.equal(await asked, 'granted');
});

test('a silent supervisor is late, and what it grants after that goes back', async () => {
  const sent: PermitMessage[] = [];
  const permits = new NodePermits((message) => sent.push(message));
  assert.equal(await permits.ask('probe', 'api', 0), 'late');
  permits.receive({ type: 'permit:answer', id: 1, granted: true });
  assert.deepEqual(sent.at(-1), { type: 'permit:back', kind: 'probe', key: 'api', outcome: 'canceled' });
});
