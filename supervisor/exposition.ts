/**
 * The exposition text. The catalog's metrics are printed here, each line behind a prefix that is put together once: for
 * thousands of series that takes a sixth of what prom-client takes. Its own metrics, of the process, it prints itself.
 */
import { type Counter, Registry, type RegistryContentType } from 'prom-client';
import { type MetricName, metricNames, specOf } from '../src/metrics/catalog.ts';
import { type ExpositionFormat, expositionTypes } from '../src/metrics/formats.ts';
import { type Exemplar, type Series, type Totals, valueOf } from '../src/metrics/totals.ts';

export class Exposition {
  readonly #totals: Totals;
  readonly #shown = new Set<MetricName>(metricNames.filter((metric) => specOf(metric).whenUsed === undefined));
  /** Of each series what stands before the values in its lines: it never changes. */
  readonly #prefixes = new WeakMap<Series, readonly string[]>();

  constructor(totals: Totals) {
    this.#totals = totals;
  }

  show(metric: MetricName): void {
    this.#shown.add(metric);
  }

  hide(metric: MetricName): void {
    this.#shown.delete(metric);
  }

  /** Without an end: other metrics follow. */
  render(format: ExpositionFormat): string {
    let text = '';
    for (const metric of this.#shown) text += this.#print(metric, format);
    return text;
  }

  #print(metric: MetricName, format: ExpositionFormat): string {
    const { type, help } = specOf(metric);
    const name = nameIn(format, metric, type);
    const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
    for (const series of this.#totals.seriesOf(metric)) {
      const prefixes = this.#prefixesOf(metric, series);
      if (type === 'histogram') printHistogram(lines, prefixes, series, format);
      else lines.push(`${prefixes[0]}${numberText(valueOf(metric, series))}`);
    }
    // OpenMetrics has no empty lines.
    lines.push(format === 'text' ? '\n' : '');
    return lines.join('\n');
  }

  #prefixesOf(metric: MetricName, series: Series): readonly string[] {
    let prefixes = this.#prefixes.get(series);
    if (prefixes === undefined) {
      prefixes = listPrefixes(metric, series);
      this.#prefixes.set(series, prefixes);
    }
    return prefixes;
  }
}

/** What prom-client's registry needs of a metric. */
interface Source {
  readonly name: string;
  readonly type: string;
  get(): Promise<object>;
}

/**
 * The text of prom-client's own metrics, with its end. A registry that prints OpenMetrics renames its counters for good,
 * so it is given copies.
 */
export async function renderOwn(own: Registry, format: ExpositionFormat): Promise<string> {
  if (format === 'text') return await own.metrics();
  const registry = new Registry<RegistryContentType>();
  registry.setContentType(expositionTypes.openmetrics as RegistryContentType);
  for (const metric of own.getMetricsAsArray()) {
    const source = metric as unknown as Source;
    const { type } = source;
    const name = nameIn(format, source.name, type);
    const copy: Source = { name, type, get: async () => ({ ...(await source.get()), name }) };
    registry.registerMetric(copy as unknown as Counter);
  }
  return await registry.metrics();
}

/** In OpenMetrics a counter is called by what is counted; `_total` belongs to its one line, and prom-client adds it. */
function nameIn(format: ExpositionFormat, metric: string, type: string): string {
  return format === 'openmetrics' && type === 'counter' ? metric.replace(/_total$/, '') : metric;
}

/** A counter or gauge has one line; a histogram one for each bucket, and those of its sum and its count. */
function listPrefixes(metric: MetricName, { labels }: Series): string[] {
  const { type, buckets = [] } = specOf(metric);
  const shared = Object.entries(labels).map(([name, value]) => `${name}="${escapeValue(value)}"`);
  const prefix = (name: string, all: readonly string[]): string => `${name}${all.length > 0 ? `{${all.join()}}` : ''} `;
  if (type !== 'histogram') return [prefix(metric, shared)];
  const bounds = [...buckets.map(String), '+Inf'];
  return [
    ...bounds.map((bound) => prefix(`${metric}_bucket`, [`le="${bound}"`, ...shared])),
    prefix(`${metric}_sum`, shared),
    prefix(`${metric}_count`, shared),
  ];
}

function printHistogram(
  lines: string[],
  prefixes: readonly string[],
  { cells, exemplars }: Series,
  format: ExpositionFormat,
): void {
  const buckets = prefixes.length - 2;
  let count = 0;
  for (let i = 0; i < buckets; i++) {
    count += cells[i] as number;
    const exemplar = format === 'openmetrics' ? exemplars?.[i] : undefined;
    lines.push(`${prefixes[i]}${count}${exemplar === undefined ? '' : exemplarText(exemplar)}`);
  }
  lines.push(`${prefixes[buckets]}${numberText(cells[buckets] as number)}`, `${prefixes[buckets + 1]}${count}`);
}

function exemplarText({ traceId, value, at }: Exemplar): string {
  return ` # {trace_id="${traceId}"} ${value} ${at}`;
}

function escapeValue(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}
