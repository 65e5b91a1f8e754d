/** The upstreams of the config in force as operators see them: what the supervisor has settled, and what workers have under way. */
import type { UpstreamConfig } from '../src/contracts/config.ts';
import type { ConnectionCounts, PoolInsight, WorkerInsight } from '../src/contracts/insight.ts';
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
  /** Over the same workers. */
  readonly connections: ConnectionCounts;
}

export interface ReportSources {
  readonly upstreams: readonly UpstreamConfig[];
  readonly standingsOf: (upstream: string) => readonly TargetStanding[];
  readonly breakerOf: (upstream: string) => BreakerStanding | null;
  readonly insights: readonly WorkerInsight[];
}

export function reportUpstreams({ upstreams, standingsOf, breakerOf, insights }: ReportSources): UpstreamReport[] {
  const sums = sumPools(insights.flatMap(({ pools }) => pools));
  return upstreams.map(({ name, builtin, balance, targets }) => {
    const useOf = (target: string): Use => sums.get(keyOf(name, target)) ?? unused;
    const standings = new Map(standingsOf(name).map((standing) => [standing.url, standing]));
    const reports = targets.map(({ url, weight }) => reportTarget(labelOf(url), weight, standings.get(url), useOf));
    return {
      name,
      builtin,
      balance,
      targets: builtin === null ? reports : [reportTarget(builtin, 1, undefined, useOf)],
      breaker: breakerOf(name),
    };
  });
}

function reportTarget(
  target: string,
  weight: number,
  standing: TargetStanding | undefined,
  useOf: (target: string) => Use,
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
    ...useOf(target),
  };
}

/** What is under way at a target, over the workers. */
type Use = Pick<TargetReport, 'inFlight' | 'connections'>;

const unused: Use = { inFlight: 0, connections: { busy: 0, idle: 0, waiting: 0, webSockets: 0 } };

function sumPools(pools: readonly PoolInsight[]): Map<string, Use> {
  const sums = new Map<string, Use>();
  for (const pool of pools) {
    const key = keyOf(pool.upstream, pool.target);
    sums.set(key, add(sums.get(key) ?? unused, pool));
  }
  return sums;
}

function add(a: Use, b: Use): Use {
  return {
    inFlight: a.inFlight + b.inFlight,
    connections: {
      busy: a.connections.busy + b.connections.busy,
      idle: a.connections.idle + b.connections.idle,
      waiting: a.connections.waiting + b.connections.waiting,
      webSockets: a.connections.webSockets + b.connections.webSockets,
    },
  };
}

function keyOf(upstream: string, target: string): string {
  return JSON.stringify([upstream, target]);
}
