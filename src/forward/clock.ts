/** The time of an exchange: what it waits for at the moment, until when, and the one timer for all of it. */
import { performance } from 'node:perf_hooks';
import { longestTimerMs } from '../core/longest-timer.ts';

/** What is waited for, and so which limits apply. */
export type Awaited =
  /** The upstream is taking a body that is still on its way. */
  | 'upload'
  /** The head of the answer. */
  | 'head'
  /** The time for the next try, or somebody's word on whether there may be one. */
  | 'turn'
  | 'body'
  /** More of an event stream: it has no end that could be late. */
  | 'events'
  | 'nothing';

/** Which limit was passed: that of the whole exchange, or that of what was awaited. */
export type TimeUp = 'exchange' | Exclude<Awaited, 'nothing'>;

export interface ClockOwner {
  timeUp(which: TimeUp): void;
}

/** All times are monotonic ms. */
export class ForwardClock {
  /** When the present try began, or when its request was complete. */
  tryStartedAt = 0;
  /** Infinity: none. */
  readonly idleMs: number;
  readonly #owner: ClockOwner;
  /** Infinity: none. */
  readonly #deadlineAt: number;
  readonly #startedAt: number;
  #awaited: Awaited = 'nothing';
  /** When the head of the present try's answer has to be there. */
  #tryTimeoutMs = 0;
  /** When body bytes last moved, in either direction. */
  #movedAt = 0;
  #turnAt = 0;
  #timer: NodeJS.Timeout | null = null;
  /** Infinity: no timer is set. */
  #firesAt = Number.POSITIVE_INFINITY;

  /** `timeoutMs` is for the whole exchange; 0: none, likewise for the others. */
  constructor(owner: ClockOwner, startedAt: number, timeoutMs: number, idleMs: number) {
    this.#owner = owner;
    this.#startedAt = startedAt;
    this.#deadlineAt = timeoutMs === 0 ? Number.POSITIVE_INFINITY : startedAt + timeoutMs;
    this.idleMs = idleMs === 0 ? Number.POSITIVE_INFINITY : idleMs;
  }

  /** A try begins, with a body that is there (`head`) or on its way (`upload`). */
  startTry(now: number, tryTimeoutMs: number, awaited: 'head' | 'upload'): void {
    this.#tryTimeoutMs = tryTimeoutMs;
    this.tryStartedAt = now;
    this.#movedAt = now;
    this.#awaited = awaited;
    this.#rearm(now);
  }

  /** A streamed body may take its time: the try's clock starts when the upstream has it all. */
  requestSent(now: number): void {
    if (this.#awaited !== 'upload') return;
    this.#awaited = 'head';
    this.tryStartedAt = now;
    this.#rearm(now);
  }

  headArrived(now: number, awaited: 'body' | 'events'): void {
    this.#awaited = awaited;
    this.#movedAt = now;
    // A timer that is set for later would notice a stalled body too late; one that is set for earlier sets itself anew.
    if (this.#nextAt() < this.#firesAt) this.#rearm(now);
  }

  /** No try is under way until then. `waitMs` Infinity: until something else happens. */
  awaitTurn(now: number, waitMs: number): void {
    this.#awaited = 'turn';
    this.#turnAt = now + waitMs;
    this.#rearm(now);
  }

  /** The exchange will still have time by then. */
  hasTimeFor(now: number, waitMs: number): boolean {
    const leftMs = this.#deadlineAt === Number.POSITIVE_INFINITY ? longestTurnMs : this.#deadlineAt - now;
    return waitMs < leftMs;
  }

  /** At the end of the exchange's time: the present try had most of it, and waits for its answer. */
  isTryToBlame(now: number): boolean {
    return this.#awaited === 'head' && (now - this.tryStartedAt) * 2 >= this.#deadlineAt - this.#startedAt;
  }

  moved(now: number): void {
    this.#movedAt = now;
  }

  stop(): void {
    this.#awaited = 'nothing';
    this.#stopTimer();
  }

  /** The timer's. */
  fired(now: number): void {
    this.#timer = null;
    const soon = now + slackMs;
    if (soon < this.#nextAt()) {
      this.#rearm(now);
      return;
    }
    if (this.#awaited === 'nothing') return;
    this.#owner.timeUp(soon >= this.#deadlineAt && this.#awaited !== 'events' ? 'exchange' : this.#awaited);
  }

  /** In one place: which limit is next. */
  #nextAt(): number {
    switch (this.#awaited) {
      case 'upload':
        // The client's silence is the body's matter, and the upstream's shows a little later.
        return Math.min(this.#deadlineAt, this.#movedAt + this.idleMs + uploadGraceMs);
      case 'head':
        return this.#tryTimeoutMs === 0
          ? this.#deadlineAt
          : Math.min(this.#deadlineAt, this.tryStartedAt + this.#tryTimeoutMs);
      case 'turn':
        return Math.min(this.#deadlineAt, this.#turnAt);
      case 'body':
        return Math.min(this.#deadlineAt, this.#movedAt + this.idleMs);
      case 'events':
        return this.#movedAt + this.idleMs;
      case 'nothing':
        return Number.POSITIVE_INFINITY;
    }
  }

  #rearm(now: number): void {
    this.#stopTimer();
    const nextAt = this.#nextAt();
    const waitMs = nextAt - now;
    if (waitMs >= longestTimerMs) return;
    this.#timer = setTimeout(fire, Math.max(1, Math.ceil(waitMs)), this);
    this.#firesAt = nextAt;
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#firesAt = Number.POSITIVE_INFINITY;
  }
}

/** Timers may fire a little early; nobody minds a millisecond. */
const slackMs = 1;
/** So much later than the client's own idle limit an upstream that takes no more of a body is given up, ms. */
const uploadGraceMs = 1_000;
/** An exchange without a limit of its own waits at most so long for its next try, ms. */
const longestTurnMs = 60_000;

function fire(clock: ForwardClock): void {
  clock.fired(performance.now());
}
