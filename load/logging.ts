/**
 * What it costs to tell: one worker on the plain forwarding job that counts nothing and logs nothing, one that counts, and
 * some that log, sampled and in full, to a file, to a pipe, and to a pipe whose reader is too slow. All run at once and
 * take turns under load, so that a noisy moment of the machine hits all.
 *
 *   npm run benchmark:logging -- [--rounds 5] [--seconds 4] [--connections 32]
 *
 * Needs wrk, nginx and bash. With two processors or more, gateways and readers stay on one, and load and upstream on another.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cpuMicros, memoryMb, type Peer, startGateway, startOrigin } from './peers/peers.ts';
import { type LoadReport, type LoadShape, runWrk } from './wrk.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    connections: { type: 'string', default: '32' },
  },
});
const rounds = Number(values.rounds);
const hasTwo = availableParallelism() >= 2;
const [gatewayCpu, otherCpu] = hasTwo ? [0, 1] : [null, null];
const shape: LoadShape = { connections: Number(values.connections), seconds: Number(values.seconds), cpu: otherCpu };

const folder = mkdtempSync(join(tmpdir(), 'sluice-logging-'));
process.on('exit', () => rmSync(folder, { recursive: true }));
const sluice = join(import.meta.dirname, '../bin/sluice');
const uncounted = writeProgram(
  'uncounted',
  `NODE_OPTIONS=--import=${import.meta.dirname}/peers/no-metrics.ts exec`,
  '',
);
const piped = writeProgram('piped', 'exec', '> >(cat > /dev/null)');
const readerCommand = [
  join(import.meta.dirname, '../bin/pinned-node'),
  join(import.meta.dirname, 'peers/slow-reader.ts'),
];
const tooSlow = writeProgram('too-slow', 'exec', `> >(exec "${readerCommand.join('" "')}")`);
const unread = writeProgram('unread', 'exec', '> >(exec sleep 3600)');

const silent = { level: 'silent' };
const full = { level: 'info' };
const sampled = { ...full, sampling: { successRate: 0.1 } };
const ways: readonly (readonly [name: string, logging: object, program: string])[] = [
  ['no log, no metrics', silent, uncounted],
  ['metrics', silent, sluice],
  ['metrics, a tenth of the log to a file', sampled, sluice],
  ['metrics, log to a file', full, sluice],
  ['metrics, log to a pipe', full, piped],
  ['metrics, log to a pipe that is read too slowly', full, tooSlow],
  ['metrics, log to a pipe that nobody reads', full, unread],
];

interface Round extends LoadReport {
  readonly cpuMicrosPerRequest: number;
}

const origin = await startOrigin(otherCpu);
const originPort = Number(new URL(origin.url).port);
// In shadow mode, since under full load a tenth of the log would do.
const overload = { mode: 'shadow' };
const gateways: Peer[] = [];
for (const [name, logging, program] of ways) {
  gateways.push(await startGateway(name, originPort, gatewayCpu, logging, { overload }, program));
}
const measured = new Map<Peer, Round[]>(gateways.map((gateway) => [gateway, []]));
for (const gateway of gateways) await runWrk(gateway.url, { ...shape, seconds: 2 });
for (let round = 0; round < rounds; round++) {
  for (const gateway of gateways) {
    const before = cpuMicros(gateway.pid);
    const report = await runWrk(gateway.url, shape);
    const cpuMicrosPerRequest = (cpuMicros(gateway.pid) - before) / report.requests;
    measured.get(gateway)?.push({ ...report, cpuMicrosPerRequest });
  }
  console.error(`round ${round + 1} of ${rounds}`);
}
print();
process.exit(0);

/** Bash, since it can put a real pipe in the place of standard output, with its reader behind it. */
function writeProgram(name: string, before: string, after: string): string {
  const file = join(folder, name);
  writeFileSync(file, `#!/bin/bash\n${before} "${sluice}" "$@" ${after}\n`, { mode: 0o755 });
  return file;
}

function print(): void {
  console.log(`${cpus()[0]?.model}, ${availableParallelism()} processors; Node ${process.versions.node};`);
  console.log(`${shape.connections} connections, medians of ${rounds} rounds of ${shape.seconds} s, taken in turns\n`);
  console.log('| what is told | CPU µs/request | × none | requests/s | × none | p99 ms | MB | failures |');
  console.log('|---|---:|---:|---:|---:|---:|---:|---:|');
  const [none] = gateways as [Peer];
  for (const gateway of gateways) {
    const cost = medianOf(gateway, 'cpuMicrosPerRequest');
    const rate = medianOf(gateway, 'requestsPerSecond');
    const failures = (measured.get(gateway) ?? []).reduce((sum, round) => sum + round.failures, 0);
    const cells = [
      cost.toFixed(1),
      (cost / medianOf(none, 'cpuMicrosPerRequest')).toFixed(2),
      Math.round(rate),
      (rate / medianOf(none, 'requestsPerSecond')).toFixed(2),
      medianOf(gateway, 'p99Ms').toFixed(1),
      memoryMb(gateway.pid).toFixed(0),
      failures,
    ];
    console.log(`| ${gateway.name} | ${cells.join(' | ')} |`);
  }
}

function medianOf(gateway: Peer, key: keyof Round): number {
  const numbers = (measured.get(gateway) ?? []).map((round) => round[key]);
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0;
}
