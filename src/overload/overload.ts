/** The pressure on a worker, and what follows from it: who is turned away, and whether the log is thinned out. */
import type { OverloadConfig, Priority } from '../contracts/config.ts';
import type { Log } from '../contracts/log.ts';
import { risingPriorities } from '../core/priorities.ts';
import { FullMemory } from './full-memory.ts';
import { type Level, levelAt, levels, shedFrom, thinsLogFrom } from './level.ts';
import { type DelaySlot, LoopDelay } from './loop-delay.ts';
import type { MemoryWatch } from './memory.ts';

/** Shares of what the worker can bear: 1 is all of it. The values of `overload_pressure{cause}`. */
export interface Pressures {
  concurrency: number;
  event_loop: number;
  memory: number;
}

export interface WaitingRequests {
  /** Turns away one of this priority, which is no work from then on; false: none waits. */
  shedOne(priority: Priority): boolean;
}

export interface OverloadOptions {
  /** What the event loop did since the last look. */
  readonly lookAtLoop: () => DelaySlot;
  readonly memory: Pick<MemoryWatch, 'pressure'>;
  /** All memory that this worker could have. */
  readonly memoryBytes: number;
  /** The requests that wait for an upstream. */
  readonly waiting: WaitingRequests;
  /** Memory has been full for too long: the worker should be replaced. `share`: of what it may hold. */
  readonly onFullMemory: (share: number) => void;
  readonly log: Log;
}

/** A level is left when the pressure has been below it for so long: at most a change up and one down a second. */
const holdMs = 1_000;

export class Overload {
  readonly pressures: Pressures = { concurrency: 0, event_loop: 0, memory: 0 };
  readonly #options: OverloadOptions;
  readonly #loop = new LoopDelay();
  readonly #fullMemory = new FullMemory();
  #maxConcurrent = Number.POSITIVE_INFINITY;
  #maxDelayMs = Number.POSITIVE_INFINITY;
  #maxMemory = 1;
  #mode: OverloadConfig['mode'] = 'enforce';
  /** The pressure of loop and memory, as of the last look. */
  #watched = 0;
  /** The highest pressure that a request has met since the last look. */
  #highest = 0;
  /** Index into `levels`: the highest of the last second. What requests meet is the pressure itself. */
  #level = 0;
  #heldUntil = 0;

  constructor(options: OverloadOptions) {
    this.#options = options;
  }

  configure({ maxConcurrent, maxEventLoopDelayMs, maxMemory, mode }: OverloadConfig): void {
    this.#maxConcurrent = maxConcurrent;
    this.#maxDelayMs = maxEventLoopDelayMs;
    this.#maxMemory = maxMemory;
    this.#mode = mode;
  }

  /** What a request meets that arrives while so many others are in flight. Called for each. */
  pressureAt(inFlight: number): number {
    const concurrency = inFlight / this.#maxConcurrent;
    const pressure = concurrency > this.#watched ? concurrency : this.#watched;
    if (pressure > this.#highest) this.#highest = pressure;
    return pressure;
  }

  /**
   * Who waits for an upstream meets the pressure of others as who comes now does, and is turned away by it: the lowest
   * first, and no more than it takes. Called when a request has been let in, and after each look.
   */
  relieve(work: { readonly load: number }): void {
    if (this.#pressureBeside(work) < shedFrom.low || this.#mode === 'shadow') return;
    for (const priority of risingPriorities) {
      let isDone = false;
      while (!isDone && this.#pressureBeside(work) >= shedFrom[priority]) {
        isDone = !this.#options.waiting.shedOne(priority);
      }
    }
  }

  /** Looks at loop and memory: to be called some ten times a second. `now` is monotonic. */
  look(inFlight: number, now: number): void {
    this.#loop.add(this.#options.lookAtLoop());
    this.pressures.concurrency = inFlight / this.#maxConcurrent;
    this.pressures.event_loop = this.#loop.sustainedMs() / this.#maxDelayMs;
    this.pressures.memory = this.#options.memory.pressure(this.#options.memoryBytes, this.#maxMemory);
    this.#watched = Math.max(this.pressures.event_loop, this.pressures.memory);
    const pressure = Math.max(this.#highest, this.pressureAt(inFlight));
    this.#highest = 0;
    this.#settle(levelAt(pressure), pressure, now);
    const { memory } = this.pressures;
    if (this.#fullMemory.note(memory, now) && this.#mode !== 'shadow') this.#options.onFullMemory(round(memory));
  }

  /** Mean over the last second, its longest pause included, ms. */
  loopDelayMs(): number {
    return this.#loop.meanMs();
  }

  /** Access logs are written at a tenth of their rate. Not in shadow mode, which is there to be looked at. */
  get thinsLog(): boolean {
    if (this.#mode === 'shadow') return false;
    return this.#level >= thinsLogFrom || this.#highest >= shedFrom.normal;
  }

  /** What one of those in flight meets. */
  #pressureBeside({ load }: { readonly load: number }): number {
    return Math.max((load - 1) / this.#maxConcurrent, this.#watched);
  }

  #settle(level: number, pressure: number, now: number): void {
    if (level >= this.#level) this.#heldUntil = now + holdMs;
    if (level === this.#level || (level < this.#level && now < this.#heldUntil)) return;
    const risen = level > this.#level;
    this.#level = level;
    const sheds: Level = (levels[level] as { level: Level }).level;
    const fields = { sheds, pressure: round(pressure), ...this.#causes(), eventLoopDelayMs: this.loopDelayMs() };
    const mode = this.#mode === 'shadow' ? { mode: 'shadow' } : {};
    if (risen) this.#options.log.warn({ ...fields, ...mode }, 'overload: requests are turned away by priority');
    else if (sheds === 'nobody') this.#options.log.info({ ...fields, ...mode }, 'overload is over');
    else this.#options.log.info({ ...fields, ...mode }, 'overload eases');
  }

  #causes(): Pressures {
    const { concurrency, event_loop, memory } = this.pressures;
    return { concurrency: round(concurrency), event_loop: round(event_loop), memory: round(memory) };
  }
}

function round(share: number): number {
  return Math.round(share * 100) / 100;
}
