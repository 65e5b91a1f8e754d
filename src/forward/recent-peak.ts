/** The highest value of the last five to ten seconds. */
const spanMs = 5_000;

export class RecentPeak {
  #since = 0;
  #present = 0;
  #before = 0;

  note(value: number, now: number): void {
    this.#turn(now);
    if (value > this.#present) this.#present = value;
  }

  read(now: number): number {
    this.#turn(now);
    return Math.max(this.#present, this.#before);
  }

  #turn(now: number): void {
    const spans = Math.floor((now - this.#since) / spanMs);
    if (spans < 1) return;
    this.#before = spans === 1 ? this.#present : 0;
    this.#present = 0;
    this.#since += spans * spanMs;
  }
}
