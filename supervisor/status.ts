/** The gateway and its workers as `GET /status` tells of them: what the supervisor knows by itself. */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Health } from '../src/contracts/ipc.ts';
import type { GatewayStatus, LastReload } from '../src/contracts/status.ts';
import type { StatusFacts } from './metrics-thread.ts';
import type { WorkerPool } from './worker-pool.ts';

export interface GatewayFacts {
  readonly health: Health;
  readonly config: { readonly file: string; readonly version: number; readonly takenUpAt: Date };
  readonly lastReload: LastReload | null;
}

export function describeGateway({ health, config, lastReload }: GatewayFacts): GatewayStatus {
  return {
    at: new Date().toISOString(),
    startedAt,
    sluice: version,
    node: process.version,
    pid: process.pid,
    ready: health.ready,
    checks: health.checks,
    config: { ...config, takenUpAt: config.takenUpAt.toISOString() },
    lastReload,
  };
}

const startedAt = new Date(Date.now() - process.uptime() * 1000).toISOString();
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** `now`: monotonic ms. */
export function describeWorkers(
  census: ReturnType<WorkerPool['census']>,
  now: number,
): Promise<StatusFacts['workers']> {
  return Promise.all(
    census.map(async ({ worker: { id, slot, pid, bornAt }, state }) => ({
      id,
      worker: slot,
      pid,
      state,
      uptimeSeconds: Math.floor((now - bornAt) / 1000),
      memoryBytes: await residentBytesOf(pid),
    })),
  );
}

/** Linux tells it in /proc; null elsewhere, and for a process that has just gone. */
async function residentBytesOf(pid: number): Promise<number | null> {
  const text = await readFile(`/proc/${pid}/status`, 'latin1').catch(() => '');
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(text)?.[1];
  return kilobytes === undefined ? null : Number(kilobytes) * 1024;
}
