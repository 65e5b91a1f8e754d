/** What a collector is told of the metrics: nothing that gives them other names on their way to Prometheus. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyResource } from '@opentelemetry/resources';
import { metricNames } from '../../../src/metrics/catalog.ts';
import { toResourceMetrics } from '../../../src/telemetry/metric-data.ts';

test('a unit is told where the name has its word, and no other', () => {
  const names = [
    ...metricNames,
    'process_resident_memory_bytes',
    'process_cpu_seconds_total',
    'nodejs_eventloop_lag_seconds',
  ];
  const readings = names.map((name) => ({
    name,
    help: '',
    type: 'gauge' as const,
    points: [{ labels: {}, value: 1 }],
  }));
  const [scope] = toResourceMetrics(readings, emptyResource(), 0, 1).scopeMetrics;
  const words: Readonly<Record<string, string>> = { s: 'seconds', By: 'bytes' };
  const units = (scope?.metrics ?? []).map(({ descriptor }) => [descriptor.name, descriptor.unit] as const);
  assert.equal(units.length, names.length);
  for (const [name, unit] of units) {
    const word = name.split('_').find((part) => Object.values(words).includes(part)) ?? '';
    assert.equal(words[unit] ?? unit, word, name);
  }
});
