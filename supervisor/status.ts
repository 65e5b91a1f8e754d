/** The gateway and its workers as `GET /status` tells of them: what the supervisor knows by itself. */
import { readFile } from 'node:fs/promises';
import { formatProblem } from '../src/config/problem.ts';
import type { Health } from '../src/contracts/ipc.ts';
import type { GatewayStatus, LastReload } from '../src/contracts/status.ts';
import { readVersion } from '../src/core/version.ts';
import type { StatusFacts } from './metrics-thread.ts';
import type { ReloadReport } from './reload-report.ts';
import type { WorkerPool } from './worker-pool.ts';

/** Lines of one reload that are kept: a new config may change thousands of routes. */
const maxLines = 500;

/** Remembers what became of the config, for as long as the gateway runs. */
export class StatusDesk {
  #takenUpAt = new Date();
  #lastReload: LastReload | null = null;

  /** Another config is in force. */
  tookUp(): void {
    this.#takenUpAt = new Date();
  }

  reloaded(report: ReloadReport): void {
    if (report.result === 'stopped') return;
    const { result, version } = report;
    const first = { at: new Date().toISOString(), result, version };
    const nothing = { changes: [], needsRestart: [], problems: [] };
    if (report.result === 'accepted') {
      const { changes, needsRestart } = report;
      this.#lastReload = { ...first, ...nothing, changes: shorten(changes), needsRestart };
      return;
    }
    const problems = report.reason === null ? report.problems.map(formatProblem) : [report.reason];
    this.#lastReload = { ...first, ...nothing, problems: shorten(problems) };
  }

  describe(health: Health, { file, version }: { readonly file: string; readonly version: number }): GatewayStatus {
    return {
      at: new Date().toISOString(),
      startedAt,
      sluice,
      node: process.version,
      pid: process.pid,
      ready: health.ready,
      checks: health.checks,
      config: { file, version, takenUpAt: this.#takenUpAt.toISOString() },
      lastReload: this.#lastReload,
    };
  }
}

function shorten(lines: readonly string[]): readonly string[] {
  if (lines.length <= maxLines) return lines;
  return [...lines.slice(0, maxLines), `… and ${lines.length - maxLines} more, which the log has`];
}

const startedAt = new Date(Date.now() - process.uptime() * 1000).toISOString();
const sluice = readVersion();

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
