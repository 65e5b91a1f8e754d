/** A reader of the log that stops reading: requests go on, memory stays bounded, and what is lost is counted to the line. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { startLoad } from '../support/load.ts';
import { metric } from '../support/metric.ts';

const config = {
  logging: { query: true },
  // On a busy machine a late event loop would thin the log.
  overload: { maxEventLoopDelay: 60_000 },
  routes: [{ path: '/*', respond: { status: 200 } }],
};
/** A line has about 2 kB, and 4 MB are kept. */
const longPath = `/?${'x'.repeat(1_990)}`;

test('requests are answered while nobody reads the log; what was dropped is counted, and told when somebody does', async () => {
  const gateway = await startGateway({ config });
  gateway.stopReadingLog();
  const load = startLoad(`${gateway.url}${longPath}`, { persistent: 8, fresh: 0 });
  await eventually(async () => ((await dropped(gateway)) > 500 ? true : null), 'lines to be dropped', 60_000);
  const [worker = 0] = gateway.workers();
  const before = memoryMb(worker);
  await load.more(1_000);
  // 1000 lines more would be 2 MB; the rest is what any load leaves behind.
  assert.ok(memoryMb(worker) - before < 60, `${memoryMb(worker)} MB after ${before} MB`);
  const { answered, failures } = await load.stop();
  assert.deepEqual(failures, []);

  gateway.readLogAgain();
  const told = (): number =>
    gateway.logs
      .filter(({ msg }) => String(msg).startsWith('log lines were dropped'))
      .reduce((sum, { lines }) => sum + Number(lines), 0);
  const written = (): number => gateway.logs.filter(({ path }) => path === longPath).length;
  await eventually(() => (written() + told() === answered ? true : null), 'every line, or its loss');
  await eventually(async () => ((await dropped(gateway)) === told() ? true : null), 'the count to be the same');
  for (const line of gateway.stdout.trimEnd().split('\n')) JSON.parse(line);
});

test('a reader that goes away is counted too, and the gateway goes on', async () => {
  const gateway = await startGateway({ config });
  gateway.closeLog();
  const load = startLoad(gateway.url, { persistent: 4, fresh: 0 });
  await eventually(async () => ((await dropped(gateway)) > 0 ? true : null), 'lines to be dropped');
  const { answered, failures } = await load.stop();
  assert.deepEqual(failures, []);
  await eventually(async () => ((await dropped(gateway)) === answered ? true : null), 'all of them');
});

function dropped(gateway: Gateway): Promise<number> {
  return metric(gateway.adminUrl, 'log_lines_dropped_total');
}

function memoryMb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}
