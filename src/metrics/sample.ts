/** The counters of routes, upstreams and refusals at one moment, added up to what a viewer looks at: methods, for one, count as one. */
import type { LimitDecision } from '../contracts/limiter.ts';
import { specOf } from './catalog.ts';
import { upstreamOutcomes } from './outcomes.ts';
import type { Totals } from './totals.ts';

/** By route, upstream or code; what is not there is 0. */
export type Rows = ReadonlyMap<string, Float64Array>;

export interface Sample {
  /** Monotonic ms. */
  readonly at: number;
  readonly routes: Rows;
  readonly upstreams: Rows;
  readonly refusals: Rows;
}

/** Of both histograms; the catalog's test says that they are the same. */
export const bounds = specOf('http_request_duration_ms').buckets ?? [];
export const limitDecisions = [
  'admitted',
  'refused',
  'shadow',
  'open',
  'closed',
] as const satisfies readonly LimitDecision[];

/** Where what stands in a row: from 0 the buckets, then, as at the end of a histogram's cells, their sum. */
const afterHistogram = bounds.length + 2;
export const routeColumns = {
  /** By the first digit of the status; 0: those without. */
  statuses: afterHistogram,
  bytes: afterHistogram + 6,
  limits: afterHistogram + 7,
  width: afterHistogram + 7 + limitDecisions.length,
} as const;
export const upstreamColumns = {
  outcomes: afterHistogram,
  retries: afterHistogram + upstreamOutcomes.length,
  width: afterHistogram + upstreamOutcomes.length + 1,
} as const;

export function takeSample(totals: Totals, at: number): Sample {
  return { at, routes: sumRoutes(totals), upstreams: sumUpstreams(totals), refusals: sumRefusals(totals) };
}

function sumRoutes(totals: Totals): Rows {
  const { statuses, bytes, limits, width } = routeColumns;
  const rows = new Map<string, Float64Array>();
  const rowOf = (labels: Labels): Float64Array => open(rows, labels['route'], width);
  for (const { labels, cells } of totals.seriesOf('http_request_duration_ms')) addAll(rowOf(labels), cells);
  for (const { labels, cells } of totals.seriesOf('http_requests_total'))
    add(rowOf(labels), statuses + classOf(labels['status'] ?? ''), cells);
  for (const { labels, cells } of totals.seriesOf('http_response_bytes_total')) add(rowOf(labels), bytes, cells);
  for (const { labels, cells } of totals.seriesOf('rate_limit_decisions_total'))
    add(rowOf(labels), limits + limitDecisions.findIndex((decision) => decision === labels['decision']), cells);
  return rows;
}

function sumUpstreams(totals: Totals): Rows {
  const { outcomes, retries, width } = upstreamColumns;
  const rows = new Map<string, Float64Array>();
  const rowOf = (labels: Labels): Float64Array => open(rows, labels['upstream'], width);
  for (const { labels, cells } of totals.seriesOf('upstream_request_duration_ms')) addAll(rowOf(labels), cells);
  for (const { labels, cells } of totals.seriesOf('upstream_requests_total'))
    add(rowOf(labels), outcomes + upstreamOutcomes.findIndex((outcome) => outcome === labels['outcome']), cells);
  for (const { labels, cells } of totals.seriesOf('upstream_retries_total')) add(rowOf(labels), retries, cells);
  return rows;
}

function sumRefusals(totals: Totals): Rows {
  const rows = new Map<string, Float64Array>();
  for (const { labels, cells } of totals.seriesOf('rejected_requests_total'))
    add(open(rows, labels['code'], 1), 0, cells);
  return rows;
}

type Labels = Readonly<Record<string, string>>;

/** 499 is no answer that anybody got: the client had left. */
function classOf(status: string): number {
  return status.length === 3 && status !== '499' ? Number(status[0]) : 0;
}

function open(rows: Map<string, Float64Array>, key = '', width: number): Float64Array {
  let row = rows.get(key);
  if (row === undefined) {
    row = new Float64Array(width);
    rows.set(key, row);
  }
  return row;
}

function addAll(row: Float64Array, cells: Float64Array): void {
  for (let i = 0; i < cells.length; i++) row[i] = (row[i] as number) + (cells[i] as number);
}

function add(row: Float64Array, column: number, cells: Float64Array): void {
  row[column] = (row[column] as number) + (cells[0] as number);
}
