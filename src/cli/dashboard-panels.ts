/** What Grafana's dashboard JSON is made of, as far as this dashboard needs it (schema version 39, Grafana 10 and later). */

export interface Panel {
  readonly kind: 'row' | 'stat' | 'timeseries';
  readonly title: string;
  readonly unit: string;
  readonly queries: readonly Query[];
  readonly limits: Limits | null;
}

export type Query = readonly [expr: string, legend: string];

/** From where on a number is yellow and red. */
export interface Limits {
  readonly warn: number;
  readonly bad: number;
}

export function row(title: string): Panel {
  return { kind: 'row', title, unit: '', queries: [], limits: null };
}

export function stat(title: string, unit: string, expr: string, limits: Limits | null = null): Panel {
  return { kind: 'stat', title, unit, queries: [[expr, '']], limits };
}

export function timeseries(title: string, unit: string, queries: readonly Query[]): Panel {
  return { kind: 'timeseries', title, unit, queries, limits: null };
}

/** The JSON that Grafana imports. */
export function writeDashboard(panels: readonly Panel[]): string {
  const dashboard = {
    uid: 'sluice',
    title: 'Sluice',
    tags: ['sluice'],
    schemaVersion: 39,
    editable: true,
    graphTooltip: 1,
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    timezone: 'browser',
    templating: { list: variables },
    annotations: { list: [] },
    links: [],
    panels: placePanels(panels),
  };
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}

const datasource = { type: 'prometheus', uid: '${datasource}' };

/** `objective`: the share of requests, in percent, that shall not end in a 5xx; alerts.yml has its counterpart. */
const variables = [
  { name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus' },
  labelValues('job', 'Job', 'label_values(config_version, job)', { text: 'sluice', value: 'sluice' }),
  labelValues('instance', 'Instance', 'label_values(workers{job="$job"}, instance)'),
  labelValues('route', 'Route', 'label_values(http_requests_total{job="$job"}, route)'),
  {
    name: 'objective',
    label: 'Objective, %',
    type: 'custom',
    query: '99,99.5,99.9,99.95,99.99',
    current: { text: '99.9', value: '99.9' },
  },
];

/** Without `current` several may be chosen, and all are. */
function labelValues(name: string, label: string, query: string, current: object | null = null): object {
  const choice =
    current === null
      ? { multi: true, includeAll: true, allValue: '.*', current: { text: ['All'], value: ['$__all'] } }
      : { multi: false, includeAll: false, current };
  return {
    name,
    label,
    type: 'query',
    datasource,
    query: { query, refId: name },
    definition: query,
    refresh: 2,
    sort: 1,
    ...choice,
  };
}

const columns = 24;
const sizes = {
  row: { width: columns, height: 1 },
  stat: { width: 4, height: 4 },
  timeseries: { width: 8, height: 8 },
} as const;

/** From left to right, and on to the next line where there is no room; a row begins a line of its own. */
function placePanels(panels: readonly Panel[]): object[] {
  let x = 0;
  let y = 0;
  let lineHeight = 0;
  return panels.map((panel, index) => {
    const { width, height } = sizes[panel.kind];
    if (x + width > columns || panel.kind === 'row') {
      x = 0;
      y += lineHeight;
      lineHeight = 0;
    }
    const gridPos = { x, y, w: width, h: height };
    x += width;
    lineHeight = Math.max(lineHeight, height);
    return describePanel(panel, index + 1, gridPos);
  });
}

function describePanel(panel: Panel, id: number, gridPos: object): object {
  const { kind: type, title, unit, queries, limits } = panel;
  if (type === 'row') return { id, type, title, gridPos, collapsed: false, panels: [] };
  return {
    id,
    type,
    title,
    gridPos,
    datasource,
    fieldConfig: { defaults: { unit, min: 0, ...colours(limits) }, overrides: [] },
    options: type === 'stat' ? statOptions : timeseriesOptions,
    targets: queries.map(([expr, legendFormat], i) => ({
      refId: String.fromCharCode(65 + i),
      datasource,
      expr,
      legendFormat,
      editorMode: 'code',
      range: true,
      exemplar: expr.includes('http_request_duration_ms_bucket'),
    })),
  };
}

function colours(limits: Limits | null): object {
  if (limits === null) return {};
  const steps = [
    { color: 'green', value: null },
    { color: 'yellow', value: limits.warn },
    { color: 'red', value: limits.bad },
  ];
  return { color: { mode: 'thresholds' }, thresholds: { mode: 'absolute', steps } };
}

const statOptions = {
  reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
  colorMode: 'value',
  graphMode: 'area',
};
const timeseriesOptions = {
  legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
  tooltip: { mode: 'multi', sort: 'desc' },
};
