/** An upstream on a virtual clock: so many requests are served at a time, each for so long; the others queue. */
import type { GradientLimit } from '../../../src/overload/gradient.ts';

export interface Load {
  readonly fromMs: number;
  readonly toMs: number;
  /** Requests that come per second, evenly. */
  readonly perSecond: number;
}

export interface Upstream {
  readonly places: number;
  /** How long serving one takes at this moment. */
  readonly serviceMs: (now: number) => number;
}

export interface Answer {
  readonly at: number;
  readonly latencyMs: number;
}

export interface Run {
  readonly answers: readonly Answer[];
  /** By time. */
  readonly limits: readonly { readonly at: number; readonly limit: number }[];
  /** When each that was refused came. */
  readonly refused: readonly number[];
}

/** Sends the load through the limit; what would be above it is refused. */
export function run(limit: GradientLimit, upstream: Upstream, load: Load): Run {
  const freeAt = Array.from({ length: upstream.places }, () => 0);
  const pending: { readonly begunAt: number; readonly endsAt: number }[] = [];
  const answers: Answer[] = [];
  const limits: { at: number; limit: number }[] = [];
  const refused: number[] = [];

  const settleUntil = (now: number): void => {
    for (let next = pending[0]; next !== undefined && next.endsAt <= now; next = pending[0]) {
      pending.shift();
      const latencyMs = next.endsAt - next.begunAt;
      answers.push({ at: next.endsAt, latencyMs });
      limit.leave(next.endsAt);
      limit.answered(latencyMs, next.endsAt);
      limits.push({ at: next.endsAt, limit: limit.limit });
    }
  };
  const stepMs = 1000 / load.perSecond;
  for (let now = load.fromMs; now < load.toMs; now += stepMs) {
    settleUntil(now);
    if (limit.pressure >= 1) {
      limit.refused();
      refused.push(now);
      continue;
    }
    limit.enter();
    // Whoever has been free for longest serves it.
    const place = freeAt.indexOf(Math.min(...freeAt));
    const endsAt = Math.max(now, freeAt[place] as number) + upstream.serviceMs(now);
    freeAt[place] = endsAt;
    const at = pending.findIndex((other) => other.endsAt > endsAt);
    pending.splice(at === -1 ? pending.length : at, 0, { begunAt: now, endsAt });
  }
  return { answers, limits, refused };
}

export function between(answers: readonly Answer[], fromMs: number, toMs: number): readonly Answer[] {
  return answers.filter(({ at }) => at >= fromMs && at < toMs);
}

export function medianLatency(answers: readonly Answer[]): number {
  const sorted = answers.map(({ latencyMs }) => latencyMs).sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}
