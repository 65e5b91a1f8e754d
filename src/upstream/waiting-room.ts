/** All who wait in this worker for a connection to an upstream: here overload protection finds whom it turns away. */
import type { Priority } from '../contracts/config.ts';
import type { WaitingLine } from './waiting-line.ts';

export class WaitingRoom {
  /** Those in which somebody waits. */
  readonly #lines = new Set<WaitingLine>();

  /** Somebody waits in it, or nobody any more: to be called when that may have changed. */
  note(line: WaitingLine): void {
    if (line.length > 0) this.#lines.add(line);
    else this.#lines.delete(line);
  }

  /** Turns away whoever came last of this priority to the line in which most of them wait. False: none of them waits. */
  shedOne(priority: Priority): boolean {
    const line = this.#longestOf(priority);
    const shed = line === null ? null : line.takeLast(priority);
    if (line === null || shed === null) return false;
    this.note(line);
    shed.attempt.turnedAway('pressure');
    return true;
  }

  #longestOf(priority: Priority): WaitingLine | null {
    let longest: WaitingLine | null = null;
    for (const line of this.#lines) {
      if (line.countOf(priority) > (longest === null ? 0 : longest.countOf(priority))) longest = line;
    }
    return longest;
  }
}
