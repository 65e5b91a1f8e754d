/**
 * What limits cost per request: a worker without any, one with a limit in the memory of the supervisor, and one with three,
 * and the same two in Redis, before one upstream and taking turns under load.
 *
 *   npm run benchmark:limits -- [--rounds 7] [--seconds 4] [--connections 64]
 *
 * Needs wrk, nginx and redis-server. With two processors or more the gateways, supervisors included, stay on one.
 */
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { cpuMicros, type Peer, startGateway, startOrigin, startRedis } from './peers/peers.ts';
import { runWrk } from './wrk.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '4' },
    connections: { type: 'string', default: '64' },
  },
});
const rounds = Number(values.rounds);
const connections = Number(values.connections);
const hasTwo = availableParallelism() >= 2;
const proxyCpu = hasTwo ? 0 : null;
const otherCpu = hasTwo ? 1 : null;
const shape = { connections, seconds: Number(values.seconds), cpu: otherCpu };

/** Never reached. */
const limit = { max: 1_000_000_000, windowMs: 60_000 };
const silent = { level: 'silent' };
const origin = await startOrigin(otherCpu);
const originPort = Number(new URL(origin.url).port);
const redis = await startRedis(otherCpu);
const inRedis = { backend: 'redis', redis: { url: redis.url, onError: 'open' } };
const threeRoutes = [{ path: '/*', upstream: 'origin', rateLimit: limit }];
const twoLimits = { global: limit, perRoute: [{ path: '/*', ...limit, key: 'all' }] };
const peers: readonly Peer[] = [
  await startGateway('no limit', originPort, proxyCpu, silent),
  await startGateway('one limit', originPort, proxyCpu, silent, { rateLimit: { global: limit } }),
  await startGateway('three limits', originPort, proxyCpu, silent, { rateLimit: twoLimits, routes: threeRoutes }),
  await startGateway('one limit, Redis', originPort, proxyCpu, silent, { rateLimit: { global: limit, ...inRedis } }),
  await startGateway('three limits, Redis', originPort, proxyCpu, silent, {
    rateLimit: { ...twoLimits, ...inRedis },
    routes: threeRoutes,
  }),
];

interface Round {
  readonly requestsPerSecond: number;
  readonly worker: number;
  readonly supervisor: number;
  readonly redis: number;
}

const measured = new Map<Peer, Round[]>(peers.map((peer) => [peer, []]));
for (const peer of peers) await runWrk(peer.url, { ...shape, seconds: 3 });
for (let round = 0; round < rounds; round++) {
  for (const peer of peers) measured.get(peer)?.push(await measure(peer));
}
print();
for (const peer of peers) await printUnanswered(peer);
process.exit(0);

async function measure(peer: Peer): Promise<Round> {
  const pids = [peer.pid, peer.supervisorPid ?? 0, redis.pid];
  const before = pids.map(cpuMicros);
  const report = await runWrk(peer.url, shape);
  if (report.failures > 0) throw new Error(`${peer.name}: ${report.failures} failures`);
  const [worker = 0, supervisor = 0, ofRedis = 0] = pids.map(
    (pid, i) => (cpuMicros(pid) - (before[i] ?? 0)) / report.requests,
  );
  return { requestsPerSecond: report.requestsPerSecond, worker, supervisor, redis: ofRedis };
}

function print(): void {
  console.log(
    `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} processors; Node ${process.versions.node};`,
  );
  console.log(`${connections} connections, medians of ${rounds} rounds of ${shape.seconds} s, taken in turns\n`);
  console.log('| limits | requests/s | CPU of the worker, µs/request | of the supervisor | of Redis |');
  console.log('|---|---:|---:|---:|---:|');
  for (const peer of peers) {
    const costs = (['worker', 'supervisor', 'redis'] as const).map((key) => medianOf(peer, key).toFixed(1));
    console.log(`| ${peer.name} | ${Math.round(medianOf(peer, 'requestsPerSecond'))} | ${costs.join(' | ')} |`);
  }
}

/** A machine that has no processor for Redis now and then makes it late. */
async function printUnanswered({ name, url }: Peer): Promise<void> {
  const metrics = await (await fetch(`${url}metrics`)).text();
  const counts = metrics.matchAll(/^rate_limit_decisions_total\{.*decision="open"\} (\d+)/gm);
  const unanswered = counts.reduce((sum, [, count]) => sum + Number(count), 0);
  if (unanswered > 0) console.log(`${name}: ${unanswered} requests were decided without Redis`);
}

function medianOf(peer: Peer, key: keyof Round): number {
  const sorted = (measured.get(peer) ?? []).map((round) => round[key]).sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}
