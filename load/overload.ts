/**
 * What becomes of a gateway at three times the load that its upstream can take: goodput, the latency of high routes, the
 * worker's memory, and how soon all is well again; with `overload.adaptive`, with as many connections as the upstream can
 * work on, with the fixed limits alone, and without any.
 *
 *   npm run benchmark:overload -- [--seconds 15] [--times 3] [--service 50]
 *
 * The upstream's capacity is known: 20 requests at a time, 50 ms each. So the machine's is not what is measured; on one that is
 * busy with other things, with 500 ms each the pauses of clients and gateway are small beside it.
 */
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { limitedUpstream } from '../test/support/limited-upstream.ts';
import { type Outcome, percentile, type Stream, sendOpenLoad } from '../test/support/open-load.ts';
import { residentBytes } from '../test/support/processes.ts';
import { type Peer, startGateway } from './peers/peers.ts';

interface Result {
  readonly name: string;
  readonly best: number;
  readonly bestHighMs: number;
  readonly goodput: number;
  readonly highMs: number;
  readonly normalMs: number;
  readonly served: Readonly<Record<string, number>>;
  readonly grownMb: number;
  readonly recoverySeconds: number;
}

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '15' },
    times: { type: 'string', default: '3' },
    service: { type: 'string', default: '50' },
  },
});
const seconds = Number(values.seconds);
const times = Number(values.times);

const places = 20;
const serviceMs = Number(values.service);
const capacity = (places * 1000) / serviceMs;
/** Of the load: a tenth, and half of the rest each. */
const shares = { '/high': 0.1, '/normal': 0.45, '/low': 0.45 };

const upstream = await limitedUpstream(places, serviceMs);
const results = [
  await measure('adaptive', { adaptive: true }),
  await measure(`fixed limits, maxConnections: ${places}`, {}, { maxConnections: places }),
  await measure('fixed limits (the defaults)', {}),
  await measure('none (shadow mode)', { mode: 'shadow' }),
];
print();
process.exit(0);

async function measure(name: string, overload: object, settings: object = {}): Promise<Result> {
  const gateway = await startGateway(
    name,
    Number(new URL(upstream.url).port),
    null,
    { level: 'silent' },
    {
      overload,
      upstreams: [{ name: 'origin', url: upstream.url, ...settings }],
      routes: [
        { path: '/*', upstream: 'origin' },
        { path: '/high', upstream: 'origin', priority: 'high' },
        { path: '/normal', upstream: 'origin' },
        { path: '/low', upstream: 'origin', priority: 'low' },
      ],
    },
  );
  await send(gateway, 0.5, 3);
  const best = servedOf(await send(gateway, 0.95, seconds));
  const before = residentBytes(gateway.pid).now;
  const outcomes = await send(gateway, times, seconds);
  const served = servedOf(outcomes);
  const recoverySeconds = await recover(gateway);
  return {
    name,
    best: best.length / seconds,
    bestHighMs: percentile(of(best, '/high'), 0.99),
    // Answers that come after the load has ended are late by any measure.
    goodput: served.length / spanSeconds(served, seconds),
    highMs: percentile(of(served, '/high'), 0.99),
    normalMs: percentile(of(served, '/normal'), 0.99),
    served: Object.fromEntries(
      Object.keys(shares).map((path) => [path, of(served, path).length / of(outcomes, path).length]),
    ),
    grownMb: (residentBytes(gateway.pid).peak - before) / 1024 / 1024,
    recoverySeconds,
  };
}

function send(gateway: Peer, load: number, forSeconds: number): Promise<Outcome[]> {
  const streams = Object.entries(shares).map(([path, share]): Stream => ({ path, perSecond: share * load * capacity }));
  return sendOpenLoad(gateway.url.replace(/\/$/, ''), streams, forSeconds);
}

/** Seconds of ordinary load until one in which all are served within five times what serving takes. */
async function recover(gateway: Peer): Promise<number> {
  for (let second = 0; ; second++) {
    const outcomes = await send(gateway, 0.5, 1);
    if (outcomes.every(({ status, latencyMs }) => status === 200 && latencyMs < 5 * serviceMs)) return second;
  }
}

/** The time in which these were served: the load's, and as long as the last of them took. */
function spanSeconds(served: readonly Outcome[], loadSeconds: number): number {
  return loadSeconds + percentile(served, 1) / 1000;
}

function servedOf(outcomes: readonly Outcome[]): Outcome[] {
  return outcomes.filter(({ status }) => status === 200);
}

function of(outcomes: readonly Outcome[], path: string): Outcome[] {
  return outcomes.filter((outcome) => outcome.path === path);
}

function print(): void {
  console.log(
    `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} processors; Node ${process.versions.node};`,
  );
  console.log(
    `${times} × what the upstream can take (${capacity} requests/s) for ${seconds} s, after ${seconds} s of 0.95 ×\n`,
  );
  console.log(
    '| protection | goodput/s | of the best | served: high, normal, low | p99 high, ms (before) | p99 normal | memory grew by | well again after |',
  );
  console.log('|---|---:|---:|---:|---:|---:|---:|---:|');
  for (const result of results) {
    const { name, best, goodput, served, highMs, bestHighMs, normalMs, grownMb, recoverySeconds } = result;
    const percents = Object.values(served).map((share) => `${Math.round(share * 100)} %`);
    const cells = [
      name,
      Math.round(goodput),
      `${Math.round((goodput / best) * 100)} %`,
      percents.join(', '),
      `${Math.round(highMs)} (${Math.round(bestHighMs)})`,
      Math.round(normalMs),
      `${Math.round(grownMb)} MB`,
      `${recoverySeconds} s`,
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
}
