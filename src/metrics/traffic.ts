/**
 * The live numbers behind `GET /status`: samples of the counters, one a second, and what lies between the newest and one
 * some seconds older. However many look, it is worked out once per sample.
 */
import type { HistoryLine, TotalFlow, Traffic, WorkerLoad } from '../contracts/status.ts';
import type { MetricName } from './catalog.ts';
import { gaugeOf, refusalsOf, round, routeFlow, type Stretch, totalOf, upstreamFlows } from './flows.ts';
import { type Rows, type Sample, takeSample } from './sample.ts';
import type { Totals } from './totals.ts';

/** Of the config in force: they are shown before anything has come for them. */
export interface Named {
  readonly routes: readonly string[];
  readonly upstreams: readonly string[];
}

/**
 * Workers report once a second at moments of their own: over fewer seconds, one report more or less would make a steady
 * rate look uneven.
 */
const windowSamples = 5;
const historyPoints = 150;
const samplesPerPoint = 2;

export class TrafficView {
  readonly #totals: Totals;
  /** The oldest first. */
  readonly #samples: Sample[];
  readonly #history = new HistoryLines();
  #taken = 0;
  #named: Named = { routes: [], upstreams: [] };
  #rendered: Traffic | null = null;

  /** `now`, here and below: monotonic ms. */
  constructor(totals: Totals, now: number) {
    this.#totals = totals;
    this.#samples = [takeSample(totals, now)];
  }

  follow(named: Named): void {
    this.#named = named;
    this.#rendered = null;
  }

  /** Once a second. */
  sample(now: number): void {
    this.#samples.push(takeSample(this.#totals, now));
    if (this.#samples.length > windowSamples + 1) this.#samples.shift();
    if (this.#taken++ % samplesPerPoint === 0) this.#history.push(totalOf(this.#stretch()));
    this.#rendered = null;
  }

  /** The same object until the next sample. */
  render(): Traffic {
    this.#rendered ??= this.#render(this.#stretch());
    return this.#rendered;
  }

  /** By the worker's id, which is not its place. */
  loadOf(worker: number): WorkerLoad {
    return {
      inFlight: this.#highestPart('http_requests_in_flight', worker),
      loopDelayMs: this.#highestPart('event_loop_delay_ms', worker),
      pressure: this.#highestPart('overload_pressure', worker),
    };
  }

  #highestPart(metric: MetricName, worker: number): number | null {
    let highest: number | null = null;
    for (const { parts } of this.#totals.seriesOf(metric)) {
      const part = parts.get(worker);
      if (part !== undefined && (highest === null || part > highest)) highest = part;
    }
    return highest;
  }

  #render(stretch: Stretch): Traffic {
    const totals = this.#totals;
    const { routes, upstreams } = stretch.newest;
    return {
      seconds: round(stretch.seconds, 1),
      inFlight: gaugeOf(totals, 'http_requests_in_flight') ?? 0,
      total: totalOf(stretch),
      routes: namesOf(this.#named.routes, routes).map((route) => routeFlow(route, stretch)),
      upstreams: upstreamFlows(totals, namesOf(this.#named.upstreams, upstreams), stretch),
      refusals: refusalsOf(stretch),
      redis: redisOf(totals),
      history: { secondsPerPoint: samplesPerPoint, ...this.#history.lines },
    };
  }

  #stretch(): Stretch {
    const [oldest] = this.#samples;
    const newest = this.#samples.at(-1);
    if (oldest === undefined || newest === undefined) throw new Error('there is always a sample');
    return { oldest, newest, seconds: Math.max(1, (newest.at - oldest.at) / 1000) };
  }
}

class HistoryLines {
  readonly lines: Readonly<Record<HistoryLine, (number | null)[]>> = {
    rate: [],
    errors: [],
    refused: [],
    p50: [],
    p95: [],
    p99: [],
  };

  push(total: TotalFlow): void {
    for (const [line, points] of Object.entries(this.lines)) {
      points.push(total[line as HistoryLine]);
      if (points.length > historyPoints) points.shift();
    }
  }
}

function redisOf(totals: Totals): Traffic['redis'] {
  const up = gaugeOf(totals, 'redis_up');
  if (up === null) return null;
  return up === 1 ? 'up' : 'away';
}

/** Those of the config, and behind them the others that something has come for. */
function namesOf(named: readonly string[], rows: Rows): string[] {
  const names = new Set(named);
  for (const name of rows.keys()) names.add(name);
  return [...names];
}
