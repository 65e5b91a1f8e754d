/** What came in a stretch of time, by route, upstream and refusal: rates, and percentiles out of the buckets. */
import type { Latency, Refusals, RouteFlow, StatusClass, TotalFlow, UpstreamFlow } from '../contracts/status.ts';
import { upstreamOutcomes } from './outcomes.ts';
import { quantileOf } from './quantile.ts';
import { bounds, limitDecisions, routeColumns, type Sample, upstreamColumns } from './sample.ts';
import { type Totals, valueOf } from './totals.ts';

export interface Stretch {
  readonly oldest: Sample;
  readonly newest: Sample;
  readonly seconds: number;
}

export function totalOf(stretch: Stretch): TotalFlow {
  const grown = new Float64Array(routeColumns.width);
  for (const route of stretch.newest.routes.keys()) {
    const ofRoute = between(stretch, 'routes', route);
    for (let i = 0; i < grown.length; i++) grown[i] = (grown[i] as number) + (ofRoute[i] as number);
  }
  let refused = 0;
  for (const code of stretch.newest.refusals.keys()) refused += between(stretch, 'refusals', code)[0] as number;
  let requests = 0;
  for (const row of stretch.newest.routes.values()) requests += countOf(row);
  return {
    requests,
    rate: perSecond(stretch, countOf(grown)),
    errors: rate(stretch, grown, routeColumns.statuses + 5),
    refused: perSecond(stretch, refused),
    bytes: rate(stretch, grown, routeColumns.bytes),
    ...latencyOf(grown),
  };
}

export function routeFlow(route: string, stretch: Stretch): RouteFlow {
  const grown = between(stretch, 'routes', route);
  const now = stretch.newest.routes.get(route) ?? grown;
  const status = (digit: number): number => rate(stretch, grown, routeColumns.statuses + digit);
  const statuses: Record<StatusClass, number> = {
    '2xx': status(2),
    '3xx': status(3),
    '4xx': status(4),
    '5xx': status(5),
    none: status(0),
  };
  const wasLimited = limitDecisions.some((_, i) => (now[routeColumns.limits + i] ?? 0) > 0);
  const decided = limitDecisions.map((name, i) => [name, rate(stretch, grown, routeColumns.limits + i)] as const);
  return {
    route,
    requests: countOf(now),
    rate: perSecond(stretch, countOf(grown)),
    ...latencyOf(grown),
    statuses,
    bytes: rate(stretch, grown, routeColumns.bytes),
    limits: wasLimited ? (Object.fromEntries(decided) as NonNullable<RouteFlow['limits']>) : null,
  };
}

export function upstreamFlows(totals: Totals, names: readonly string[], stretch: Stretch): UpstreamFlow[] {
  const targets = new Map<string, { target: string; healthy: boolean }[]>(names.map((name) => [name, []]));
  for (const series of totals.seriesOf('upstream_target_healthy')) {
    const { upstream = '', target = '' } = series.labels;
    targets.get(upstream)?.push({ target, healthy: valueOf('upstream_target_healthy', series) === 1 });
  }
  const breakers = gaugesBy(totals, 'circuit_breaker_state');
  const limits = gaugesBy(totals, 'upstream_concurrency_limit');
  const { outcomes, retries } = upstreamColumns;
  return names.map((upstream) => {
    const grown = between(stretch, 'upstreams', upstream);
    const failed = upstreamOutcomes.reduce(
      (sum, outcome, i) => (isFailure(outcome) ? sum + (grown[outcomes + i] ?? 0) : sum),
      0,
    );
    return {
      upstream,
      rate: perSecond(stretch, countOf(grown)),
      failed: perSecond(stretch, failed),
      retries: rate(stretch, grown, retries),
      ...latencyOf(grown),
      breaker: breakerStates[breakers.get(upstream) ?? -1] ?? null,
      targets: targets.get(upstream) ?? [],
      concurrencyLimit: limits.get(upstream) ?? null,
    };
  });
}

export function refusalsOf(stretch: Stretch): Refusals[] {
  return [...stretch.newest.refusals].map(([code, [requests = 0]]) => ({
    code,
    rate: rate(stretch, between(stretch, 'refusals', code), 0),
    requests,
  }));
}

const breakerStates = ['closed', 'half-open', 'open'] as const;

/** A client that left says nothing of the upstream. */
function isFailure(outcome: (typeof upstreamOutcomes)[number]): boolean {
  return outcome !== 'success' && outcome !== 'canceled';
}

/** What has come on top. */
function between({ oldest, newest }: Stretch, kind: 'routes' | 'upstreams' | 'refusals', name: string): Float64Array {
  const after = newest[kind].get(name);
  if (after === undefined) return nothing;
  const before = oldest[kind].get(name);
  return before === undefined ? after : after.map((value, i) => value - (before[i] as number));
}

const nothing = new Float64Array(Math.max(routeColumns.width, upstreamColumns.width));

function countOf(row: Float64Array): number {
  let count = 0;
  for (let i = 0; i <= bounds.length; i++) count += row[i] as number;
  return count;
}

function latencyOf(row: Float64Array): Latency {
  const quantile = (share: number): number | null => {
    const ms = quantileOf(share, row, bounds);
    return ms === null ? null : round(ms, 2);
  };
  return { p50: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99) };
}

function rate(stretch: Stretch, row: Float64Array, column: number): number {
  return perSecond(stretch, row[column] ?? 0);
}

function perSecond({ seconds }: Stretch, count: number): number {
  return round(count / seconds, 2);
}

export function round(value: number, digits: 1 | 2): number {
  const scale = digits === 1 ? 10 : 100;
  return Math.round(value * scale) / scale;
}

type Gauge = 'http_requests_in_flight' | 'redis_up' | 'circuit_breaker_state' | 'upstream_concurrency_limit';

export function gaugeOf(totals: Totals, metric: Gauge): number | null {
  for (const series of totals.seriesOf(metric)) return valueOf(metric, series);
  return null;
}

function gaugesBy(totals: Totals, metric: Gauge): Map<string, number> {
  return new Map(
    [...totals.seriesOf(metric)].map((series) => [series.labels['upstream'] ?? '', valueOf(metric, series)]),
  );
}
