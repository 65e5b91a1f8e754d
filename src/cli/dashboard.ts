/** The panels of grafana/dashboard.json: what an operator wants to see first stands first. `npm run dashboard` writes it. */
import { type Panel, row, stat, timeseries } from './dashboard-panels.ts';

/** Requests without a route (scanners, health probes, scrapes) would hide errors. */
const routed = 'job="$job",instance=~"$instance",route!="none",route=~"$route"';
const all = 'job="$job",instance=~"$instance"';
const range = '[$__rate_interval]';

/** An objective of 99.9 % leaves 0.1 % to fail: a burn rate of 1 uses that up within the SLO's period, 14.4 in two days of a month. */
const burnRate = (window: string): string =>
  `${errorRatio(`job="$job",route!="none"`, `[${window}]`)} / (1 - $objective / 100)`;

export const panels: readonly Panel[] = [
  row('At a glance'),
  stat('Requests', 'reqps', `sum(rate(http_requests_total{${routed}}${range}))`),
  stat('Errors', 'percentunit', errorRatio(routed, range), { warn: 0.01, bad: 0.05 }),
  stat('P99', 'ms', quantile(0.99, routed, 'le'), { warn: 500, bad: 1000 }),
  stat('Budget burn, 1 h', 'none', burnRate('1h'), { warn: 1, bad: 14.4 }),
  stat('Workers', 'none', `sum(workers{${all}})`),
  stat('Open breakers', 'none', `sum(circuit_breaker_state{${all}} == bool 2)`, { warn: 1, bad: 1 }),

  row('Requests'),
  timeseries('Requests by route', 'reqps', [
    [`sum by (route) (rate(http_requests_total{${routed}}${range}))`, '{{route}}'],
  ]),
  timeseries('Requests by status', 'reqps', [
    [`sum by (status) (rate(http_requests_total{${all},route=~"$route"}${range}))`, '{{status}}'],
  ]),
  timeseries('Latency', 'ms', [
    [quantile(0.5, routed, 'le'), 'P50'],
    [quantile(0.95, routed, 'le'), 'P95'],
    [quantile(0.99, routed, 'le'), 'P99'],
  ]),
  timeseries('P99 by route', 'ms', [[quantile(0.99, routed, 'route, le'), '{{route}}']]),
  timeseries('Share of errors by route', 'percentunit', [[errorRatio(routed, range, 'route'), '{{route}}']]),
  timeseries('Refusals and failures by code', 'reqps', [
    [`sum by (code) (rate(rejected_requests_total{${all}}${range}))`, '{{code}}'],
  ]),
  timeseries('In flight', 'none', [[`sum by (instance) (http_requests_in_flight{${all}})`, '{{instance}}']]),
  timeseries('Response bytes by route', 'Bps', [
    [`sum by (route) (rate(http_response_bytes_total{${routed}}${range}))`, '{{route}}'],
  ]),

  row('Service level'),
  timeseries(
    'Burn rate of the error budget',
    'none',
    ['5m', '30m', '1h', '6h'].map((window) => [burnRate(window), window] as const),
  ),
  timeseries('Error budget left, 30 days', 'percentunit', [[`1 - ${burnRate('30d')}`, 'left']]),

  row('Upstreams'),
  timeseries('Tries by outcome', 'reqps', [
    [`sum by (upstream, outcome) (rate(upstream_requests_total{${all}}${range}))`, '{{upstream}} {{outcome}}'],
  ]),
  timeseries('P99 of tries', 'ms', [
    [
      `histogram_quantile(0.99, sum by (upstream, le) (rate(upstream_request_duration_ms_bucket{${all}}${range})))`,
      '{{upstream}}',
    ],
  ]),
  timeseries('Circuit breakers: 0 closed, 1 half-open, 2 open', 'none', [
    [`max by (upstream) (circuit_breaker_state{${all}})`, '{{upstream}}'],
  ]),
  timeseries('Changes of breakers', 'none', [
    [`sum by (upstream, to) (increase(circuit_breaker_transitions_total{${all}}${range}))`, '{{upstream}} {{to}}'],
  ]),
  timeseries('Healthy targets', 'none', [
    [
      `sum by (upstream) (upstream_target_healthy{${all}}) / count by (upstream) (upstream_target_healthy{${all}})`,
      '{{upstream}}',
    ],
  ]),
  timeseries('Retries', 'reqps', [
    [`sum by (upstream) (rate(upstream_retries_total{${all}}${range}))`, '{{upstream}}'],
  ]),

  row('Limits and auth'),
  timeseries('Rate limits', 'reqps', [
    [`sum by (decision) (rate(rate_limit_decisions_total{${all},route=~"$route"}${range}))`, '{{decision}}'],
  ]),
  timeseries('Refused by limits', 'reqps', [
    [
      `sum by (route) (rate(rate_limit_decisions_total{${all},route=~"$route",decision=~"refused|closed"}${range}))`,
      '{{route}}',
    ],
  ]),
  timeseries('Auth failures', 'reqps', [
    [`sum by (route, reason) (rate(auth_failures_total{${all},route=~"$route"}${range}))`, '{{route}} {{reason}}'],
  ]),
  timeseries('Would have been refused (shadow mode)', 'reqps', [
    [`sum by (policy, route) (rate(shadow_decisions_total{${all},route=~"$route"}${range}))`, '{{policy}} {{route}}'],
  ]),
  timeseries('Redis', 'none', [
    [`redis_up{${all}}`, '{{instance}}'],
    [`sum by (instance) (rate(rate_limit_alone_total{${all}}${range}))`, '{{instance}} decided alone'],
  ]),

  row('Load'),
  timeseries('Pressure: from 0.8 low routes are shed', 'percentunit', [
    [`max by (instance, cause) (overload_pressure{${all}})`, '{{instance}} {{cause}}'],
  ]),
  timeseries('Shed', 'reqps', [[`sum by (priority) (rate(shed_requests_total{${all}}${range}))`, '{{priority}}']]),
  timeseries('Event loop delay of workers', 'ms', [[`event_loop_delay_ms{${all}}`, '{{instance}} {{worker}}']]),
  timeseries('Event loop of the supervisor: longest delay in 9 of 10 seconds', 'ms', [
    [
      `histogram_quantile(0.9, sum by (instance, le) (rate(supervisor_event_loop_delay_ms_bucket{${all}}${range})))`,
      '{{instance}}',
    ],
  ]),
  timeseries('Connections rejected', 'cps', [
    [`sum by (reason) (rate(rejected_connections_total{${all}}${range}))`, '{{reason}}'],
  ]),
  timeseries('Body checks in threads', 'reqps', [
    [`sum by (outcome) (rate(body_checks_total{${all}}${range}))`, '{{outcome}}'],
  ]),

  row('Gateway'),
  timeseries('Workers', 'none', [[`workers{${all}}`, '{{instance}}']]),
  timeseries('Worker restarts', 'none', [
    [`sum by (reason) (increase(worker_restarts_total{${all}}${range}))`, '{{reason}}'],
  ]),
  timeseries('Config reloads', 'none', [
    [`sum by (instance, result) (increase(config_reloads_total{${all}}${range}))`, '{{instance}} {{result}}'],
  ]),
  timeseries('Memory of the supervisor', 'bytes', [[`process_resident_memory_bytes{${all}}`, '{{instance}}']]),
  timeseries('Log lines dropped', 'cps', [
    [`sum by (instance) (rate(log_lines_dropped_total{${all}}${range}))`, '{{instance}}'],
  ]),
  timeseries('Days until certificates end', 'd', [
    [`min by (file) (tls_certificate_expiry_timestamp_seconds{${all}} - time()) / 86400`, '{{file}}'],
  ]),
];

/** 0, not nothing, while there are no errors. */
function errorRatio(selector: string, window: string, by = ''): string {
  const sum = by === '' ? 'sum' : `sum by (${by}) `;
  const total = `${sum}(rate(http_requests_total{${selector}}${window}))`;
  return `(${sum}(rate(http_requests_total{${selector},status=~"5.."}${window})) or 0 * ${total}) / ${total}`;
}

function quantile(share: number, selector: string, by: string): string {
  return `histogram_quantile(${share}, sum by (${by}) (rate(http_request_duration_ms_bucket{${selector}}${range})))`;
}
