/**
 * How many requests an upstream may have under way, learned from its latency; Envoy's gradient controller is the model.
 * While answers take about as long as they do when the upstream has little to do, the limit grows; when they take
 * longer, requests queue somewhere, and it shrinks. Pure: time and chance come in.
 */
import type { Priority } from '../contracts/config.ts';
import type { UpstreamLimit } from '../contracts/upstream-limit.ts';
import { placesFrom } from './level.ts';

/** Never fewer: with less nothing could be learned. */
export const floorLimit = 4;
/** Before anything is known. It doubles until it is more than enough, or latency rises for the first time. */
const startLimit = 20;

/**
 * Samples are judged together: those of so many ms, but at least `enoughSamples`, and whatever there is after
 * `longestWindowMs`. Only requests that began in the window count: others show what an earlier limit did.
 */
const windowMs = 100;
const enoughSamples = 10;
const longestWindowMs = 1_000;
/** The first of a window are enough. */
const keptSamples = 500;

/** What is no sign of a queue: a quarter above the least, and the milliseconds by which event loops are late anyway. */
const toleratedShare = 1.25;
const toleratedMs = 5;
/** A limit of which less is used is more than enough, and does not grow. Low routes alone may use half of it. */
const usedShare = 0.4;
/** A limit that falls faster would fall for a hiccup. */
const steepest = 0.5;

/** The least goes so far towards a lower median: one window that happened to be quick shall not be the measure for all others. */
const quickShare = 0.25;

/** So often in a row about at the floor: then this is how long answers take, and no queue. */
const floorWindows = 3;
const aboutFloor = 1.5 * floorLimit;
/**
 * A probe looks how fast the upstream is with so much less to do. It comes when the limit binds: soon after something was
 * learned, then after twice as long each time, up to a minute.
 */
const probedShare = 0.25;
const firstProbeMs = 2_500;
const lastProbeMs = 60_000;
const probeJitter = 0.25;
/** Less than this share of what was the least is news. */
const newsShare = 0.9;

export class GradientLimit implements UpstreamLimit {
  readonly #ceiling: number;
  readonly #random: () => number;
  #limit: number;
  #inFlight = 0;
  #highInFlight = 0;
  /** The most in flight in this window. */
  #peak = 0;
  /** Infinity: a probe waits until no more than its limit is in flight. */
  #windowAt = 0;
  /** Somebody was turned away in this window. */
  #binds = false;
  #samples: number[] = [];
  /** Latency with little to do; null: not known yet. */
  #leastMs: number | null = null;
  #atFloor = 0;
  /** It has never been enough, and nothing has ever queued. */
  #isStarting = true;
  /** The limit to go on with after a probe; null: there is none under way. */
  #limitBefore: number | null = null;
  #probeAt = 0;
  #probeEveryMs = firstProbeMs;

  /** `random`: 0 ≤ random() < 1. Probes of many workers shall not come together. */
  constructor(ceiling: number, random: () => number) {
    this.#ceiling = Math.max(ceiling, floorLimit);
    this.#random = random;
    this.#limit = Math.min(startLimit, this.#ceiling);
  }

  get limit(): number {
    return this.#limit;
  }

  hasPlace(priority: Priority): boolean {
    // When the limit has just fallen, or for a probe, others still have more than it allows: high routes don't pay for that.
    const counted = priority === 'high' ? this.#highInFlight : this.#inFlight;
    return counted < this.#limit * placesFrom[priority];
  }

  refused(): void {
    this.#binds = true;
  }

  enter(priority: Priority): void {
    this.#inFlight++;
    if (priority === 'high') this.#highInFlight++;
    if (this.#inFlight > this.#peak) this.#peak = this.#inFlight;
  }

  leave(priority: Priority, now: number): void {
    this.#inFlight--;
    if (priority === 'high') this.#highInFlight--;
    if (this.#windowAt === Number.POSITIVE_INFINITY && this.#inFlight <= this.#limit) this.#openWindow(now);
  }

  answered(durationMs: number, now: number): void {
    const beganAt = now - durationMs;
    if (beganAt < this.#windowAt) return;
    // After a silence the window begins with the first request.
    if (this.#samples.length === 0 && beganAt - this.#windowAt > windowMs) this.#openWindow(beganAt);
    if (this.#samples.length < keptSamples) this.#samples.push(durationMs);
    const ageMs = now - this.#windowAt;
    const isDone = this.#samples.length >= enoughSamples ? ageMs >= windowMs : ageMs >= longestWindowMs;
    if (isDone) this.#judge(median(this.#samples), now);
  }

  #judge(latencyMs: number, now: number): void {
    if (this.#limitBefore !== null) {
      this.#endProbe(this.#limitBefore, latencyMs, now);
      return;
    }
    this.#atFloor = this.#limit <= aboutFloor ? this.#atFloor + 1 : 0;
    if (this.#leastMs === null || this.#atFloor >= floorWindows) this.#learnLeast(latencyMs, 1, now);
    else if (latencyMs < this.#leastMs) this.#learnLeast(latencyMs, quickShare, now);
    if (this.#binds && !this.#isStarting && now >= this.#probeAt && this.#limit > aboutFloor) this.#beginProbe(now);
    else this.#adapt(latencyMs, now);
  }

  #adapt(latencyMs: number, now: number): void {
    const gradient = this.#gradient(latencyMs);
    if (gradient < 1) this.#isStarting = false;
    const room = this.#isStarting ? this.#limit : Math.sqrt(this.#limit);
    const next = this.#limit * gradient + room;
    // A limit that is not needed tells nothing by growing, and would be far too high when the upstream slows down.
    const mostNeeded = Math.max(this.#limit, this.#peak / usedShare);
    // Doubling is for finding out. Whoever has more than enough has found it, and would double when too much comes.
    if (next > mostNeeded && this.#limit > startLimit) this.#isStarting = false;
    this.#setLimit(Math.min(next, mostNeeded));
    this.#openWindow(now);
  }

  /** 1: nothing queues. */
  #gradient(latencyMs: number): number {
    const tolerated = (this.#leastMs ?? latencyMs) * toleratedShare + toleratedMs;
    return Math.min(1, Math.max(steepest, tolerated / latencyMs));
  }

  #beginProbe(now: number): void {
    this.#limitBefore = this.#limit;
    this.#setLimit(this.#limit * probedShare);
    this.#openWindow(this.#inFlight <= this.#limit ? now : Number.POSITIVE_INFINITY);
  }

  /** What it has seen is the least from now on, also when that is more than before: upstreams change. */
  #endProbe(limitBefore: number, latencyMs: number, now: number): void {
    this.#limitBefore = null;
    this.#probeNext(Math.min(lastProbeMs, this.#probeEveryMs * 2), now);
    this.#learnLeast(latencyMs, 1, now);
    this.#setLimit(limitBefore);
    this.#openWindow(now);
  }

  /** `share`: how far to go there from what was the least. */
  #learnLeast(latencyMs: number, share: number, now: number): void {
    const before = this.#leastMs ?? latencyMs;
    this.#leastMs = before + share * (latencyMs - before);
    // What was taken for the least was a queue, then, and what is now may still be one: look again soon.
    if (latencyMs < before * newsShare && this.#probeAt > now + firstProbeMs) this.#probeNext(firstProbeMs, now);
  }

  #probeNext(everyMs: number, now: number): void {
    this.#probeEveryMs = everyMs;
    this.#probeAt = now + everyMs * (1 + probeJitter * this.#random());
  }

  #setLimit(limit: number): void {
    this.#limit = Math.min(this.#ceiling, Math.max(floorLimit, limit));
  }

  #openWindow(now: number): void {
    this.#windowAt = now;
    this.#samples = [];
    this.#binds = false;
    this.#peak = this.#inFlight;
  }
}

function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[sorted.length >> 1] as number;
}
