/**
 * Examples of what a worker's histograms count: for each bucket the trace id of one request since the last report, so
 * that a slow bucket leads to a trace and to a log line. At most one a bucket and so many in all, however many requests come.
 */
import type { TraceContext } from '../contracts/exchange.ts';
import type { ExemplarReport } from '../contracts/ipc.ts';

/** What an exemplar needs to know of its request. */
export type ExemplaryTrace = Pick<TraceContext, 'traceId' | 'isSampled'>;

interface Kept extends ExemplaryTrace {
  readonly value: number;
  readonly at: number;
}

const maxPerReport = 200;

export class Exemplars {
  readonly #byCell = new Map<number, Kept>();

  /**
   * A request that has been counted in this cell. The first one stands for all that follow until the next report, unless
   * its trace is recorded nowhere and that of a later one is: then there is more to see of that one.
   */
  offer(cell: number, { traceId, isSampled }: ExemplaryTrace, value: number): void {
    const kept = this.#byCell.get(cell);
    const hasPlace = kept === undefined ? this.#byCell.size < maxPerReport : isSampled && !kept.isSampled;
    if (hasPlace) this.#byCell.set(cell, { traceId, isSampled, value, at: Date.now() / 1000 });
  }

  /** Those since the last call. */
  collect(): readonly ExemplarReport[] {
    if (this.#byCell.size === 0) return none;
    const exemplars: ExemplarReport[] = [];
    for (const [cell, { traceId, value, at }] of this.#byCell) exemplars.push({ cell, traceId, value, at });
    this.#byCell.clear();
    return exemplars;
  }
}

const none: readonly ExemplarReport[] = [];
