/** An upstream as a worker knows it: its targets, and who is chosen among those that are usable. */
import type { UpstreamConfig } from '../contracts/config.ts';
import type { Exchange } from '../contracts/exchange.ts';
import type { Target, Upstream } from '../contracts/upstream.ts';
import type { Balancer, Candidate } from './balance/balancer.ts';
import { balancePolicies } from './balance/policies.ts';
import type { UpstreamTarget } from './upstream-target.ts';

export class BalancedUpstream implements Upstream {
  readonly name: string;
  readonly timeoutMs: number;
  readonly preserveHost: boolean;
  readonly targets: readonly UpstreamTarget[];
  readonly #balancer: Balancer;
  #hasUsable = false;

  /** 0 ≤ random() < 1 */
  constructor(settings: UpstreamConfig, targets: readonly UpstreamTarget[], random: () => number) {
    const { name, timeoutMs, preserveHost, balance, hashOn } = settings;
    this.name = name;
    this.timeoutMs = timeoutMs;
    this.preserveHost = preserveHost;
    this.targets = targets;
    const all = candidatesAmong(targets);
    this.#balancer = balancePolicies[balance]({ hashOn, all, random });
    this.#balance();
  }

  pick(x: Exchange, tried: readonly Target[]): Target | null {
    if (!this.#hasUsable) return null;
    return this.#balancer.pick(x, tried) ?? this.#balancer.pick(x, nobody);
  }

  /** Closes its connections, those in use when they come back. */
  close(): void {
    for (const { connections } of this.targets) connections.close();
  }

  #balance(): void {
    const usable = candidatesAmong(this.targets);
    this.#hasUsable = usable.length > 0;
    if (this.#hasUsable) this.#balancer.update(usable);
  }
}

const nobody: readonly Target[] = [];

function candidatesAmong(targets: readonly UpstreamTarget[]): Candidate[] {
  return targets.filter(({ weight }) => weight > 0).map((target) => ({ target, weight: target.weight }));
}
