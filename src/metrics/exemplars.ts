/**
 * Examples of what a worker's histograms count: for each bucket the trace id of one request since the last report, so
 * that a slow bucket leads to a trace and to a log line. At most one a bucket and so many in all, however many requests come.
 */
import type { ExemplarReport } from '../contracts/ipc.ts';

const maxPerReport = 200;

export class Exemplars {
  #byCell = new Map<number, ExemplarReport>();

  /** A request that has been counted in this cell. The first one stands for all that follow until the next report. */
  offer(cell: number, traceId: string, value: number): void {
    if (this.#byCell.has(cell) || this.#byCell.size >= maxPerReport) return;
    this.#byCell.set(cell, { cell, traceId, value, at: Date.now() / 1000 });
  }

  /** Those since the last call. */
  collect(): readonly ExemplarReport[] {
    if (this.#byCell.size === 0) return none;
    const exemplars = [...this.#byCell.values()];
    this.#byCell.clear();
    return exemplars;
  }
}

const none: readonly ExemplarReport[] = [];
