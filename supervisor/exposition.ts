/** The exposition text of the catalog's metrics, put together by prom-client from the totals. */
import { type Counter, Registry, type RegistryContentType } from 'prom-client';
import { type MetricName, metricNames, specOf } from '../src/metrics/catalog.ts';
import { type ExpositionFormat, expositionTypes } from '../src/metrics/formats.ts';
import { type Exemplar, type Series, type Totals, valueOf } from '../src/metrics/totals.ts';

/** A line as prom-client's registry prints it; `sharedLabels` it keeps as text once rendered. */
interface Line {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly sharedLabels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly exemplar?: Exemplar | null;
}

/** What prom-client needs to know of a metric to print it. */
interface Source {
  readonly name: string;
  readonly type: string;
  get(): Promise<object>;
}

export class Exposition {
  readonly #totals: Totals;
  readonly #registries = { text: newRegistry('text'), openmetrics: newRegistry('openmetrics') };

  constructor(totals: Totals) {
    this.#totals = totals;
    for (const metric of metricNames) if (specOf(metric).whenUsed === undefined) this.show(metric);
  }

  show(metric: MetricName): void {
    if (this.#registries.text.getSingleMetric(metric) !== undefined) return;
    const { type, help } = specOf(metric);
    for (const format of ['text', 'openmetrics'] as const) {
      const name = nameIn(format, metric, type);
      const get = async (): Promise<object> => ({ name, type, help, values: this.#linesOf(metric, name) });
      print(this.#registries[format], { name, type, get });
    }
  }

  hide(metric: MetricName): void {
    for (const format of ['text', 'openmetrics'] as const) {
      this.#registries[format].removeSingleMetric(nameIn(format, metric, specOf(metric).type));
    }
  }

  /** Without an end: other metrics may follow. */
  async render(format: ExpositionFormat): Promise<string> {
    return withoutEnd(await this.#registries[format].metrics());
  }

  #linesOf(metric: MetricName, metricName: string): Line[] {
    const lines: Line[] = [];
    const isHistogram = specOf(metric).type === 'histogram';
    for (const series of this.#totals.seriesOf(metric)) {
      if (isHistogram) pushHistogram(lines, metric, series);
      else lines.push({ metricName, labels: {}, sharedLabels: series.labels, value: valueOf(metric, series) });
    }
    return lines;
  }
}

/**
 * The text of prom-client's own metrics, with its end. A registry that prints OpenMetrics renames its counters for good,
 * so it is given copies.
 */
export async function renderOwn(own: Registry, format: ExpositionFormat): Promise<string> {
  if (format === 'text') return await own.metrics();
  const registry = newRegistry('openmetrics');
  for (const metric of own.getMetricsAsArray()) {
    const { type } = metric as unknown as Source;
    const name = nameIn(format, metric.name, type);
    print(registry, { name, type, get: async () => ({ ...(await (metric as unknown as Source).get()), name }) });
  }
  return await registry.metrics();
}

function newRegistry(format: ExpositionFormat): Registry<RegistryContentType> {
  const registry = new Registry<RegistryContentType>();
  registry.setContentType(expositionTypes[format] as RegistryContentType);
  return registry;
}

/** prom-client prints whatever can say its name, type, help and values. */
function print(registry: Registry<RegistryContentType>, source: Source): void {
  registry.registerMetric(source as unknown as Counter);
}

/** In OpenMetrics a counter is called by what is counted; `_total` belongs to its one line, and prom-client adds it. */
function nameIn(format: ExpositionFormat, metric: string, type: string): string {
  return format === 'openmetrics' && type === 'counter' ? metric.replace(/_total$/, '') : metric;
}

function withoutEnd(text: string): string {
  return text.endsWith(end) ? text.slice(0, -end.length) : text;
}

const end = '# EOF\n';

function pushHistogram(lines: Line[], metric: MetricName, series: Series): void {
  const { cells, exemplars, labels: sharedLabels } = series;
  const bounds = specOf(metric).buckets ?? [];
  let count = 0;
  for (let i = 0; i <= bounds.length; i++) {
    count += cells[i] as number;
    lines.push({
      metricName: `${metric}_bucket`,
      labels: { le: bounds[i] ?? '+Inf' },
      sharedLabels,
      value: count,
      exemplar: exemplars?.[i] ?? null,
    });
  }
  const sum = cells[bounds.length + 1] as number;
  lines.push({ metricName: `${metric}_sum`, labels: {}, sharedLabels, value: sum });
  lines.push({ metricName: `${metric}_count`, labels: {}, sharedLabels, value: count });
}
