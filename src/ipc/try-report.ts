/**
 * What the supervisor wants to know of the tries at upstreams: how many went well and how many failed, for the breakers,
 * and how many retries are under way, and may be. What has changed is sent together, a little later.
 */
import type { ToSupervisor } from '../contracts/ipc.ts';

export type TriesMessage = Extract<ToSupervisor, { type: 'tries' }>;

/** Well below the 50 ms within which outcomes have to be known, for a loop that is busy. */
const reportWithinMs = 20;
/** Of each key in a `tries` message: good, failed, retrying, room. */
export const numbersPerRow = 4;

/** What has happened at one upstream since the last report; what concerns retries is a level, not a sum. */
export class TryRow {
  readonly key: string;
  good = 0;
  failed = 0;
  retrying = 0;
  room = 0;
  hasChanged = false;

  constructor(key: string) {
    this.key = key;
  }
}

export class TryReport {
  readonly #send: (message: TriesMessage) => void;
  readonly #changed: TryRow[] = [];

  constructor(send: (message: TriesMessage) => void) {
    this.#send = send;
  }

  noteTry(row: TryRow, isFailure: boolean): void {
    if (isFailure) row.failed++;
    else row.good++;
    this.#note(row);
  }

  noteRetrying(row: TryRow, count: number, room: number): void {
    row.retrying = count;
    row.room = room;
    this.#note(row);
  }

  /** The timer's. */
  send(): void {
    const rows = this.#changed.splice(0);
    const numbers = new Float64Array(rows.length * numbersPerRow);
    for (const [i, row] of rows.entries()) {
      numbers.set([row.good, row.failed, row.retrying, row.room], i * numbersPerRow);
      row.good = 0;
      row.failed = 0;
      row.hasChanged = false;
    }
    this.#send({ type: 'tries', keys: rows.map(({ key }) => key), numbers });
  }

  #note(row: TryRow): void {
    if (row.hasChanged) return;
    row.hasChanged = true;
    this.#changed.push(row);
    if (this.#changed.length === 1) setTimeout(send, reportWithinMs, this);
  }
}

function send(report: TryReport): void {
  report.send();
}
