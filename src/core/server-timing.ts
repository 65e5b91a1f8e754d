/** Server-Timing (W3C): what an exchange has spent its time on, and what was decided about it. */
import type { Exchange } from '../contracts/exchange.ts';
import type { Stage, StageTimes } from '../contracts/timing.ts';

export class ServerTiming implements StageTimes {
  readonly #startedAt: number;
  readonly #now: () => number;
  #stageBeganAt: number;
  readonly #spentMs = new Map<Stage, number>();

  /** `now` in the same milliseconds as `startedAt`. */
  constructor(startedAt: number, now: () => number) {
    this.#startedAt = startedAt;
    this.#stageBeganAt = startedAt;
    this.#now = now;
  }

  ended(stage: Stage): void {
    const now = this.#now();
    this.#spentMs.set(stage, (this.#spentMs.get(stage) ?? 0) + now - this.#stageBeganAt);
    this.#stageBeganAt = now;
  }

  /** A cache must keep this answer for those who show the token themselves. */
  fields(x: Exchange): readonly string[] {
    const metrics = [...this.#spentMs].map(([stage, ms]) => timed(stage, ms, descriptionOf(stage, x)));
    metrics.push(timed('total', this.#now() - this.#startedAt, ''));
    if (x.refusal !== null) metrics.push(`refused;desc=${quote(x.refusal.code)}`);
    if (x.shadow.length > 0) metrics.push(`shadow;desc=${quote(x.shadow.join(' '))}`);
    return ['Server-Timing', metrics.join(', '), 'Vary', 'X-Sluice-Trace'];
  }
}

function timed(name: string, ms: number, description: string): string {
  const metric = `${name};dur=${Math.round(ms * 1000) / 1000}`;
  return description === '' ? metric : `${metric};desc=${quote(description)}`;
}

/** Names of the config only, no address: an answer may get further than the token. */
function descriptionOf(stage: Stage, x: Exchange): string {
  if (stage === 'match') return x.route === null ? 'none' : x.route.label;
  if (stage === 'auth') return x.consumer;
  if (stage === 'limit') return x.limited ?? '';
  return stage === 'connect' || stage === 'upstream' ? describeUpstream(x) : '';
}

function describeUpstream({ upstream, attempts, fallbackFor }: Exchange): string {
  if (upstream === null) return '';
  const stead = fallbackFor === '' ? '' : ` for ${fallbackFor}`;
  return attempts > 1 ? `${upstream.name}${stead} (${attempts} tries)` : `${upstream.name}${stead}`;
}

/** A quoted string (RFC 9110, section 5.6.4) of visible ASCII. */
function quote(text: string): string {
  return `"${text.replaceAll(/[^ -~]/g, '?').replaceAll(/["\\]/g, '\\$&')}"`;
}
