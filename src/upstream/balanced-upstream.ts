/** An upstream as a worker knows it: its targets, and who is chosen among those that are usable. */
import { performance } from 'node:perf_hooks';
import type { Breaker } from '../contracts/breaker.ts';
import type { CompiledRoute } from '../contracts/compiled.ts';
import type { Priority, UpstreamConfig } from '../contracts/config.ts';
import type { Exchange } from '../contracts/exchange.ts';
import type { RetryBudget, RetryRule } from '../contracts/retry.ts';
import type { NoTarget, Target, TryPolicies, Upstream } from '../contracts/upstream.ts';
import type { Balancer, Candidate } from './balance/balancer.ts';
import { balancePolicies } from './balance/policies.ts';
import type { UpstreamTarget } from './upstream-target.ts';
import { warmth } from './warmth.ts';

/** A target that warms up gets its new share so many times. */
const warmingSteps = 20;

export class BalancedUpstream implements Upstream {
  readonly name: string;
  readonly timeoutMs: number;
  readonly preserveHost: boolean;
  readonly retry: RetryRule;
  readonly budget: RetryBudget | null;
  readonly breaker: Breaker | null;
  readonly targets: readonly UpstreamTarget[];
  readonly #slowStartMs: number;
  readonly #balancer: Balancer;
  #hasUsable = false;
  /** Urls. */
  #faulty: ReadonlySet<string>;
  /** Targets that have come back not long ago, and when, monotonic ms. */
  readonly #warming = new Map<UpstreamTarget, number>();
  #warmingTimer: NodeJS.Timeout | null = null;

  /** `faulty`: urls of targets that get no requests. 0 ≤ random() < 1 */
  constructor(
    settings: UpstreamConfig,
    targets: readonly UpstreamTarget[],
    faulty: ReadonlySet<string>,
    policies: TryPolicies,
    random: () => number,
  ) {
    const { name, timeoutMs, preserveHost, slowStartMs, balance, hashOn } = settings;
    this.name = name;
    this.timeoutMs = timeoutMs;
    this.preserveHost = preserveHost;
    this.retry = policies.retry;
    this.budget = policies.budget;
    this.breaker = policies.breaker;
    this.targets = targets;
    this.#slowStartMs = slowStartMs;
    this.#faulty = faulty;
    const all = targets.filter(({ weight }) => weight > 0).map((target) => ({ target, weight: target.weight }));
    this.#balancer = balancePolicies[balance]({ hashOn, all, random });
    this.#balance(performance.now());
  }

  pick(x: Exchange, tried: readonly Target[]): Target | NoTarget {
    if (!this.#hasUsable) return 'none usable';
    const { priority } = x.route as CompiledRoute;
    const target = this.#balancer.pick(x, tried) ?? (this.#balancer.pick(x, nobody) as Target);
    return target.connections.hasRoom(priority) ? target : this.#pickWithRoom(x, tried, priority);
  }

  /** The urls of all targets that get no requests from now on. */
  setFaulty(faulty: ReadonlySet<string>): void {
    const before = this.#faulty;
    if (before.size === 0 && faulty.size === 0) return;
    this.#faulty = faulty;
    const now = performance.now();
    for (const target of this.targets) {
      if (faulty.has(target.url)) this.#warming.delete(target);
      else if (before.has(target.url)) this.#comeBack(target, now);
    }
    this.#balance(now);
    if (this.#warming.size > 0) this.#warmingTimer ??= this.#startWarming();
  }

  /** Closes its connections, those in use when they come back. */
  close(): void {
    for (const { connections } of this.targets) connections.close();
    this.#stopWarming();
  }

  #pickWithRoom(x: Exchange, tried: readonly Target[], priority: Priority): Target | NoTarget {
    const full = this.targets.filter(({ connections }) => !connections.hasRoom(priority));
    return this.#balancer.pick(x, [...tried, ...full]) ?? this.#balancer.pick(x, full) ?? 'all full';
  }

  #comeBack(target: UpstreamTarget, now: number): void {
    target.returned();
    if (this.#slowStartMs > 0) this.#warming.set(target, now);
  }

  #balance(now: number): void {
    const usable = this.targets.filter(({ weight, url }) => weight > 0 && !this.#faulty.has(url));
    this.#hasUsable = usable.length > 0;
    if (this.#hasUsable) this.#balancer.update(usable.map((target) => this.#candidate(target, now)));
  }

  #candidate(target: UpstreamTarget, now: number): Candidate {
    const since = this.#warming.get(target);
    const share = since === undefined ? 1 : warmth(now - since, this.#slowStartMs);
    return { target, weight: target.weight * share };
  }

  #startWarming(): NodeJS.Timeout {
    return setInterval(() => this.#warm(performance.now()), Math.max(1, this.#slowStartMs / warmingSteps)).unref();
  }

  #warm(now: number): void {
    for (const [target, since] of this.#warming) if (now - since >= this.#slowStartMs) this.#warming.delete(target);
    this.#balance(now);
    if (this.#warming.size === 0) this.#stopWarming();
  }

  #stopWarming(): void {
    if (this.#warmingTimer !== null) clearInterval(this.#warmingTimer);
    this.#warmingTimer = null;
  }
}

const nobody: readonly Target[] = [];
