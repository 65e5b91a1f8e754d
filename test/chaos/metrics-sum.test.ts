/** The sum of what clients were answered is the sum in the registry, whatever becomes of workers and configs under load. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { type Load, startLoad } from '../support/load.ts';
import { metric } from '../support/metric.ts';

const upstreams = [{ name: 'echo', builtin: 'echo' }];
const paths = ['killed', 'rolled', 'reloaded'];
const config = { upstreams, routes: paths.map((name) => ({ path: `/${name}/*`, upstream: 'echo' })) };
const gateway = await startGateway({ config, workers: 2 });
/** Beside the load, on a busy machine. */
const patienceMs = 60_000;
const few = { persistent: 2, fresh: 2 };
const clients = few.persistent + few.fresh;

test('SIGKILL of a worker under load costs its last report at most, and counts nothing twice', async () => {
  const load = startLoad(`${gateway.url}/killed/x`, few);
  await reportsUnder(load);
  const reported = await countOf('/killed/*');
  const [victim = 0] = gateway.workers();
  process.kill(victim, 'SIGKILL');
  const answeredBefore = load.answered();
  await load.more(100);
  const { answered, failures } = await load.stop();
  // Workers that leave hand over all that they have counted.
  await replaceAll();

  const counted = await countOf('/killed/*');
  assert.ok(counted <= answered, `${counted} counted, ${answered} answered`);
  // What had been reported stays, what came later is counted: but for what the victim had answered unseen, or held.
  const later = answered - answeredBefore - failures.length - clients;
  assert.ok(counted >= reported + later, `${counted} counted, ${reported} reported before, ${later} answered after`);
  assert.ok(failures.length <= clients, failures.join());
});

test('replacing all workers under load counts every request once', async () => {
  const load = startLoad(`${gateway.url}/rolled/x`, few);
  await reportsUnder(load);
  await replaceAll();
  await load.more(50);
  const { answered, failures } = await load.stop();
  assert.deepEqual(failures, []);
  await becomes(answered, '/rolled/*');
});

test('reloads under load count every request once, also of a route that came and went', async () => {
  const load = startLoad(`${gateway.url}/reloaded/x`, few);
  await load.more(50);
  const more = { ...config, routes: [...config.routes, { path: '/more/*', upstream: 'echo' }] };
  for (const next of [more, config, more]) {
    await takeUp(next);
    if (next === more) await fetch(`${gateway.url}/more/x`).then((answer) => answer.arrayBuffer());
    await load.more(20);
  }
  const { answered, failures } = await load.stop();
  assert.deepEqual(failures, []);
  await becomes(answered, '/reloaded/*');
  await becomes(2, '/more/*');
});

/** More than expected is never right. */
async function becomes(expected: number, route: string): Promise<void> {
  const same = async (): Promise<true | null> => ((await countOf(route)) === expected ? true : null);
  await eventually(same, `${expected} requests on ${route}`);
}

function countOf(route: string): Promise<number> {
  return metric(gateway.adminUrl, 'http_requests_total', { route });
}

/** Waits until the workers have told of the load, and then told more. */
async function reportsUnder(load: Load): Promise<void> {
  for (let report = 0; report < 2; report++) {
    const before = await metric(gateway.adminUrl, 'http_requests_total');
    await load.more(50);
    await eventually(
      async () => ((await metric(gateway.adminUrl, 'http_requests_total')) > before ? true : null),
      'a report',
    );
  }
}

async function takeUp(next: object): Promise<void> {
  const version = await metric(gateway.adminUrl, 'config_version');
  gateway.writeConfig(next);
  gateway.signal('SIGHUP');
  const isIn = async (): Promise<true | null> => {
    return (await metric(gateway.adminUrl, 'config_version')) > version ? true : null;
  };
  await eventually(isIn, 'the new config', patienceMs);
}

async function replaceAll(): Promise<void> {
  const ends = (): number => gateway.logs.filter(({ msg }) => msg === 'all workers have been replaced').length;
  const before = ends();
  gateway.signal('SIGUSR2');
  await eventually(() => (ends() > before ? true : null), 'the end of the replacement', patienceMs);
}
