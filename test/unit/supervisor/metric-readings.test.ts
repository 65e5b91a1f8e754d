/** Metrics as neutral readings: the registry's own, and those that prom-client counts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Histogram, Registry } from 'prom-client';
import { Totals } from '../../../src/metrics/totals.ts';
import { readProcess, readTotals } from '../../../supervisor/metric-readings.ts';

test('a histogram of the registry keeps its buckets apart from each other', () => {
  const totals = new Totals();
  totals.define(1, [{ cell: 1, metric: 'upstream_request_duration_ms', labels: ['api'] }]);
  totals.take(1, Uint32Array.from([1, 3, 14, 15]), Float64Array.from([2, 5, 1, 20_030]));
  const reading = readTotals(totals).find(({ name }) => name === 'upstream_request_duration_ms');
  assert.deepEqual(reading?.points, [
    {
      labels: { upstream: 'api' },
      bounds: [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000],
      counts: [2, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
      sum: 20_030,
    },
  ]);
});

test('a histogram of prom-client is taken apart into what lies in each bucket', async () => {
  const registry = new Registry();
  const histogram = new Histogram({ name: 'h', help: 'h', labelNames: ['a'], buckets: [1, 10], registers: [registry] });
  for (const value of [0.5, 5, 6, 50]) histogram.observe({ a: 'x' }, value);
  histogram.observe({ a: 'y' }, 2);
  assert.deepEqual(readProcess(await registry.getMetricsAsJSON()), [
    {
      name: 'h',
      help: 'h',
      type: 'histogram',
      points: [
        { labels: { a: 'x' }, bounds: [1, 10], counts: [1, 2, 1], sum: 61.5 },
        { labels: { a: 'y' }, bounds: [1, 10], counts: [0, 1, 0], sum: 2 },
      ],
    },
  ]);
});
