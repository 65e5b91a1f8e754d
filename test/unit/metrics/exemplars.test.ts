/** Examples in histograms: one trace id a bucket and report, bounded in all, kept over reports that bring no newer one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExemplarReport } from '../../../src/contracts/ipc.ts';
import { Exemplars, type ExemplaryTrace } from '../../../src/metrics/exemplars.ts';
import { Recorder } from '../../../src/metrics/recorder.ts';
import { Totals } from '../../../src/metrics/totals.ts';

test('the first request of a bucket stands for those that follow, until the next report', () => {
  const exemplars = new Exemplars();
  exemplars.offer(5, trace('first'), 3);
  exemplars.offer(5, trace('second'), 4);
  exemplars.offer(6, trace('third'), 7);
  assert.deepEqual(show(exemplars.collect()), ['5 first 3', '6 third 7']);
  assert.deepEqual(exemplars.collect(), []);
  exemplars.offer(5, trace('fourth'), 5);
  assert.deepEqual(show(exemplars.collect()), ['5 fourth 5']);
});

test('a trace that is recorded goes before one that is not, and the first of them stays', () => {
  const exemplars = new Exemplars();
  exemplars.offer(5, trace('not recorded'), 3);
  exemplars.offer(5, { traceId: 'recorded', isSampled: true }, 4);
  exemplars.offer(5, { traceId: 'recorded too', isSampled: true }, 5);
  exemplars.offer(5, trace('not recorded either'), 6);
  assert.deepEqual(show(exemplars.collect()), ['5 recorded 4']);
});

test('a report has room for so many, however many buckets were hit', () => {
  const exemplars = new Exemplars();
  for (let cell = 1; cell <= 10_000; cell++) exemplars.offer(cell, trace('a'), 1);
  assert.equal(exemplars.collect().length, 200);
});

test('the bucket of a request has its trace id, in the totals too, and the last one stays', () => {
  const totals = new Totals();
  const recorder = new Recorder({
    worker: '1',
    send: ({ report, series, cells, deltas, exemplars }) => {
      totals.define(1, series);
      totals.take(1, cells, deltas);
      totals.exemplify(1, exemplars);
      recorder.taken(report);
    },
    overload: { loopDelayMs: () => 0, pressures: { concurrency: 0, event_loop: 0, memory: 0 } },
    log: { droppedLines: 0 },
    upstreamLimits: { entries: () => [] },
  });
  const row = recorder.routeRow('/a');
  recorder.recordRequest(row, 0, 200, 3, 0, trace('quick'));
  recorder.recordRequest(row, 0, 200, 30_000, 0, trace('slow'));
  recorder.recordRequest(row, 0, 200, 30, 0);
  recorder.report();
  recorder.recordRequest(row, 0, 200, 4, 0, trace('quick too'));
  recorder.report();
  const [series] = totals.seriesOf('http_request_duration_ms');
  const seen = (series?.exemplars ?? []).map((exemplar) => exemplar?.traceId);
  assert.deepEqual(
    [...seen.entries()].filter(([, traceId]) => traceId !== undefined),
    [
      [2, 'quick too'],
      [13, 'slow'],
    ],
  );
});

function trace(traceId: string): ExemplaryTrace {
  return { traceId, isSampled: false };
}

function show(exemplars: readonly ExemplarReport[]): string[] {
  return exemplars.map(({ cell, traceId, value }) => `${cell} ${traceId} ${value}`);
}
