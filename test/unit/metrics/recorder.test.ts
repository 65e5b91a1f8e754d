/** A worker's numbers on their way into the totals: what is counted arrives once, whole and under the right labels. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MetricName } from '../../../src/metrics/catalog.ts';
import { methodIndex } from '../../../src/metrics/methods.ts';
import { type MetricsReport, Recorder } from '../../../src/metrics/recorder.ts';
import { Totals, valueOf } from '../../../src/metrics/totals.ts';

const get = methodIndex('GET');

test('a request is counted by method, route and status, with its bytes and time', () => {
  const { recorder, totals, deliver } = connect();
  const row = recorder.routeRow('/api/users/*');
  recorder.recordRequest(row, get, 200, 3.5, 100);
  recorder.recordRequest(row, get, 200, 7, 20);
  recorder.recordRequest(row, methodIndex('BREW'), 405, 1, 0);
  deliver();
  assert.deepEqual(values(totals, 'http_requests_total'), {
    'GET /api/users/* 200': 2,
    'OTHER /api/users/* 405': 1,
  });
  assert.deepEqual(values(totals, 'http_response_bytes_total'), { '/api/users/*': 120 });
  const [duration] = totals.seriesOf('http_request_duration_ms');
  assert.deepEqual(duration?.labels, { route: '/api/users/*', method: 'GET' });
  assert.deepEqual([...(duration?.cells ?? [])], [0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10.5]);
});

test('however many statuses an upstream invents, their series are few, and none is lost', () => {
  const { recorder, totals, deliver } = connect();
  const row = recorder.routeRow('a');
  for (const round of [1, 2]) {
    for (let status = 200; status < 1000; status++) recorder.recordRequest(row, get, status, round, 0);
  }
  recorder.recordRequest(row, methodIndex('POST'), 503, 1, 0);
  recorder.recordRequest(row, get, 0, 1, 0);
  deliver();
  const seen = values(totals, 'http_requests_total');
  assert.equal(seen['GET a 249'], 2);
  assert.equal(seen['GET a 2xx'], 100);
  assert.equal(seen['GET a 5xx'], 200);
  assert.equal(seen['GET a 9xx'], 200);
  assert.equal(seen['POST a 503'], 1);
  assert.equal(Object.keys(seen).length, 50 + 8 + 1 + 1);
  assert.equal(
    Object.values(seen).reduce((sum, value) => sum + value),
    1602,
  );
});

test('a duration on a bound counts in the bucket of that bound, and one above all in +Inf', () => {
  const { recorder, totals, deliver } = connect();
  const row = recorder.upstreamRow('a');
  for (const ms of [0, 1, 1.01, 10000, 10001]) recorder.recordUpstream(row, 'success', ms);
  deliver();
  const [duration] = totals.seriesOf('upstream_request_duration_ms');
  assert.deepEqual([...(duration?.cells ?? [])].slice(0, 14), [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
  assert.deepEqual(values(totals, 'upstream_requests_total'), { 'a success': 5 });
});

test('a label has one row, however often it is asked for', () => {
  const { recorder } = connect();
  assert.equal(recorder.routeRow('a'), recorder.routeRow('a'));
  assert.notEqual(recorder.routeRow('a'), recorder.routeRow('b'));
});

test('many reports add up to exactly what was counted', () => {
  const { recorder, totals, deliver } = connect();
  let expected = 0;
  for (let round = 0; round < 50; round++) {
    for (let i = 0; i < round; i++, expected++) recorder.recordRejected('no_route');
    deliver();
  }
  assert.deepEqual(values(totals, 'rejected_requests_total'), { no_route: expected });
});

test('failures of auth are counted by route and reason, shadowed refusals by policy and route', () => {
  const { recorder, totals, deliver } = connect();
  const [a, b] = [recorder.routeRow('a'), recorder.routeRow('b')];
  for (const row of [a, a, b]) recorder.recordAuthFailure(row, 'unknown');
  recorder.recordAuthFailure(a, 'forbidden');
  for (const code of ['unauthorized', 'forbidden', 'unauthorized'] as const) recorder.recordShadow(b, code);
  deliver();
  assert.deepEqual(values(totals, 'auth_failures_total'), { 'a unknown': 2, 'b unknown': 1, 'a forbidden': 1 });
  assert.deepEqual(values(totals, 'shadow_decisions_total'), { 'auth b': 2, 'consumers b': 1 });
});

test('thousands of series arrive whole, in pieces of bounded size, each series before its numbers', () => {
  const { recorder, totals, deliver, reports } = connect();
  for (let i = 0; i < 3000; i++) recorder.recordRequest(recorder.routeRow(`/r${i}`), get, 200, 5, 1);
  deliver();
  assert.equal(Object.values(values(totals, 'http_requests_total')).length, 3000);
  assert.ok(Object.values(values(totals, 'http_requests_total')).every((value) => value === 1));
  assert.ok(reports.every(({ series, cells }) => series.length <= 500 && cells.length <= 8192));
  assert.ok(reports.length > 10);
});

test('requests in flight are what is now, and leave with their worker, as its event loop does', () => {
  const { recorder, totals, deliver } = connect();
  recorder.beginRequest();
  recorder.beginRequest();
  recorder.endRequest();
  deliver();
  deliver();
  assert.deepEqual(values(totals, 'http_requests_in_flight'), { '': 1 });
  totals.forget(7);
  assert.deepEqual(values(totals, 'http_requests_in_flight'), { '': 0 });
  assert.deepEqual(values(totals, 'event_loop_delay_ms'), {});
});

test('two workers add up, and what a dead one had counted stays', () => {
  const totals = new Totals();
  const [first, second] = [connect(totals, 1), connect(totals, 2)];
  first.recorder.recordRejected('no_route');
  second.recorder.recordRejected('no_route');
  first.deliver();
  second.deliver();
  totals.forget(1);
  second.recorder.recordRejected('no_route');
  second.deliver();
  assert.deepEqual(values(totals, 'rejected_requests_total'), { no_route: 3 });
});

test('nothing is sent when nothing has changed', () => {
  const { recorder, reports, deliver } = connect();
  deliver();
  const before = reports.length;
  recorder.report();
  assert.equal(reports.length, before);
});

test('while a report is on its way no other is sent, and what was counted meanwhile is not lost', () => {
  const { recorder, reports, deliver, totals } = connect();
  recorder.recordRejected('no_route');
  recorder.report();
  const sent = reports.length;
  recorder.recordRejected('no_route');
  recorder.report();
  assert.equal(reports.length, sent);
  deliver();
  deliver();
  assert.deepEqual(values(totals, 'rejected_requests_total'), { no_route: 2 });
});

test('a flush waits until everything has been taken', async () => {
  const { recorder, deliver, totals } = connect();
  recorder.recordRejected('no_route');
  recorder.report();
  recorder.recordRejected('no_route');
  let outcome = '';
  const flushed = recorder.flush(10_000).then((how) => {
    outcome = how;
  });
  deliver();
  await new Promise(setImmediate);
  assert.equal(outcome, '');
  deliver();
  await flushed;
  assert.equal(outcome, 'taken');
  assert.deepEqual(values(totals, 'rejected_requests_total'), { no_route: 2 });
});

test('what is shed is counted by priority', () => {
  const { recorder, totals, deliver } = connect();
  for (const priority of ['low', 'normal', 'low'] as const) recorder.recordShed(priority);
  deliver();
  assert.deepEqual(values(totals, 'shed_requests_total'), { low: 2, normal: 1, high: 0 });
});

test('the pressure on a worker is told by cause, each second', { timeout: 10_000 }, async () => {
  const { recorder, totals, reports, deliver } = connect();
  recorder.start();
  while (reports.length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
  recorder.stop();
  deliver();
  assert.deepEqual(values(totals, 'overload_pressure'), { '7 concurrency': 0.25, '7 event_loop': 0, '7 memory': 0.1 });
});

test('a flush that nobody answers ends at its deadline', async () => {
  const { recorder } = connect();
  recorder.recordRejected('no_route');
  assert.equal(await recorder.flush(20), 'late');
});

/** A recorder whose reports wait in a list until `deliver` puts them into the totals and acknowledges them. */
function connect(totals = new Totals(), worker = 7) {
  const reports: MetricsReport[] = [];
  let delivered = 0;
  const recorder = new Recorder({
    worker: String(worker),
    send: (report) => reports.push(report),
    overload: { loopDelayMs: () => 1, pressures: { concurrency: 0.25, event_loop: 0, memory: 0.1 } },
    log: { droppedLines: 0 },
    upstreamLimits: { entries: () => [] },
  });
  const deliver = (): void => {
    if (delivered === reports.length) recorder.report();
    const due = reports.slice(delivered);
    delivered = reports.length;
    for (const { series, cells, deltas } of due) {
      totals.define(worker, series);
      totals.take(worker, cells, deltas);
    }
    for (const { report } of due) recorder.taken(report);
  };
  return { recorder, totals, reports, deliver };
}

function values(totals: Totals, metric: MetricName): Record<string, number> {
  const lines = [...totals.seriesOf(metric)].map((series) => [
    Object.values(series.labels).join(' '),
    valueOf(metric, series),
  ]);
  return Object.fromEntries(lines) as Record<string, number>;
}
