/** The collector gets the metrics of /metrics and the lines of the log, with the same names and the same numbers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAuthority, pemOf } from '../support/certificates.ts';
import { eventually, within } from '../support/deadline.ts';
import { forwardAll, startGateway } from '../support/gateway.ts';
import { otlpReceiver, type ReceivedMetric } from '../support/otlp-receiver.ts';
import { ask } from '../support/raw-client.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

const authority = await createAuthority();
const certificate = await authority.issue({ names: ['collector.test', '127.0.0.1'] });
const collector = await otlpReceiver(pemOf(certificate));
const upstream = await recordingUpstream();
const config = {
  ...forwardAll(upstream.url),
  telemetry: {
    otlp: {
      url: `${collector.url}/tenant/`,
      sampleRatio: 0,
      interval: 20,
      metricsInterval: 200,
      compression: 'gzip',
      headers: { authorization: 'Bearer t0ken' },
      tls: { ca: authority.ca },
    },
  },
};
const gateway = await startGateway({
  config,
  workers: 1,
  env: { OTEL_SERVICE_NAME: 'edge', OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test' },
});
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const get = (path: string, flags: string): string =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\ntraceparent: 00-${traceId}-00f067aa0ba902b7-${flags}\r\n\r\n`;

test('every line of the log is a record with its severity, its fields, and the ids of its trace', async () => {
  upstream.on('/failing', (request) => void request.connection.socket.destroy());
  for (const [path, flags, severity] of [
    ['/recorded', '01', 9],
    ['/unrecorded', '00', 9],
    ['/failing', '01', 17],
  ] as const) {
    const answer = await ask(gateway.port, get(path, flags));
    const {
      level: _,
      time: __,
      msg,
      traceId: ___,
      spanId,
      ...fields
    } = await gateway.accessLog(answer.header('X-Request-Id') ?? '');
    const record = await eventually(
      () => collector.logs.find(({ attributes }) => attributes['requestId'] === fields['requestId']) ?? null,
      `the record of ${path}`,
    );
    assert.equal(record.body, msg);
    assert.equal(record.severity, severity);
    assert.equal(record.traceId, traceId);
    assert.equal(record.spanId, flags === '01' ? spanId : '');
    assert.deepEqual(record.attributes, fields);
    assert.equal(record.resource['service.name'], 'edge');
    assert.equal(record.resource['deployment.environment.name'], 'test');
  }
  await eventually(() => collector.logs.find(({ body }) => body === 'ready') ?? null, 'the supervisor’s own line');
});

test('the log has a span’s id where there is a span', async () => {
  const answer = await ask(gateway.port, get('/linked', '01'));
  const spans = await eventually(
    () =>
      collector.spans.find(({ name, attributes }) => name === 'GET /*' && attributes['url.path'] === '/linked') ?? null,
    'the span',
  );
  assert.equal((await gateway.accessLog(answer.header('X-Request-Id') ?? ''))['spanId'], spans.spanId);
});

test('the collector is told in gzip, over TLS, below the path of its url, with the fields of the config', async () => {
  await eventually(() => collector.metrics.get('workers') ?? null, 'metrics');
  const paths = new Set(collector.requests.map(({ path }) => path));
  assert.deepEqual([...paths].sort(), ['/tenant/v1/logs', '/tenant/v1/metrics', '/tenant/v1/traces']);
  for (const { headers } of collector.requests) {
    assert.equal(headers['content-encoding'], 'gzip');
    assert.equal(headers['content-type'], 'application/x-protobuf');
    assert.equal(headers.authorization, 'Bearer t0ken');
  }
});

test('metrics are those of /metrics when the gateway has come to rest: counters, gauges and histograms, cumulative', async () => {
  await ask(gateway.port, get('/counted', '00'));
  const told = await eventually(async () => {
    const text = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
    const differing = differences(text, collector.metrics);
    return text.includes('status="200"') && differing.length === 0 ? collector.metrics : null;
  }, 'the same numbers').catch(async (error: Error) => {
    const text = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
    throw new Error(`${error.message}: ${differences(text, collector.metrics).join(', ')}`);
  });
  const requests = told.get('http_requests_total');
  assert.equal(requests?.kind, 'counter');
  assert.equal(requests.isCumulative, true);
  const durations = told.get('http_request_duration_ms');
  assert.equal(durations?.kind, 'histogram');
  assert.equal(durations.isCumulative, true);
  const [series] = durations.series;
  assert.equal(series?.bounds.length, 13);
  assert.equal(
    series.buckets.reduce((sum, n) => sum + n, 0),
    series.count,
  );
  assert.equal(told.get('workers')?.series[0]?.value, 1);
  assert.ok((told.get('process_cpu_seconds_total')?.series[0]?.value ?? 0) > 0);
});

test('the last numbers and the last line come when the gateway is stopped', async () => {
  const slow = { ...config.telemetry.otlp, interval: '1h', metricsInterval: '1h' };
  assert.equal(await gateway.reload({ ...config, telemetry: { otlp: slow } }), 'accepted');
  const before = total(collector.metrics.get('http_requests_total'));
  for (let i = 0; i < 5; i++) await ask(gateway.port, get(`/late/${i}`, '00'));
  gateway.signal('SIGTERM');
  assert.equal((await within(gateway.exit, 'the end')).code, 0);
  assert.ok(total(collector.metrics.get('http_requests_total')) >= before + 5);
  assert.ok(collector.logs.some(({ body }) => body === 'drained'));
  assert.ok(collector.logs.some(({ attributes }) => attributes['path'] === '/late/4'));
});

function total(metric: ReceivedMetric | undefined): number {
  return metric?.series.reduce((sum, { value }) => sum + value, 0) ?? 0;
}

/** Lines of the exposition that the collector has been told otherwise; what moves by itself, or by being sent, is left out. */
function differences(text: string, metrics: ReadonlyMap<string, ReceivedMetric>): string[] {
  const found: string[] = [];
  for (const [, name = '', labels = '', value] of text.matchAll(/^([a-z_]+)(?:\{(.*)\})? (\S+)$/gm)) {
    if (
      /^(process|nodejs|event_loop|supervisor_event|overload|telemetry|collected)_/.test(name) ||
      name.endsWith('_bucket')
    )
      continue;
    const base = name.replace(/_(sum|count)$/, '');
    const metric = metrics.get(base) ?? metrics.get(name);
    const series = metric?.series.find((one) => hasLabels(one.labels, labels));
    const told = name.endsWith('_count') ? series?.count : series?.value;
    if (told !== Number(value)) found.push(`${name}{${labels}} ${value} told ${told}`);
  }
  return found;
}

function hasLabels(labels: Readonly<Record<string, unknown>>, text: string): boolean {
  const shown = [...text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name = '', value]) => [name, value]);
  return shown.length === Object.keys(labels).length && shown.every(([name = '', value]) => labels[name] === value);
}
