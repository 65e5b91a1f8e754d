/**
 * Which targets are usable, for the whole node: puts health checks and the workers' complaints to the upstreams' states,
 * and tells everybody what changes: workers, log, metrics, readiness.
 */
import type { UpstreamConfig } from '../src/contracts/config.ts';
import type { Log } from '../src/contracts/log.ts';
import type { FaultyTarget, TargetFault } from '../src/contracts/target-fault.ts';
import { UpstreamHealth } from '../src/health/upstream-health.ts';
import { labelOf } from '../src/upstream/target-label.ts';
import type { HealthFacts } from './health.ts';
import type { MetricsRegistry } from './metrics-registry.ts';

export interface TargetWatchOptions {
  readonly log: Log;
  readonly registry: Pick<MetricsRegistry, 'set' | 'remove'>;
  /** Monotonic ms. */
  readonly now: () => number;
  /** `faulty` and `facts` have changed. */
  readonly onChange: () => void;
}

interface Watched {
  readonly health: UpstreamHealth;
  /** What everybody has been told, by url. */
  readonly faults: Map<string, Told>;
  isUsable: boolean;
}

interface Told {
  readonly fault: TargetFault | null;
  /** What the health check found; null: none did. */
  readonly reason: string | null;
  readonly since: Date;
}

/** A target as operators see it. */
export interface TargetStanding extends Told {
  readonly url: string;
  readonly isDrained: boolean;
  /** Until an ejection ends, ms; 0: there is none. */
  readonly restMs: number;
}

export type DrainOutcome = 'done' | 'no upstream' | 'no target' | 'last target';

export class TargetWatch {
  readonly #options: TargetWatchOptions;
  readonly #upstreams = new Map<string, Watched>();
  /** Upstreams inside the gateway: nothing can be wrong with them. */
  #builtins = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: TargetWatchOptions) {
    this.#options = options;
  }

  /** What gets no requests at present. */
  get faulty(): FaultyTarget[] {
    return [...this.#upstreams].flatMap(([upstream, { faults }]) =>
      [...faults].flatMap(([url, { fault }]) => (fault === null ? [] : [{ upstream, url, fault }])),
    );
  }

  get facts(): HealthFacts['upstreams'] {
    const usable = [...this.#upstreams.values()].filter(({ isUsable }) => isUsable).length;
    return { all: this.#upstreams.size + this.#builtins, usable: usable + this.#builtins };
  }

  /** The upstreams of the config in force. What is known of targets that stay is kept. */
  follow(upstreams: readonly UpstreamConfig[]): void {
    const now = this.#options.now();
    const served = upstreams.filter(({ builtin }) => builtin === null);
    this.#builtins = upstreams.length - served.length;
    const names = new Set(served.map(({ name }) => name));
    let isNews = false;
    for (const [name, watched] of this.#upstreams) {
      if (!names.has(name) && this.#forget(name, watched)) isNews = true;
    }
    for (const upstream of served) {
      const watched = this.#upstreams.get(upstream.name);
      if (watched !== undefined) {
        watched.health.follow(upstream, now);
        continue;
      }
      const health = new UpstreamHealth(upstream);
      this.#upstreams.set(upstream.name, { health, faults: new Map(), isUsable: true });
    }
    for (const [name, watched] of this.#upstreams) if (this.#compare(name, watched, now)) isNews = true;
    if (isNews) this.#announce(now);
  }

  /** A target has answered a health check; `problem`: why that was no good answer. */
  checked({ upstream, url, problem }: { upstream: string; url: string; problem: string | null }): void {
    const watched = this.#upstreams.get(upstream);
    if (watched === undefined) return;
    const now = this.#options.now();
    watched.health.checked(url, problem === null, now);
    if (this.#compare(upstream, watched, now, problem ?? undefined)) this.#announce(now);
  }

  /** A worker complains: so many tries in a row have failed at this target. */
  failing({ upstream, url }: { upstream: string; url: string }): void {
    const watched = this.#upstreams.get(upstream);
    if (watched === undefined) return;
    const now = this.#options.now();
    watched.health.failing(url, now);
    if (this.#compare(upstream, watched, now)) this.#announce(now);
  }

  /** `label`: of the target. An operator's word; `force`: also for the last target that gets requests. */
  setDrained(upstream: string, label: string, isDrained: boolean, force: boolean): DrainOutcome {
    const watched = this.#upstreams.get(upstream);
    if (watched === undefined) return 'no upstream';
    const url = [...watched.health.urls].find((one) => labelOf(one) === label);
    if (url === undefined) return 'no target';
    const now = this.#options.now();
    if (isDrained && !force && watched.health.isLast(url, now)) return 'last target';
    watched.health.setDrained(url, isDrained, now);
    if (this.#compare(upstream, watched, now)) this.#announce(now);
    return 'done';
  }

  /** In the order of the config; none for an upstream that it does not name, and for one inside the gateway. */
  standingsOf(upstream: string): TargetStanding[] {
    const watched = this.#upstreams.get(upstream);
    if (watched === undefined) return [];
    const { health, faults } = watched;
    const now = this.#options.now();
    return [...faults].map(([url, told]) => ({
      url,
      ...told,
      isDrained: health.isDrained(url),
      restMs: Math.ceil(health.restOf(url, now)),
    }));
  }

  /** Tells the log and the metrics what has changed since the last call. True: something has. */
  #compare(name: string, watched: Watched, now: number, reason?: string): boolean {
    const { health, faults } = watched;
    let isNews = false;
    const urls = new Set(health.urls);
    for (const url of faults.keys()) if (!urls.has(url) && this.#drop(name, faults, url)) isNews = true;
    for (const url of urls) {
      const fault = health.faultOf(url, now);
      const before = faults.get(url)?.fault;
      if (fault === before) continue;
      faults.set(url, { fault, reason: fault === 'unhealthy' ? (reason ?? null) : null, since: new Date() });
      // Nothing is wrong with one that an operator has drained.
      const isWell = fault === null || fault === 'drained';
      this.#options.registry.set('upstream_target_healthy', [name, labelOf(url)], isWell ? 1 : 0);
      // Nothing is said of a target that is new and well.
      if (before === undefined && fault === null) continue;
      isNews = true;
      this.#tell(name, url, fault, before ?? null, reason);
    }
    const isUsable = health.isUsable(now);
    if (isUsable !== watched.isUsable && !isUsable)
      this.#options.log.error({ upstream: name }, 'no target is usable: requests get 503 no_healthy_target');
    watched.isUsable = isUsable;
    return isNews;
  }

  #tell(upstream: string, url: string, fault: TargetFault | null, before: TargetFault | null, reason?: string): void {
    const { log } = this.#options;
    const target = labelOf(url);
    switch (fault) {
      case 'unhealthy':
        return log.warn({ upstream, target, reason }, 'target is unhealthy: it gets no requests');
      case 'ejected':
        return log.warn({ upstream, target }, 'target is ejected: tries keep failing there');
      case 'drained':
        return log.warn({ upstream, target }, 'target is drained by an operator: it gets no new requests');
      case null:
        return log.info({ upstream, target, was: before }, 'target is back: it gets requests again');
    }
  }

  /**
   * `now`: the moment of the comparison, of all upstreams: the timer that is set here goes by what ends after it, and is
   * the only one. What ended before it, at an upstream that nobody has looked at since, would never be told.
   */
  #announce(now: number): void {
    for (const [name, watched] of this.#upstreams) this.#compare(name, watched, now);
    this.#options.onChange();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const nextAt = Math.min(...[...this.#upstreams.values()].map(({ health }) => health.nextReturn(now)));
    if (nextAt === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#announce(this.#options.now()), Math.max(1, nextAt - now)).unref();
  }

  #forget(name: string, { faults }: Watched): boolean {
    let isNews = false;
    for (const url of faults.keys()) if (this.#drop(name, faults, url)) isNews = true;
    this.#upstreams.delete(name);
    return isNews;
  }

  /** True: it had a fault. Workers have to forget that, or it would still get nothing when a later config names it again. */
  #drop(name: string, faults: Map<string, Told>, url: string): boolean {
    const hadFault = (faults.get(url)?.fault ?? null) !== null;
    faults.delete(url);
    this.#options.registry.remove('upstream_target_healthy', [name, labelOf(url)]);
    return hadFault;
  }
}
