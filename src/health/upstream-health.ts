/**
 * Which targets of one upstream get requests, judged for the whole node from health checks and from requests that
 * failed. Pure: time comes in, nothing goes out but answers.
 *
 * Health checks are believed: when they fail everywhere, nothing is usable. Failed requests are only a suspicion: at most
 * a share of the targets is ejected for them, and never the last.
 */
import type { TargetConfig, UpstreamConfig } from '../contracts/config.ts';
import type { TargetFault } from '../contracts/target-fault.ts';
import { CheckTally } from './check-tally.ts';
import { Ejection } from './ejection.ts';

interface Standing {
  readonly weight: number;
  /** An operator has said so. */
  isDrained: boolean;
  readonly tally: CheckTally;
  readonly ejection: Ejection;
}

export type HealthSettings = Pick<UpstreamConfig, 'healthCheck' | 'outlierDetection'> & {
  readonly targets: readonly TargetConfig[];
};

export class UpstreamHealth {
  #settings: HealthSettings;
  /** By url. */
  #standings = new Map<string, Standing>();

  constructor(settings: HealthSettings) {
    this.#settings = settings;
    this.follow(settings, 0);
  }

  get urls(): Iterable<string> {
    return this.#standings.keys();
  }

  /** The settings of a new config. Targets that stay keep what is known of them, as far as it is still asked for. */
  follow(settings: HealthSettings, now: number): void {
    const before = this.#standings;
    this.#settings = settings;
    this.#standings = new Map(
      settings.targets.map(({ url, weight }) => {
        const known = before.get(url);
        const tally = settings.healthCheck === null ? undefined : known?.tally;
        const ejection = settings.outlierDetection === null ? undefined : known?.ejection;
        return [
          url,
          {
            weight,
            isDrained: known?.isDrained ?? false,
            tally: tally ?? new CheckTally(),
            ejection: ejection ?? new Ejection(),
          },
        ];
      }),
    );
    this.#spareTheLast(now);
  }

  /** An answer to a health check. */
  checked(url: string, isGood: boolean, now: number): void {
    const { healthCheck } = this.#settings;
    if (healthCheck === null) return;
    this.#standings.get(url)?.tally.note(isGood, healthCheck);
    this.#spareTheLast(now);
  }

  /** A worker saw as many tries fail in a row as the config allows. */
  failing(url: string, now: number): void {
    const { outlierDetection } = this.#settings;
    const standing = this.#standings.get(url);
    if (outlierDetection === null || standing === undefined || !isUsable(standing, now)) return;
    const serving = [...this.#standings.values()].filter(({ weight }) => weight > 0);
    const ejected = serving.filter(({ ejection }) => ejection.isEjected(now)).length;
    const mostEjected = Math.max(1, Math.floor(serving.length * outlierDetection.maxEjected));
    const left = serving.filter((other) => other !== standing && isUsable(other, now)).length;
    if (ejected < mostEjected && left > 0) standing.ejection.begin(now, outlierDetection.ejection);
  }

  /** An operator's word: from now on the target gets no requests, or does again. */
  setDrained(url: string, isDrained: boolean, now: number): void {
    const standing = this.#standings.get(url);
    if (standing !== undefined) standing.isDrained = isDrained;
    this.#spareTheLast(now);
  }

  isDrained(url: string): boolean {
    return this.#standings.get(url)?.isDrained === true;
  }

  /** No other target would be left that gets requests. */
  isLast(url: string, now: number): boolean {
    const standing = this.#standings.get(url);
    if (standing === undefined || !isUsable(standing, now)) return false;
    return ![...this.#standings.values()].some((other) => other !== standing && isUsable(other, now));
  }

  /** Of its ejection, ms; 0: there is none. */
  restOf(url: string, now: number): number {
    return Math.max(0, (this.#standings.get(url)?.ejection.until ?? now) - now);
  }

  faultOf(url: string, now: number): TargetFault | null {
    const standing = this.#standings.get(url);
    if (standing === undefined) return null;
    if (!standing.tally.isHealthy) return 'unhealthy';
    if (standing.isDrained) return 'drained';
    return standing.ejection.isEjected(now) ? 'ejected' : null;
  }

  /** Some target gets requests. */
  isUsable(now: number): boolean {
    return [...this.#standings.values()].some((standing) => isUsable(standing, now));
  }

  /** When an ejection ends, the next one to; Infinity: there is none. */
  nextReturn(now: number): number {
    const ends = [...this.#standings.values()].map(({ ejection }) => ejection.until).filter((until) => until > now);
    return Math.min(Number.POSITIVE_INFINITY, ...ends);
  }

  /** When health checks have taken the others away, those that were only suspected come back. */
  #spareTheLast(now: number): void {
    if (this.isUsable(now)) return;
    for (const { ejection } of this.#standings.values()) ejection.end(now);
  }
}

function isUsable({ weight, isDrained, tally, ejection }: Standing, now: number): boolean {
  return weight > 0 && !isDrained && tally.isHealthy && !ejection.isEjected(now);
}
