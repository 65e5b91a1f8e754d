/** The live numbers: what a viewer sees of counters that only grow. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { methodIndex } from '../../../src/metrics/methods.ts';
import { Recorder } from '../../../src/metrics/recorder.ts';
import { Totals } from '../../../src/metrics/totals.ts';
import { TrafficView } from '../../../src/metrics/traffic.ts';

test('rates and percentiles are those of the last five seconds, whatever was before', () => {
  const { view, recorder, second } = start();
  const users = recorder.routeRow('users');
  for (let i = 0; i < 100; i++) recorder.recordRequest(users, methodIndex('GET'), 200, 3, 10);
  second();
  assert.deepEqual([routeOf(view, 'users').rate, view.render().seconds], [100, 1]);
  for (let i = 0; i < 6; i++) second();
  assert.deepEqual([routeOf(view, 'users').rate, routeOf(view, 'users').p99], [0, null]);
  for (let i = 0; i < 50; i++) recorder.recordRequest(users, methodIndex('POST'), 503, 300, 0);
  second();
  const { rate, requests, statuses, p50 } = routeOf(view, 'users');
  assert.deepEqual([rate, requests, statuses['5xx'], statuses['2xx'], p50], [10, 150, 10, 0, 375]);
  const { total } = view.render();
  assert.deepEqual([total.rate, total.errors, total.requests, total.p50], [10, 10, 150, 375]);
});

test('routes and upstreams of the config are there before anything has come, and others once something has', () => {
  const { view, recorder, second } = start();
  view.follow({ routes: ['a', 'b'], upstreams: ['api'] });
  assert.deepEqual(
    view.render().routes.map(({ route, rate, p50 }) => [route, rate, p50]),
    [
      ['a', 0, null],
      ['b', 0, null],
    ],
  );
  assert.deepEqual(
    view.render().upstreams.map(({ upstream, breaker, targets }) => [upstream, breaker, targets]),
    [['api', null, []]],
  );
  recorder.recordRequest(recorder.routeRow('none'), methodIndex('GET'), 404, 1, 0);
  second();
  assert.deepEqual(
    view.render().routes.map(({ route }) => route),
    ['a', 'b', 'none'],
  );
});

test('methods of a route are one, statuses are counted by their first digit, and 499 is nobody’s', () => {
  const { view, recorder, second } = start();
  const row = recorder.routeRow('r');
  for (const method of ['GET', 'POST', 'PUT'])
    for (const status of [200, 204, 301, 404, 500, 499, 0])
      recorder.recordRequest(row, methodIndex(method), status, 1, 7);
  second();
  const { statuses, bytes } = routeOf(view, 'r');
  assert.deepEqual(statuses, { '2xx': 6, '3xx': 3, '4xx': 3, '5xx': 3, none: 6 });
  assert.equal(bytes, 147);
});

test('an upstream has its targets, its breaker and its failures; who left says nothing of it', () => {
  const { view, recorder, totals, second } = start();
  view.follow({ routes: [], upstreams: ['api', 'echo'] });
  totals.set('upstream_target_healthy', ['api', 'a:1'], 1);
  totals.set('upstream_target_healthy', ['api', 'b:1'], 0);
  totals.set('circuit_breaker_state', ['api'], 2);
  const row = recorder.upstreamRow('api');
  for (const outcome of ['success', 'timeout', 'server_error', 'canceled'] as const)
    recorder.recordUpstream(row, outcome, 5);
  recorder.recordRetry(row);
  second();
  const [api, echo] = view.render().upstreams;
  assert.deepEqual(api?.targets, [
    { target: 'a:1', healthy: true },
    { target: 'b:1', healthy: false },
  ]);
  assert.deepEqual([api?.breaker, api?.rate, api?.failed, api?.retries], ['open', 4, 2, 1]);
  assert.deepEqual([echo?.breaker, echo?.rate, echo?.targets], [null, 0, []]);
});

test('refusals by code, and what limits decided', () => {
  const { view, recorder, second } = start();
  const row = recorder.routeRow('r');
  recorder.recordRequest(row, methodIndex('GET'), 429, 1, 0);
  second();
  assert.equal(routeOf(view, 'r').limits, null);
  recorder.recordLimits(row, 'admitted');
  recorder.recordLimits(row, 'refused');
  recorder.recordRejected('rate_limited');
  second();
  assert.deepEqual(routeOf(view, 'r').limits, { admitted: 0.5, refused: 0.5, shadow: 0, open: 0, closed: 0 });
  assert.deepEqual(view.render().refusals, [{ code: 'rate_limited', rate: 0.5, requests: 1 }]);
  assert.equal(view.render().total.refused, 0.5);
});

test('the history has a point for every other second, and a bound', () => {
  const { view, recorder, second } = start();
  const row = recorder.routeRow('r');
  for (let i = 0; i < 10; i++) {
    recorder.recordRequest(row, methodIndex('GET'), 200, 1, 0);
    second();
  }
  assert.deepEqual(view.render().history.rate, [1, 1, 1, 1, 1]);
  for (let i = 0; i < 400; i++) second();
  const { rate, p99, secondsPerPoint } = view.render().history;
  assert.deepEqual([rate.length, p99.length, p99.at(-1), secondsPerPoint], [150, 150, null, 2]);
});

test('before the first second is over there are zeros, and between two samples it is worked out once', () => {
  const { view, second } = start();
  assert.equal(view.render().total.rate, 0);
  second();
  assert.equal(view.render(), view.render());
});

function start() {
  const totals = new Totals();
  const recorder = new Recorder({
    worker: '1',
    send: (report) => {
      totals.define(1, report.series);
      totals.take(1, report.cells, report.deltas);
      recorder.taken(report.report);
    },
    overload: { loopDelayMs: () => 0, pressures: { concurrency: 0, event_loop: 0, memory: 0 } },
    log: { droppedLines: 0 },
    upstreamLimits: { entries: () => [] },
  });
  let now = 5000;
  const view = new TrafficView(totals, now);
  const second = (): void => {
    recorder.report();
    now += 1000;
    view.sample(now);
  };
  return { totals, recorder, view, second };
}

function routeOf(view: TrafficView, name: string) {
  const found = view.render().routes.find(({ route }) => route === name);
  assert.ok(found, `no route ${name}`);
  return found;
}
