/** An upstream on a virtual clock: so many requests are served at a time, each for so long; the others queue. */
import type { Priority } from '../../../src/contracts/config.ts';
import type { GradientLimit } from '../../../src/overload/gradient.ts';

export interface Load {
  readonly fromMs: number;
  readonly toMs: number;
  /** Requests that come per second, evenly. */
  readonly perSecond: number;
  /** Of the n-th of them. = high */
  readonly priority?: (n: number) => Priority;
}

export interface Upstream {
  readonly places: number;
  /** How long serving one takes at this moment. */
  readonly serviceMs: (now: number) => number;
}

export interface Answer {
  readonly at: number;
  readonly latencyMs: number;
  readonly priority: Priority;
}

export interface Run {
  readonly answers: readonly Answer[];
  /** By time. */
  readonly limits: readonly { readonly at: number; readonly limit: number }[];
  /** By time. */
  readonly refused: readonly { readonly at: number; readonly priority: Priority }[];
}

/** Sends the load through the limit, to the last answer; what would be above it is refused. */
export function run(limit: GradientLimit, upstream: Upstream, load: Load): Run {
  const freeAt = Array.from({ length: upstream.places }, () => 0);
  const pending: { readonly begunAt: number; readonly endsAt: number; readonly priority: Priority }[] = [];
  const answers: Answer[] = [];
  const limits: { at: number; limit: number }[] = [];
  const refused: { at: number; priority: Priority }[] = [];

  const settleUntil = (now: number): void => {
    for (let next = pending[0]; next !== undefined && next.endsAt <= now; next = pending[0]) {
      pending.shift();
      const latencyMs = next.endsAt - next.begunAt;
      answers.push({ at: next.endsAt, latencyMs, priority: next.priority });
      limit.leave(next.priority, next.endsAt);
      limit.answered(latencyMs, next.endsAt);
      limits.push({ at: next.endsAt, limit: limit.limit });
    }
  };
  const stepMs = 1000 / load.perSecond;
  for (let now = load.fromMs, n = 0; now < load.toMs; now += stepMs, n++) {
    settleUntil(now);
    const priority = load.priority?.(n) ?? 'high';
    if (!limit.hasPlace(priority)) {
      limit.refused();
      refused.push({ at: now, priority });
      continue;
    }
    limit.enter(priority);
    // Whoever has been free for longest serves it.
    const place = freeAt.indexOf(Math.min(...freeAt));
    const endsAt = Math.max(now, freeAt[place] as number) + upstream.serviceMs(now);
    freeAt[place] = endsAt;
    const at = pending.findIndex((other) => other.endsAt > endsAt);
    pending.splice(at === -1 ? pending.length : at, 0, { begunAt: now, endsAt, priority });
  }
  settleUntil(Number.POSITIVE_INFINITY);
  return { answers, limits, refused };
}

export function between(answers: readonly Answer[], fromMs: number, toMs: number): readonly Answer[] {
  return answers.filter(({ at }) => at >= fromMs && at < toMs);
}

export function medianLatency(answers: readonly Answer[]): number {
  return latencyOf(answers, 0.5);
}

/** 0.99: the latency that all but one of a hundred stay below. */
export function latencyOf(answers: readonly Answer[], share: number): number {
  const sorted = answers.map(({ latencyMs }) => latencyMs).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length * share)] ?? 0;
}
