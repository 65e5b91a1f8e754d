/** The supervisor's registry and its thread: what Prometheus reads, and that neither scrape nor series hold up the loop. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OtlpConfig } from '../../../src/contracts/config.ts';
import type { Log } from '../../../src/contracts/log.ts';
import type { GatewayStatus, Status } from '../../../src/contracts/status.ts';
import type { ExpositionFormat } from '../../../src/metrics/formats.ts';
import { methodIndex } from '../../../src/metrics/methods.ts';
import { Recorder } from '../../../src/metrics/recorder.ts';
import { MetricsRegistry } from '../../../supervisor/metrics-registry.ts';
import { eventually } from '../../support/deadline.ts';

test('the text has the series of workers and supervisor, and those of the process', async (t) => {
  const { registry, recorder } = start(t);
  recorder.recordRequest(recorder.routeRow('say "hi"\\'), methodIndex('GET'), 200, 30, 12);
  recorder.beginRequest();
  recorder.report();
  registry.add('config_reloads_total', ['accepted']);
  registry.set('workers', [], 2);
  registry.set('config_version', [], 3);
  const text = await render(registry);
  const expected = [
    '# TYPE http_requests_total counter',
    'http_requests_total{method="GET",route="say \\"hi\\"\\\\",status="200"} 1',
    'http_request_duration_ms_bucket{le="25",route="say \\"hi\\"\\\\",method="GET"} 0',
    'http_request_duration_ms_bucket{le="50",route="say \\"hi\\"\\\\",method="GET"} 1',
    'http_request_duration_ms_bucket{le="+Inf",route="say \\"hi\\"\\\\",method="GET"} 1',
    'http_request_duration_ms_sum{route="say \\"hi\\"\\\\",method="GET"} 30',
    'http_request_duration_ms_count{route="say \\"hi\\"\\\\",method="GET"} 1',
    'http_requests_in_flight 1',
    'config_reloads_total{result="accepted"} 1',
    'config_reloads_total{result="rejected"} 0',
    'workers 2',
    'config_version 3',
    `event_loop_delay_ms{worker="1"} 0`,
  ];
  const lines = text.split('\n');
  for (const line of expected) assert.ok(lines.includes(line), `${line}\nin\n${text.slice(0, 3000)}`);
  assert.match(text, /^process_resident_memory_bytes \d+$/m);
  assert.match(text, /^nodejs_eventloop_lag_mean_seconds /m);
  assert.doesNotMatch(text, /redis_up/);
  assert.ok(text.endsWith('\n'));
  assert.equal(
    new Set(lines.filter((line) => line.startsWith('# TYPE'))).size,
    lines.filter((line) => line.startsWith('# TYPE')).length,
  );
});

test('OpenMetrics is the same with exemplars, and ends; text before and after it stays what it is', async (t) => {
  const { registry, recorder } = start(t);
  recorder.recordRequest(recorder.routeRow('/a'), methodIndex('GET'), 200, 30, 12, {
    traceId: 'c0ffee',
    isSampled: false,
  });
  recorder.report();
  registry.observe('supervisor_event_loop_delay_ms', [], 3);
  const before = await render(registry);
  const text = await render(registry, 'openmetrics');
  const after = await render(registry);
  const lines = text.split('\n');
  for (const line of [
    '# TYPE http_requests counter',
    'http_requests_total{method="GET",route="/a",status="200"} 1',
    'http_request_duration_ms_bucket{le="25",route="/a",method="GET"} 0',
    'supervisor_event_loop_delay_ms_bucket{le="5"} 1',
    'supervisor_event_loop_delay_ms_sum 3',
    '# TYPE process_cpu_user_seconds counter',
  ]) {
    assert.ok(lines.includes(line), `${line}\nin\n${text.slice(0, 3000)}`);
  }
  assert.match(text, /^http_request_duration_ms_bucket\{le="50",.*} 1 # \{trace_id="c0ffee"} 30 \d{10}(\.\d+)?$/m);
  assert.match(text, /^process_cpu_user_seconds_total \d/m);
  assert.equal(text.match(/# EOF/g)?.length, 1);
  assert.ok(text.endsWith('\n# EOF\n'));
  assert.doesNotMatch(text, /\n\n/);
  for (const plain of [before, after]) {
    assert.doesNotMatch(plain, /c0ffee|# EOF/);
    assert.match(plain, /^# TYPE http_requests_total counter$/m);
    assert.match(plain, /^# TYPE process_cpu_user_seconds_total counter$/m);
  }
  assert.deepEqual(seriesOf(text), seriesOf(after));
});

test('a report that was taken is in every text asked for afterwards, also while another is being rendered', async (t) => {
  const { registry, recorder } = start(t);
  const texts: Promise<string>[] = [];
  for (let i = 0; i < 5; i++) {
    recorder.recordRejected('no_route');
    recorder.report();
    texts.push(render(registry));
  }
  const counts = (await Promise.all(texts)).map((text) => Number(/code="no_route"} (\d+)/.exec(text)?.[1]));
  assert.ok(
    counts.every((count, i) => count > i),
    String(counts),
  );
});

test("a worker's death takes back its gauges and nothing else", async (t) => {
  const { registry, recorder } = start(t);
  recorder.beginRequest();
  recorder.recordRejected('no_route');
  recorder.report();
  registry.forget(1);
  const text = await render(registry);
  assert.match(text, /^http_requests_in_flight 0$/m);
  assert.match(text, /^rejected_requests_total\{code="no_route"} 1$/m);
  assert.doesNotMatch(text, /^event_loop_delay_ms\{/m);
});

test('redis_up is there while Redis is used', async (t) => {
  const { registry } = start(t);
  registry.set('redis_up', [], 1);
  assert.match(await render(registry), /^redis_up 1$/m);
  registry.remove('redis_up', []);
  assert.doesNotMatch(await render(registry), /redis_up/);
  registry.set('redis_up', [], 0);
  assert.match(await render(registry), /^redis_up 0$/m);
});

test('five thousand series and a scrape leave the event loop alone', async (t) => {
  const { registry, recorder } = start(t);
  for (let i = 0; i < 5000; i++) recorder.recordRequest(recorder.routeRow(`/route/${i}/*`), 0, 200, 12, 500);
  await render(registry);
  // Counted in turns of the loop, since a busy machine has no say in them: rendering here would be one turn, or a few.
  let turns = 0;
  const spinning = new AbortController();
  const spin = (): void => {
    turns++;
    if (!spinning.signal.aborted) setImmediate(spin);
  };
  recorder.report();
  await new Promise(setImmediate);
  spin();
  const text = await render(registry);
  spinning.abort();
  assert.ok(text.length > 3_000_000, String(text.length));
  assert.match(text, /route="\/route\/4999\/\*",status="200"} 1$/m);
  assert.ok(turns > 100, `${turns} turns`);
});

test('a thread that dies is replaced: gauges are known again, series keep their names, counters begin at 0', async (t) => {
  const { registry, recorder, errors } = start(t);
  recorder.recordRejected('no_route');
  recorder.report();
  registry.set('workers', [], 4);
  await render(registry);
  // What the types forbid is a bug, and the thread dies of it.
  registry.add('no_such_metric' as 'config_reloads_total', ['accepted']);
  await assert.rejects(render(registry), /restarting/);
  assert.equal(errors.length, 1);
  await eventually(() => render(registry).catch(() => null), 'the new thread');
  recorder.recordRejected('no_route');
  recorder.report();
  const text = await render(registry);
  assert.match(text, /^workers 4$/m);
  assert.match(text, /^rejected_requests_total\{code="no_route"} 1$/m);
});

test('a collector that can not be sent to costs no counter', async (t) => {
  const { registry, recorder, errors } = start(t);
  recorder.recordRejected('no_route');
  recorder.report();
  const noPem = { file: 'cert.pem', pem: 'no certificate' };
  const tls = { ca: null, cert: noPem, key: noPem, servername: null, verify: true };
  assert.match((await registry.send({ ...otlp, tls }, 3000)) ?? '', /PEM/i);
  assert.match(await render(registry), /^rejected_requests_total\{code="no_route"} 1$/m);
  assert.deepEqual(errors, []);
});

const otlp: OtlpConfig = {
  url: 'https://127.0.0.1:1',
  sampleRatio: 0,
  traces: false,
  metrics: true,
  logs: false,
  headers: [],
  intervalMs: 1_000,
  metricsIntervalMs: 1_000,
  timeoutMs: 1_000,
  compression: 'none',
  tls: null,
};

test('a status holds what the supervisor says, the load of each worker, and the numbers; a new thread knows what to name', async (t) => {
  const { registry, recorder } = start(t);
  registry.follow({ routes: ['users'], upstreams: ['api'] });
  recorder.beginRequest();
  recorder.report();
  const ask = async (): Promise<Status> => {
    const process = { pid: 7, state: 'serving', uptimeSeconds: 3, memoryBytes: null } as const;
    const workers = [1, 2].map((id) => ({ id, worker: id, ...process }));
    return JSON.parse(Buffer.from(await registry.renderStatus({ gateway, workers })).toString()) as Status;
  };
  const { gateway: said, workers, traffic } = await ask();
  assert.deepEqual(said, gateway);
  const process = { pid: 7, state: 'serving', uptimeSeconds: 3, memoryBytes: null };
  assert.deepEqual(workers, [
    { worker: 1, ...process, inFlight: 1, loopDelayMs: 0, pressure: 0 },
    { worker: 2, ...process, inFlight: null, loopDelayMs: null, pressure: null },
  ]);
  assert.equal(traffic.inFlight, 1);
  registry.add('no_such_metric' as 'config_reloads_total', ['accepted']);
  await assert.rejects(render(registry), /restarting/);
  const next = await eventually(() => ask().catch(() => null), 'the new thread');
  assert.deepEqual([next.traffic.routes[0]?.route, next.traffic.upstreams[0]?.upstream], ['users', 'api']);
});

const gateway: GatewayStatus = {
  at: '2026-01-01T00:00:00.000Z',
  startedAt: '2026-01-01T00:00:00.000Z',
  sluice: '1.0.0',
  node: 'v24.0.0',
  pid: 1,
  ready: true,
  checks: { config: 'UP' },
  config: { file: 'proxy.yml', version: 1, takenUpAt: '2026-01-01T00:00:00.000Z' },
  lastReload: null,
};

function start(t: { after: (fn: () => Promise<void>) => void }) {
  const errors: string[] = [];
  const say = (): void => {};
  const log: Log = { debug: say, info: say, warn: say, error: (_, message) => errors.push(message), fatal: say };
  const registry = new MetricsRegistry(log);
  t.after(() => registry.close());
  const recorder = new Recorder({
    worker: '1',
    send: (report) => {
      registry.take(1, report);
      recorder.taken(report.report);
    },
    overload: { loopDelayMs: () => 0, pressures: { concurrency: 0, event_loop: 0, memory: 0 } },
    log: { droppedLines: 0 },
    upstreamLimits: { entries: () => [] },
  });
  return { registry, recorder, errors };
}

async function render(registry: MetricsRegistry, format: ExpositionFormat = 'text'): Promise<string> {
  return Buffer.concat(await registry.render(format)).toString();
}

/** Names and labels, without values and comments. */
function seriesOf(text: string): string[] {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return lines.map((line) => line.replace(/ # .*$/, '').replace(/ \S+$/, ''));
}
