/** The upstreams of the config in force as operators see them: what the supervisor has settled, and what workers have under way. */
import type { UpstreamConfig } from '../src/contracts/config.ts';
import type { PoolInsight, WorkerInsight } from '../src/contracts/insight.ts';
import type { TargetFault } from '../src/contracts/target-fault.ts';
import { labelOf } from '../src/upstream/target-label.ts';
import type { BreakerStanding } from './breakers.ts';
import type { TargetStanding } from './target-watch.ts';

export interface UpstreamReport {
  readonly name: string;
  readonly builtin: string | null;
  readonly balance: string;
  readonly targets: readonly TargetReport[];
  /** Null: the upstream has none. */
  readonly breaker: BreakerStanding | null;
}

export interface TargetReport {
  readonly target: string;
  readonly weight: number;
  /** UP: it gets requests, by its weight. */
  readonly status: 'UP' | 'DOWN';
  /** Why it gets none; null: it does. */
  readonly fault: TargetFault | null;
  /** What its health check found. */
  readonly reason: string | null;
  /** Of the status. */
  readonly since: string | null;
  readonly drained: boolean;
  /** Until an ejected one comes back; 0: it is not ejected. */
  readonly backInMs: number;
  /** Tries under way, over the workers that have answered. */
  readonly inFlight: number;
}

export interface ReportSources {
  readonly upstreams: readonly UpstreamConfig[];
  readonly standingsOf: (upstream: string) => readonly TargetStanding[];
  readonly breakerOf: (upstream: string) => BreakerStanding | null;
  readonly insights: readonly WorkerInsight[];
}

export function reportUpstreams({ upstreams, standingsOf, breakerOf, insights }: ReportSources): UpstreamReport[] {
  const busy = sumInFlight(insights.flatMap(({ pools }) => pools));
  return upstreams.map(({ name, builtin, balance, targets }) => {
    const inFlightOf = (target: string): number => busy.get(keyOf(name, target)) ?? 0;
    const standings = new Map(standingsOf(name).map((standing) => [standing.url, standing]));
    const reports = targets.map(({ url, weight }) =>
      reportTarget(labelOf(url), weight, standings.get(url), inFlightOf),
    );
    return {
      name,
      builtin,
      balance,
      targets: builtin === null ? reports : [reportTarget(builtin, 1, undefined, inFlightOf)],
      breaker: breakerOf(name),
    };
  });
}

function reportTarget(
  target: string,
  weight: number,
  standing: TargetStanding | undefined,
  inFlightOf: (target: string) => number,
): TargetReport {
  const fault = standing?.fault ?? null;
  return {
    target,
    weight,
    status: fault === null ? 'UP' : 'DOWN',
    fault,
    reason: standing?.reason ?? null,
    since: standing?.since.toISOString() ?? null,
    drained: standing?.isDrained ?? false,
    backInMs: standing?.restMs ?? 0,
    inFlight: inFlightOf(target),
  };
}

function sumInFlight(pools: readonly PoolInsight[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { upstream, target, inFlight } of pools) {
    const key = keyOf(upstream, target);
    sums.set(key, (sums.get(key) ?? 0) + inFlight);
  }
  return sums;
}

function keyOf(upstream: string, target: string): string {
  return JSON.stringify([upstream, target]);
}
