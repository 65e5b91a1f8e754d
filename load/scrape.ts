/**
 * What a scrape disturbs: 1000 routes and 8 workers under a steady load that touches all routes, with and without a scrape
 * each second, in turns, so that a noisy moment of the machine hits both.
 *
 *   npm run benchmark:scrape -- [--rounds 5] [--seconds 5] [--rate 200] [--workers 8] [--routes 1000]
 *
 * Needs nginx and curl, which scrapes, so that reading the text does not hold up the clients that are measured. It asks the
 * proxy port: the text then comes from the supervisor through one of the workers.
 */
import { execFile } from 'node:child_process';
import http from 'node:http';
import { availableParallelism, cpus } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { startGateway, startOrigin } from './peers/peers.ts';

interface Phase {
  readonly latencies: number[];
  readonly scrapes: readonly Scrape[];
  /** The supervisor's longest pause of each second: the mean of them, and the bucket of the longest. */
  readonly loop: { readonly mean: number; readonly longest: string };
}

interface Scrape {
  readonly ms: number;
  readonly bytes: number;
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    rate: { type: 'string', default: '200' },
    workers: { type: 'string', default: '8' },
    routes: { type: 'string', default: '1000' },
  },
});
const [rounds, seconds, rate] = [Number(values.rounds), Number(values.seconds), Number(values.rate)];
const paths = Array.from({ length: Number(values.routes) }, (_, i) => `route/${i}`);

const origin = await startOrigin(null);
const { url } = await startGateway(
  'gateway',
  Number(new URL(origin.url).port),
  null,
  { level: 'silent' },
  {
    proxy: { workers: Number(values.workers) },
    routes: ['', ...paths].map((path) => ({ path: `/${path}`, upstream: 'origin' })),
  },
);
const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });

// Every route has its series before anything is measured.
for (const method of ['GET', 'POST', 'DELETE']) {
  for (let i = 0; i < paths.length; i += 20) {
    await Promise.all(paths.slice(i, i + 20).map((path) => send(method, path)));
  }
}
await measure('with');
const quiet: Phase[] = [];
const scraped: Phase[] = [];
for (let round = 0; round < rounds; round++) {
  quiet.push(await measure('without'));
  scraped.push(await measure('with'));
}
print();
process.exit(0);

async function measure(scrapes: 'with' | 'without'): Promise<Phase> {
  const before = loopOf(await readMetrics());
  const [latencies, seen] = await Promise.all([sendLoad(), scrapes === 'with' ? scrapeEachSecond() : []]);
  const after = loopOf(await readMetrics());
  const counts = after.buckets.map(([bound, count], i) => [bound, count - (before.buckets[i]?.[1] ?? 0)] as const);
  const all = after.count - before.count;
  const longest = counts.find(([, count]) => count === all)?.[0] ?? '+Inf';
  return { latencies, scrapes: seen, loop: { mean: (after.sum - before.sum) / all, longest } };
}

/** Requests that come when they come: a gateway that is slow does not get fewer. Resolves with their times, ms. */
async function sendLoad(): Promise<number[]> {
  const sent: Promise<number>[] = [];
  const startedAt = performance.now();
  while (sent.length < rate * seconds) {
    const due = Math.min(rate * seconds, ((performance.now() - startedAt) / 1000) * rate);
    while (sent.length < due) sent.push(send('GET', paths[sent.length % paths.length] ?? ''));
    await delay(2);
  }
  return await Promise.all(sent);
}

async function scrapeEachSecond(): Promise<Scrape[]> {
  const scrapes: Promise<Scrape>[] = [];
  for (let second = 0; second < seconds; second++) {
    scrapes.push(scrape());
    await delay(1000);
  }
  return await Promise.all(scrapes);
}

async function scrape(): Promise<Scrape> {
  const args = [
    '-s',
    '-o',
    '/dev/null',
    '-H',
    'Accept: application/openmetrics-text',
    '-w',
    '%{time_total} %{size_download}',
  ];
  const { stdout } = await promisify(execFile)('curl', [...args, `${url}metrics`]);
  const [time, bytes] = stdout.split(' ');
  return { ms: Number(time) * 1000, bytes: Number(bytes) };
}

async function readMetrics(): Promise<string> {
  return await (await fetch(`${url}metrics`)).text();
}

function send(method: string, path: string): Promise<number> {
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const request = http.request(`${url}${path}`, { agent, method }, (response) => {
      response.resume().on('end', () => resolve(performance.now() - startedAt));
    });
    request.on('error', reject).end();
  });
}

function loopOf(text: string): { buckets: (readonly [string, number])[]; sum: number; count: number } {
  const name = 'supervisor_event_loop_delay_ms';
  const buckets = [...text.matchAll(new RegExp(`^${name}_bucket\\{le="(.*)"} (\\d+)`, 'gm'))];
  const number = (suffix: string): number => Number(new RegExp(`^${name}_${suffix} (\\S+)`, 'm').exec(text)?.[1]);
  return {
    buckets: buckets.map(([, bound = '', count]) => [bound, Number(count)] as const),
    sum: number('sum'),
    count: number('count'),
  };
}

function print(): void {
  const scrapes = scraped.flatMap((phase) => phase.scrapes);
  console.log(`${cpus()[0]?.model}, ${availableParallelism()} processors; Node ${process.versions.node};`);
  console.log(
    `${values.routes} routes, ${values.workers} workers, ${rate} requests/s; medians of ${rounds} rounds of ${seconds} s`,
  );
  const [megabytes, ms] = [(scrapes.at(-1)?.bytes ?? 0) / 1e6, median(scrapes.map((one) => one.ms))];
  console.log(`a scrape: ${megabytes.toFixed(1)} MB in ${ms.toFixed(0)} ms\n`);
  console.log('| scrapes | p50 ms | p99 ms | supervisor: mean of longest pauses, ms | longest of all, ms |');
  console.log('|---|---:|---:|---:|---:|');
  printLine('none', quiet);
  printLine('one each second', scraped);
}

function printLine(name: string, phases: readonly Phase[]): void {
  const cells = [
    median(phases.map(({ latencies }) => quantile(latencies, 0.5))).toFixed(1),
    median(phases.map(({ latencies }) => quantile(latencies, 0.99))).toFixed(1),
    median(phases.map(({ loop }) => loop.mean)).toFixed(1),
    `≤ ${phases.map(({ loop }) => loop.longest).reduce((a, b) => (Number(a) > Number(b) ? a : b))}`,
  ];
  console.log(`| ${name} | ${cells.join(' | ')} |`);
}

function median(numbers: readonly number[]): number {
  return quantile(numbers, 0.5);
}

function quantile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
