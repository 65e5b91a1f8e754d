/** Workers with a bug: one that loops for ever, and one whose memory only grows. Each is replaced, and the others serve on. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { type LogLine, startGateway } from '../support/gateway.ts';
import { startLoad } from '../support/load.ts';
import { metric } from '../support/metric.ts';
import { copyProgram } from '../support/program-copy.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-sick-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const loopFile = join(folder, 'loop');
const leakFile = join(folder, 'leak');

// The bugs: each shows in one worker, once a file is there.
const copy = copyProgram();
copy.append(
  'workers/main.ts',
  `const { existsSync, unlinkSync } = await import('node:fs');
   const kept: unknown[] = [];
   setInterval(() => {
     if (process.argv[2] === '1' && existsSync(${JSON.stringify(loopFile)})) {
       unlinkSync(${JSON.stringify(loopFile)});
       for (;;);
     }
     if (process.argv[2] !== '2' || !existsSync(${JSON.stringify(leakFile)})) return;
     if (kept.length < 130) kept.push(Array.from({ length: 131_072 }, Math.random));
   }, 10).unref();`,
);
const gateway = await startGateway({
  program: copy.program,
  workers: 3,
  env: { NODE_OPTIONS: '--max-old-space-size=200' },
  config: {
    overload: { maxMemory: '30%' },
    upstreams: [{ name: 'echo', builtin: 'echo' }],
    routes: [{ path: '/echo/*', upstream: 'echo' }],
  },
});

const before = gateway.workers();
// Both at once: each takes its ten seconds.
for (const file of [loopFile, leakFile]) writeFileSync(file, '');

test('an endless loop is noticed, counted as a hang, and another worker takes its place', async () => {
  const line = await eventually(
    () => gateway.logs.find(({ msg }) => String(msg).startsWith('worker hangs')) ?? null,
    'the line of the hung worker',
    30_000,
  );
  assert.equal(line['worker'], 1);
  await replaced(line, 'hang');
});

test('memory that only grows is noticed, counted, and another worker takes its place before it goes', async () => {
  const line = await eventually(
    () => gateway.logs.find(({ msg }) => msg === 'worker holds too much memory, replacing it') ?? null,
    'the line of the full worker',
    40_000,
  );
  rmSync(leakFile);
  assert.equal(line['worker'], 2);
  assert.ok(Number(line['share']) >= 0.9);
  await replaced(line, 'memory');
  // It drained, and did not die.
  assert.deepEqual(
    gateway.logs.filter(({ msg, reason }) => msg === 'worker died' && reason !== 'hang'),
    [],
  );
});

test('the others have served all the time, and all is well again', async () => {
  assert.equal(before.filter((pid) => gateway.workers().includes(pid)).length, 1);
  const load = startLoad(`${gateway.url}/echo/x`);
  await load.more(200);
  assert.deepEqual((await load.stop()).failures, []);
});

/** The sick one is gone, another serves, and it has been counted. */
async function replaced({ pid }: LogLine, reason: string): Promise<void> {
  await eventually(async () => {
    const now = gateway.workers();
    if (now.includes(Number(pid)) || now.length !== before.length) return null;
    return (await metric(gateway.adminUrl, 'workers')) === before.length ? true : null;
  }, 'the new worker');
  await eventually(
    async () => ((await metric(gateway.adminUrl, 'worker_restarts_total', { reason })) === 1 ? true : null),
    `one restart to be counted as ${reason}`,
  );
}
