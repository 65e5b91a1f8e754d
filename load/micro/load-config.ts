/**
 * Time to load a config of 5,000 routes in a thread, and what it costs the caller: the CPU time of its own thread, all turns of
 * the event loop together. (Delays of the loop would mostly show what else the machine does.)
 *   bin/pinned-node load/micro/load-config.ts
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReloadedConfig } from '../../src/config/load.ts';
import { loadConfigInThread } from '../../src/config/load-in-thread.ts';
import { unpackConfig } from '../../src/config/parcel.ts';
import type { ConfigParcel } from '../../src/contracts/ipc.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
const file = join(folder, 'proxy.yml');
writeFileSync(file, writeConfig(5_000));
console.log(`${availableParallelism()} CPUs, node ${process.version}`);
try {
  const first = await measure('first load', () => load(null));
  if (first.ok) {
    await measure('reload, with the differences', () => load(first.parcel));
    await measure('unpack in a worker', () => unpackConfig(first.parcel));
  }
} finally {
  rmSync(folder, { recursive: true });
}

function load(previous: ConfigParcel | null): Promise<ReloadedConfig> {
  return loadConfigInThread({ file, env: process.env, strict: false }, previous);
}

async function measure<T>(what: string, work: () => Promise<T>): Promise<T> {
  const before = process.threadCpuUsage();
  const start = performance.now();
  const result = await work();
  const ms = Math.round(performance.now() - start);
  const { user, system } = process.threadCpuUsage(before);
  const own = ((user + system) / 1000).toFixed(1);
  console.log(`${what}: ${ms} ms, of which ${own} ms CPU in this thread`);
  return result;
}

function writeConfig(routes: number): string {
  const route = (i: number): string =>
    `  - { name: route${i}, path: "/v1/things${i}/:id/*", methods: [GET, POST], upstream: up${i % 50}, timeout: 5s }\n`;
  const upstreams = Array.from({ length: 50 }, (_, i) => `  - { name: up${i}, url: "http://host${i}:8080" }\n`);
  return `upstreams:\n${upstreams.join('')}routes:\n${Array.from({ length: routes }, (_, i) => route(i)).join('')}`;
}
