/**
 * What one worker costs on the plain forwarding job and with every policy on the way, beside the barest forwarder that
 * its parts allow and nginx: all of them run at once before one upstream, and take turns under load, so that a noisy
 * moment of the machine hits all.
 *
 *   npm run benchmark -- [--rounds 5] [--seconds 5] [--connections 64]
 *
 * Needs wrk and nginx. With two processors or more, the proxies stay on one, and load and upstream on another.
 */
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import {
  cpuMicros,
  memoryMb,
  type Peer,
  startBareForwarder,
  startGateway,
  startNginxProxy,
  startOrigin,
} from './peers/peers.ts';
import { type LoadReport, type LoadShape, runWrk } from './wrk.ts';

interface Round extends LoadReport {
  readonly cpuMicrosPerRequest: number;
  readonly supervisorMicrosPerRequest: number;
  /** Of the process that moves the bytes, right after the round. */
  readonly memoryMb: number;
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '64' },
  },
});
const rounds = Number(values.rounds);
const connections = Number(values.connections);

needTools(['wrk', 'nginx', 'taskset']);
const hasTwo = availableParallelism() >= 2;
const proxyCpu = hasTwo ? 0 : null;
const otherCpu = hasTwo ? 1 : null;
const key = 'slk_a-key-of-the-usual-length-0123456789';
const headers = [`X-API-Key: ${key}`];
const shape: LoadShape = { connections, seconds: Number(values.seconds), cpu: otherCpu, headers };

const origin = await startOrigin(otherCpu);
const originPort = Number(new URL(origin.url).port);
const bare = await startBareForwarder(originPort, proxyCpu);
const peers: readonly Peer[] = [
  await startGateway('sluice, 1 worker', originPort, proxyCpu, {}),
  await startGateway('sluice, 1 worker, log silent', originPort, proxyCpu, { level: 'silent' }),
  await startGateway('sluice, 1 worker, full pipeline', originPort, proxyCpu, {}, fullPipeline(originPort)),
  bare,
  await startNginxProxy(originPort, proxyCpu),
];

const measured = new Map<Peer, Round[]>(peers.map((peer) => [peer, []]));
for (const peer of peers) await runWrk(urlOf(peer), { ...shape, seconds: 3 });
for (let round = 0; round < rounds; round++) {
  for (const peer of peers) {
    const result = await measure(peer);
    measured.get(peer)?.push(result);
    console.error(`round ${round + 1}: ${peer.name}: ${Math.round(result.requestsPerSecond)} requests/s`);
  }
}
print();
process.exit(0);

async function measure(peer: Peer): Promise<Round> {
  const pids = [peer.pid, peer.supervisorPid];
  const before = pids.map((pid) => (pid === null ? 0 : cpuMicros(pid)));
  const report = await runWrk(urlOf(peer), shape);
  const used = pids.map((pid, i) => (pid === null ? 0 : cpuMicros(pid) - (before[i] ?? 0)) / report.requests);
  return {
    ...report,
    cpuMicrosPerRequest: used[0] ?? 0,
    supervisorMicrosPerRequest: used[1] ?? 0,
    memoryMb: memoryMb(peer.pid),
  };
}

function urlOf(peer: Peer): string {
  return peer.name.endsWith('full pipeline') ? `${peer.url}full/orders?page=2` : peer.url;
}

/** A key, three limits that are never reached, checks of fields and query, edited fields, a circuit breaker and retries. */
function fullPipeline(upstreamPort: number): object {
  const secret = 'a secret of the usual length';
  const limit = { max: 1_000_000_000, windowMs: 60_000 };
  const digest = createHmac('sha256', secret).update(key).digest('hex');
  return {
    security: { auth: { type: 'apiKey', secret, keys: [{ key: digest, name: 'bench' }] } },
    rateLimit: { global: limit, perRoute: [{ path: '/*', ...limit }] },
    upstreams: [
      {
        name: 'origin',
        url: `http://127.0.0.1:${upstreamPort}`,
        retries: 2,
        circuitBreaker: {},
        healthCheck: { path: '/' },
      },
    ],
    routes: [
      // For who waits until the gateway answers; the load goes to the other.
      { path: '/', upstream: 'origin' },
      {
        path: '/full/*',
        upstream: 'origin',
        auth: 'required',
        consumers: ['bench'],
        rateLimit: limit,
        stripPrefix: '/full',
        request: { headers: { set: { 'x-team': 'bench' }, remove: ['x-internal'] } },
        response: { headers: { set: { 'cache-control': 'no-store' }, remove: ['server'] } },
        validate: {
          headers: { type: 'object', required: ['host'] },
          query: { type: 'object', properties: { page: { type: 'integer', minimum: 1 } }, required: ['page'] },
        },
      },
    ],
  };
}

function print(): void {
  const cpu = cpus()[0]?.model ?? 'unknown processor';
  console.log(
    `${cpu}, ${availableParallelism()} processors; Node ${process.versions.node}; ${connections} connections,`,
  );
  console.log(`medians of ${rounds} rounds of ${shape.seconds} s, taken in turns; answers of 1 KB\n`);
  console.log(
    '| proxy | requests/s | × bare | CPU µs/request | × bare | supervisor µs/request | p50 ms | p90 ms | p99 ms | MB | failures |',
  );
  console.log('|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|');
  for (const peer of peers) {
    const rate = medianOf(peer, 'requestsPerSecond');
    const cost = medianOf(peer, 'cpuMicrosPerRequest');
    const cells = [
      peer.name,
      Math.round(rate),
      (rate / medianOf(bare, 'requestsPerSecond')).toFixed(2),
      cost.toFixed(1),
      (cost / medianOf(bare, 'cpuMicrosPerRequest')).toFixed(2),
      medianOf(peer, 'supervisorMicrosPerRequest').toFixed(1),
      medianOf(peer, 'p50Ms').toFixed(2),
      medianOf(peer, 'p90Ms').toFixed(2),
      medianOf(peer, 'p99Ms').toFixed(2),
      medianOf(peer, 'memoryMb').toFixed(0),
      measured.get(peer)?.reduce((sum, { failures }) => sum + failures, 0),
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
}

function medianOf(peer: Peer, key: keyof Round): number {
  const sorted = (measured.get(peer) ?? []).map((round) => round[key]).sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle] ?? 0;
  return ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

function needTools(names: readonly string[]): void {
  const missing = names.filter((name) => {
    try {
      execFileSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' });
      return false;
    } catch {
      return true;
    }
  });
  if (missing.length === 0) return;
  console.error(`npm run benchmark needs ${missing.join(', ')}: apt-get install wrk nginx-light util-linux`);
  process.exit(1);
}
