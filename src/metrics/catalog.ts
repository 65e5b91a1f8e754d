/**
 * Every metric of the gateway in one table: a new one is an entry here and a call where the fact is known. The
 * `process_*` and `nodejs_*` metrics of the supervisor's process come on top, from prom-client.
 */

export interface MetricSpec {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  readonly countedBy: 'worker' | 'supervisor';
  /** What becomes of a gauge that several workers report. = sum */
  readonly combine?: 'max';
  /** Upper bounds of a histogram, without +Inf. */
  readonly buckets?: readonly number[];
  /** Label values of the series that are there, as 0, before anything happened. */
  readonly initial?: readonly (readonly string[])[];
  /** The metric is shown only once it has a series. */
  readonly whenUsed?: true;
}

const durationBucketsMs = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000] as const;

export const catalog = {
  http_requests_total: {
    type: 'counter',
    help: 'Requests answered, whoever answered them.',
    labels: ['method', 'route', 'status'],
    countedBy: 'worker',
  },
  http_request_duration_ms: {
    type: 'histogram',
    help: "Milliseconds from a request's head to the end of its answer.",
    labels: ['route', 'method'],
    countedBy: 'worker',
    buckets: durationBucketsMs,
  },
  http_requests_in_flight: {
    type: 'gauge',
    help: 'Requests that have begun and not ended.',
    labels: [],
    countedBy: 'worker',
    initial: [[]],
  },
  http_response_bytes_total: {
    type: 'counter',
    help: 'Bytes of response bodies sent to clients.',
    labels: ['route'],
    countedBy: 'worker',
  },
  upstream_requests_total: {
    type: 'counter',
    help: 'Tries at an upstream, by how they ended.',
    labels: ['upstream', 'outcome'],
    countedBy: 'worker',
  },
  upstream_request_duration_ms: {
    type: 'histogram',
    help: 'Milliseconds from handing a try to the upstream to its end.',
    labels: ['upstream'],
    countedBy: 'worker',
    buckets: durationBucketsMs,
  },
  upstream_target_healthy: {
    type: 'gauge',
    help: '1 while a target is well, 0 while its health checks fail or it is ejected. One that is drained is well.',
    labels: ['upstream', 'target'],
    countedBy: 'supervisor',
  },
  upstream_retries_total: {
    type: 'counter',
    help: 'Tries that repeat another at the same upstream.',
    labels: ['upstream'],
    countedBy: 'worker',
  },
  circuit_breaker_state: {
    type: 'gauge',
    help: 'Circuit of an upstream that has a breaker: 0 closed, 1 half-open, 2 open.',
    labels: ['upstream'],
    countedBy: 'supervisor',
  },
  circuit_breaker_transitions_total: {
    type: 'counter',
    help: 'Changes of a circuit, by the state that it changed to.',
    labels: ['upstream', 'to'],
    countedBy: 'supervisor',
  },
  rejected_requests_total: {
    type: 'counter',
    help: 'Requests that the gateway refused or could not complete, by the code that the client saw.',
    labels: ['code'],
    countedBy: 'worker',
  },
  auth_failures_total: {
    type: 'counter',
    help: 'Requests refused because of who sent them: `missing`, `empty`, `repeated` or `unknown` key, or `forbidden` consumer.',
    labels: ['route', 'reason'],
    countedBy: 'worker',
  },
  rate_limit_decisions_total: {
    type: 'counter',
    help: 'Requests that were put to limits: `admitted`, `refused`, `shadow` (let pass, though a limit in shadow mode would have refused), or `open` and `closed` (let pass and refused while Redis was away, as onError says).',
    labels: ['route', 'decision'],
    countedBy: 'worker',
  },
  rate_limit_alone_total: {
    type: 'counter',
    help: 'Requests whose limits a worker decided on by itself, since the supervisor did not answer in time.',
    labels: [],
    countedBy: 'worker',
    initial: [[]],
  },
  shed_requests_total: {
    type: 'counter',
    help: 'Requests turned away under overload, by the priority of their route.',
    labels: ['priority'],
    countedBy: 'worker',
    initial: [['low'], ['normal'], ['high']],
  },
  shadow_decisions_total: {
    type: 'counter',
    help: 'Requests that a policy in shadow mode would have refused, by the key that the policy has in the config.',
    labels: ['policy', 'route'],
    countedBy: 'worker',
  },
  rejected_connections_total: {
    type: 'counter',
    help: 'Connections closed as soon as they came: `max_connections` or `max_connections_per_ip` was reached.',
    labels: ['reason'],
    countedBy: 'worker',
    initial: [['max_connections'], ['max_connections_per_ip']],
  },
  tls_handshake_failures_total: {
    type: 'counter',
    help: 'TLS handshakes with clients that failed, by why: `timeout`, `closed`, `not_tls`, `old_client`, `no_protocol`, `no_client_certificate`, `bad_client_certificate`, `refused_by_client`, `other`.',
    labels: ['reason'],
    countedBy: 'worker',
  },
  tls_certificate_reloads_total: {
    type: 'counter',
    help: 'Changes found in the files of `proxy.tls`, by what came of them.',
    labels: ['result'],
    countedBy: 'supervisor',
    initial: [['accepted'], ['rejected']],
  },
  tls_certificate_expiry_timestamp_seconds: {
    type: 'gauge',
    help: 'Unix time at which a certificate of `proxy.tls` ends, by its file.',
    labels: ['file'],
    countedBy: 'supervisor',
  },
  body_checks_total: {
    type: 'counter',
    help: 'Request bodies put to a thread to be checked: `checked`, `shed` with too many waiting, `late`, `died` with its thread, or `left` by its client while it waited. Small ones are checked without.',
    labels: ['outcome'],
    countedBy: 'worker',
    initial: [['checked'], ['shed'], ['late'], ['died'], ['left']],
  },
  collected_body_bytes: {
    type: 'gauge',
    help: 'Memory that holds request bodies to be checked as a whole, or passed on afterwards.',
    labels: [],
    countedBy: 'worker',
    initial: [[]],
  },
  log_lines_dropped_total: {
    type: 'counter',
    help: 'Log lines of workers that nobody will read, since the reader of the log was too slow or has gone.',
    labels: [],
    countedBy: 'worker',
    initial: [[]],
  },
  telemetry_records_total: {
    type: 'counter',
    help: 'Spans (`traces`) and log lines (`logs`) for the collector of `telemetry.otlp`, by what became of them: `sent`, or `dropped` since the collector refused them or was away for too long. Those of workers.',
    labels: ['signal', 'outcome'],
    countedBy: 'worker',
  },
  event_loop_delay_ms: {
    type: 'gauge',
    help: "Mean delay of a worker's event loop over the last second, in milliseconds.",
    labels: ['worker'],
    countedBy: 'worker',
    // A worker and the one that it replaces share the label for a while.
    combine: 'max',
  },
  overload_pressure: {
    type: 'gauge',
    help: 'Share of what a worker can bear, by cause: `low` routes are shed from 0.8 of any, `normal` ones from 0.9, all from 1.',
    labels: ['worker', 'cause'],
    countedBy: 'worker',
    combine: 'max',
  },
  upstream_concurrency_limit: {
    type: 'gauge',
    help: 'How many requests an upstream may have under way, as learned with `overload.adaptive`: the sum over workers.',
    labels: ['upstream'],
    countedBy: 'worker',
    whenUsed: true,
  },
  workers: {
    type: 'gauge',
    help: 'Workers that accept connections.',
    labels: [],
    countedBy: 'supervisor',
    initial: [[]],
  },
  worker_restarts_total: {
    type: 'counter',
    help: 'Workers started to replace another, by why it went: `exit` after a bug, `signal` (killed, or out of memory), `hang`, `memory` that stayed full, `start` that failed, `reload` that it did not answer.',
    labels: ['reason'],
    countedBy: 'supervisor',
    // Rates and alerts see the first one only if there was a 0 before it.
    initial: [['exit'], ['signal'], ['hang'], ['memory'], ['start'], ['reload']],
  },
  supervisor_event_loop_delay_ms: {
    type: 'histogram',
    help: "Longest delay of the supervisor's event loop in each second, in milliseconds.",
    labels: [],
    countedBy: 'supervisor',
    buckets: durationBucketsMs,
    initial: [[]],
  },
  config_version: {
    type: 'gauge',
    help: 'Number of the config in force: 1 after the start, one more with each accepted reload.',
    labels: [],
    countedBy: 'supervisor',
    initial: [[]],
  },
  config_reloads_total: {
    type: 'counter',
    help: 'Reloads asked for, by what came of them.',
    labels: ['result'],
    countedBy: 'supervisor',
    initial: [['accepted'], ['rejected']],
  },
  config_last_reload_timestamp_seconds: {
    type: 'gauge',
    help: 'Unix time at which the config in force was taken up.',
    labels: [],
    countedBy: 'supervisor',
    initial: [[]],
  },
  redis_up: {
    type: 'gauge',
    help: '1 while Redis answers, 0 while it is away; absent when Redis is not used.',
    labels: [],
    countedBy: 'supervisor',
    whenUsed: true,
  },
} as const satisfies Readonly<Record<string, MetricSpec>>;

type Catalog = typeof catalog;

export type MetricName = keyof Catalog;

/** Names of the metrics of one type that one side counts. */
export type MetricOf<Side extends MetricSpec['countedBy'], Type extends MetricSpec['type']> = {
  [M in MetricName]: Catalog[M] extends { countedBy: Side; type: Type } ? M : never;
}[MetricName];

/** One value for each label of the metric, in the catalog's order. */
export type LabelValues<M extends MetricName> = ValuesOf<Catalog[M]['labels']> & readonly string[];

type ValuesOf<Labels extends readonly string[]> = { readonly [I in keyof Labels]: string };

export function specOf(metric: MetricName): MetricSpec {
  return catalog[metric];
}

export const metricNames = Object.keys(catalog) as readonly MetricName[];
