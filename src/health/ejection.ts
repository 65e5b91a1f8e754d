/** The rest that a target is given when requests keep failing there: longer each time that it comes back too early. Times in ms. */
import type { OutlierDetectionConfig } from '../contracts/config.ts';

type Rest = OutlierDetectionConfig['ejection'];

export class Ejection {
  #until = Number.NEGATIVE_INFINITY;
  /** How many times in a row. */
  #count = 0;

  isEjected(now: number): boolean {
    return now < this.#until;
  }

  /** When it is over; in the past when there is none. */
  get until(): number {
    return this.#until;
  }

  /** Each one lasts `base` longer than the one before; each `base` of time in service takes one back. */
  begin(now: number, { baseMs, maxMs }: Rest): void {
    const forgiven = this.#count === 0 ? 0 : Math.floor((now - this.#until) / baseMs);
    this.#count = Math.max(0, this.#count - forgiven) + 1;
    this.#until = now + Math.min(maxMs, baseMs * this.#count);
  }

  /** Back before its time: it is needed. */
  end(now: number): void {
    if (this.isEjected(now)) this.#until = now;
  }
}
