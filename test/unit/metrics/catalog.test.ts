/** The catalog keeps the rules that counting and rendering rely on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { catalog, metricNames, specOf } from '../../../src/metrics/catalog.ts';

test('names and labels are what Prometheus accepts, and counters say so by their name', () => {
  for (const name of metricNames) {
    const { type, labels, help } = specOf(name);
    assert.match(name, /^[a-z][a-z0-9_]*$/);
    assert.equal(name.endsWith('_total'), type === 'counter', name);
    // What would have to be escaped is escaped nowhere.
    assert.match(help, /^[^"\\\n]*\.$/, name);
    for (const label of labels) assert.match(label, /^[a-z]+$/);
  }
});

test('histograms have the buckets of the contract', () => {
  const expected = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000];
  assert.deepEqual([...catalog.http_request_duration_ms.buckets], expected);
  assert.deepEqual([...catalog.upstream_request_duration_ms.buckets], expected);
});
