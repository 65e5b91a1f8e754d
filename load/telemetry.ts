/**
 * What OpenTelemetry costs: one gateway for each setting, put under the same load in turns, so that a noisy moment of the
 * machine hits all of them.
 *
 *   npm run benchmark:telemetry -- [--rounds 7] [--seconds 4] [--connections 32] [--without FOLDER]
 *
 * `--without`: another installation, from before there was telemetry, to compare "off" with. Needs wrk and nginx. With two
 * processors or more, the gateways stay on one, and load, upstream and collector on another.
 */
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cpuMicros, type Peer, startCollector, startGateway, startOrigin } from './peers/peers.ts';
import { type LoadShape, runWrk } from './wrk.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '4' },
    connections: { type: 'string', default: '32' },
    without: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
const hasTwo = availableParallelism() >= 2;
const gatewayCpu = hasTwo ? 0 : null;
const otherCpu = hasTwo ? 1 : null;
const shape: LoadShape = { connections: Number(values.connections), seconds: Number(values.seconds), cpu: otherCpu };

const origin = await startOrigin(otherCpu);
const collector = await startCollector(otherCpu);
const originPort = Number(new URL(origin.url).port);
const traces = { url: collector.url, metrics: false, logs: false };
const silent = { level: 'silent' };

const settings: readonly (readonly [name: string, logging: object, otlp: object | null])[] = [
  ['off', silent, null],
  ['traces, 0 %', silent, { ...traces, sampleRatio: 0 }],
  ['traces, 10 %', silent, { ...traces, sampleRatio: 0.1 }],
  ['traces, 100 %', silent, { ...traces, sampleRatio: 1 }],
  ['log to a file, nothing sent', {}, null],
  ['log to a file and to the collector', {}, { ...traces, traces: false, logs: true }],
];

const gateways: Peer[] = [];
if (values.without !== undefined) {
  const program = join(values.without, 'bin/sluice');
  gateways.push(await startGateway('without the code', originPort, gatewayCpu, silent, {}, program));
}
for (const [name, logging, otlp] of settings) {
  const more = otlp === null ? {} : { telemetry: { otlp } };
  gateways.push(await startGateway(name, originPort, gatewayCpu, logging, more));
}

interface Result {
  readonly cpu: number[];
  readonly perSecond: number[];
}
const results = new Map<Peer, Result>(gateways.map((gateway) => [gateway, { cpu: [], perSecond: [] }]));
let failures = 0;
for (const gateway of gateways) await runWrk(gateway.url, { ...shape, seconds: 2 });
for (let round = 0; round < rounds; round++) {
  // Each is first in its turn: what the machine does beside hits all places alike.
  const order = [...results];
  for (const [gateway, result] of [...order.slice(round % order.length), ...order.slice(0, round % order.length)]) {
    const before = cpuMicros(gateway.pid);
    const report = await runWrk(gateway.url, shape);
    result.cpu.push((cpuMicros(gateway.pid) - before) / report.requests);
    result.perSecond.push(report.requestsPerSecond);
    failures += report.failures;
  }
}

console.log(`${cpus()[0]?.model}, ${availableParallelism()} processors; Node ${process.versions.node};`);
console.log(`${shape.connections} connections, medians of ${rounds} rounds of ${shape.seconds} s\n`);
console.log('| telemetry | CPU µs/request | × off | requests/s | × off |\n|---|---:|---:|---:|---:|');
const [, off] = [...results].find(([{ name }]) => name === 'off') as [Peer, Result];
for (const [{ name }, { cpu, perSecond }] of results) {
  const [cost, rate] = [median(cpu), median(perSecond)];
  const columns = [cost.toFixed(1), (cost / median(off.cpu)).toFixed(2), rate.toFixed(0)];
  console.log(`| ${name} | ${columns.join(' | ')} | ${(rate / median(off.perSecond)).toFixed(2)} |`);
}
console.log(`\nfailures: ${failures}`);
process.exit(0);

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0;
}
