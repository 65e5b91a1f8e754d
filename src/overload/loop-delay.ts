/** How late the event loop is: the mean of the last second, with and without its longest pause. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** What was seen between two looks. Times in ms. */
export interface DelaySlot {
  readonly count: number;
  readonly sumMs: number;
  readonly longestMs: number;
}

const noSlot: DelaySlot = { count: 0, sumMs: 0, longestMs: 0 };

/** The last ten looks: a second, or as long as ten turns of a loop that is slower. Pure. */
export class LoopDelay {
  readonly #slots: DelaySlot[] = Array.from({ length: slotsKept }, () => noSlot);
  #next = 0;

  add(slot: DelaySlot): void {
    this.#slots[this.#next] = slot;
    this.#next = (this.#next + 1) % slotsKept;
  }

  meanMs(): number {
    const { count, sumMs } = this.#total();
    return count === 0 ? 0 : round(sumMs / count);
  }

  /**
   * The mean without the longest pause. One pause, however long, is no overload: a machine that was suspended, a
   * process that was stopped or a collection of garbage left nothing behind that turning requests away would cure. A
   * loop that is too slow for its work is late again and again.
   */
  sustainedMs(): number {
    const { count, sumMs, longestMs } = this.#total();
    return count < 2 ? 0 : round((sumMs - longestMs) / (count - 1));
  }

  #total(): DelaySlot {
    let count = 0;
    let sumMs = 0;
    let longestMs = 0;
    for (const slot of this.#slots) {
      count += slot.count;
      sumMs += slot.sumMs;
      longestMs = Math.max(longestMs, slot.longestMs);
    }
    return { count, sumMs, longestMs };
  }
}

/** Begins to measure; each call of the answer gives what was seen since the call before. */
export function watchEventLoop(): () => DelaySlot {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  histogram.enable();
  return () => {
    const { count } = histogram;
    if (count === 0) return noSlot;
    // Node records the distance between two ticks of its timer, which is never below the resolution.
    const slot = { count, sumMs: lateMs(histogram.mean) * count, longestMs: lateMs(histogram.max) };
    histogram.reset();
    return slot;
  };
}

const slotsKept = 10;
const resolutionMs = 20;

function lateMs(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e6 - resolutionMs);
}

function round(ms: number): number {
  return Math.max(0, Math.round(ms * 100) / 100);
}
