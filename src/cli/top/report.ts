/** The status as lines of text: the whole of it, or as much as a terminal of some size can show. */
import type { RouteFlow, Status, UpstreamFlow, WorkerStatus } from '../../contracts/status.ts';
import { bytes, count, duration, milliseconds, percent, rate } from './numbers.ts';
import { type SortKey, sortRoutes } from './sort.ts';
import { type Piece, piece, renderLine, renderTable, type Tone } from './text.ts';

export interface ReportOptions {
  readonly sort: SortKey;
  readonly colours: boolean;
  /** Null: as much as there is. */
  readonly size: { readonly columns: number; readonly rows: number } | null;
}

export function renderReport(status: Status, { sort, colours, size }: ReportOptions): string[] {
  const columns = size?.columns ?? Number.POSITIVE_INFINITY;
  const format = { columns, colours };
  const { traffic, workers } = status;
  const head = describeHead(status).map((line) => renderLine(line, columns, colours));
  const routes = sortRoutes(traffic.routes, sort);
  const room = shareRows((size?.rows ?? Number.POSITIVE_INFINITY) - head.length, [
    routes.length,
    traffic.upstreams.length,
    workers.length,
  ]);
  return [
    ...head,
    ...part(routeTitles, routes.map(routeCells), room[0] ?? 0, format),
    ...part(upstreamTitles, traffic.upstreams.map(upstreamCells), room[1] ?? 0, format),
    ...part(workerTitles, workers.map(workerCells), room[2] ?? 0, format),
  ];
}

/** An empty line, and the titles of its columns. */
const linesPerTitle = 2;

/** Upstreams and workers get up to a third each, routes what is left; what one does not need is for the others. */
function shareRows(rows: number, wanted: readonly [number, number, number]): number[] {
  if (rows === Number.POSITIVE_INFINITY) return [...wanted];
  const left = Math.max(0, rows - wanted.length * linesPerTitle);
  const third = Math.floor(left / 3);
  const workers = Math.min(wanted[2], third);
  const upstreams = Math.min(wanted[1], Math.max(third, left - workers - wanted[0]));
  return [Math.min(wanted[0], left - upstreams - workers), upstreams, workers];
}

function part(
  titles: readonly string[],
  rows: readonly (readonly Piece[])[],
  room: number,
  format: { readonly columns: number; readonly colours: boolean },
): string[] {
  if (rows.length === 0) return [];
  const hidden = rows.length - room;
  const [name = '', ...others] = titles;
  const title = hidden > 0 ? `${name} (${room} of ${rows.length})` : name;
  return ['', ...renderTable([title, ...others], rows.slice(0, room), format)];
}

function describeHead({ gateway, workers, traffic }: Status): Piece[][] {
  const { total } = traffic;
  const unwell = Object.entries(gateway.checks).filter(([, check]) => check !== 'UP');
  const why = unwell.map(([name, check]) => ` ${name} ${check.toLowerCase()}`).join(',');
  const state = piece(gateway.ready ? `ready${why}` : `not ready${why}`, stateTone(gateway.ready, why));
  const seconds = (Date.parse(gateway.at) - Date.parse(gateway.startedAt)) / 1000;
  const serving = workers.filter((worker) => worker.state === 'serving').length;
  const share = total.rate === 0 ? 0 : total.errors / total.rate;
  const redis =
    traffic.redis === null ? [] : [piece('  redis '), piece(traffic.redis, traffic.redis === 'up' ? 'good' : 'bad')];
  const lines = [
    [
      piece(`sluice ${gateway.sluice}  `, 'bold'),
      state,
      piece(`  up ${duration(seconds)}  workers ${serving}`),
      ...redis,
      piece(`  config ${gateway.config.version} ${gateway.config.file}`),
    ],
    [
      piece('requests '),
      piece(`${rate(total.rate)}/s`, 'bold'),
      piece(`  p50 ${milliseconds(total.p50)}  p95 ${milliseconds(total.p95)}  p99 ${milliseconds(total.p99)} ms  `),
      piece(
        `errors ${rate(total.errors)}/s${share === 0 ? '' : ` ${percent(share)}`}`,
        total.errors > 0 ? 'bad' : 'plain',
      ),
      piece('  '),
      piece(`refused ${rate(total.refused)}/s`, total.refused > 0 ? 'warn' : 'plain'),
      piece(`  in flight ${count(traffic.inFlight)}`),
    ],
  ];
  const refusals = traffic.refusals.filter((one) => one.rate > 0).sort((a, b) => b.rate - a.rate);
  if (refusals.length > 0)
    lines.push([piece('by code  '), ...refusals.map((one) => piece(`${one.code} ${rate(one.rate)}/s  `, 'warn'))]);
  const { lastReload } = gateway;
  if (lastReload?.result === 'rejected')
    lines.push([piece(`last reload rejected: ${lastReload.problems[0] ?? ''}`, 'bad')]);
  return lines;
}

function stateTone(ready: boolean, why: string): Tone {
  if (!ready) return 'bad';
  return why === '' ? 'good' : 'warn';
}

const routeTitles = ['ROUTE', 'REQ/S', 'P50', 'P95', 'P99', '4XX/S', '5XX/S', 'LIMITED/S', 'REQUESTS'];

function routeCells(row: RouteFlow): Piece[] {
  const limited = row.limits === null ? null : row.limits.refused + row.limits.closed;
  return [
    piece(row.route),
    number(row.rate),
    ...latency(row),
    number(row.statuses['4xx'], 'warn'),
    number(row.statuses['5xx'], 'bad'),
    limited === null ? piece('-', 'quiet') : number(limited, 'warn'),
    piece(count(row.requests)),
  ];
}

const upstreamTitles = ['UPSTREAM', 'TARGETS', 'BREAKER', 'TRIES/S', 'FAILED/S', 'RETRIES/S', 'P50', 'P95', 'P99'];

const breakerTones = { closed: 'good', 'half-open': 'warn', open: 'bad' } as const;

function upstreamCells(row: UpstreamFlow): Piece[] {
  const well = row.targets.filter(({ healthy }) => healthy).length;
  const all = row.targets.length;
  return [
    piece(row.upstream),
    all === 0 ? piece('built in', 'quiet') : piece(`${well}/${all}`, well === all ? 'good' : 'bad'),
    row.breaker === null ? piece('-', 'quiet') : piece(row.breaker, breakerTones[row.breaker]),
    number(row.rate),
    number(row.failed, 'bad'),
    number(row.retries, 'warn'),
    ...latency(row),
  ];
}

const workerTitles = ['WORKER', 'PID', 'STATE', 'UP', 'IN FLIGHT', 'LOOP MS', 'PRESSURE', 'MEMORY'];

function workerCells(row: WorkerStatus): Piece[] {
  return [
    piece(String(row.worker)),
    piece(String(row.pid)),
    piece(row.state, row.state === 'serving' ? 'good' : 'warn'),
    piece(duration(row.uptimeSeconds)),
    piece(row.inFlight === null ? '-' : count(row.inFlight)),
    piece(milliseconds(row.loopDelayMs)),
    // From 0.8 on requests are shed.
    piece(percent(row.pressure), (row.pressure ?? 0) < 0.8 ? 'plain' : 'bad'),
    piece(bytes(row.memoryBytes)),
  ];
}

function number(value: number, tone: Tone = 'plain'): Piece {
  return piece(rate(value), value === 0 ? 'quiet' : tone);
}

function latency({ p50, p95, p99 }: RouteFlow | UpstreamFlow): Piece[] {
  return [p50, p95, p99].map((ms) => piece(milliseconds(ms)));
}
