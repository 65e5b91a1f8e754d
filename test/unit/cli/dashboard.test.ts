/** The dashboard is what Grafana imports: one that can be read, with nothing on top of another. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { panels } from '../../../src/cli/dashboard.ts';
import { writeDashboard } from '../../../src/cli/dashboard-panels.ts';
import { metricNames } from '../../../src/metrics/catalog.ts';

interface Written {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: unknown;
  readonly fieldConfig?: { readonly defaults: { readonly unit: string } };
  readonly targets?: readonly { readonly refId: string; readonly expr: string; readonly datasource: unknown }[];
}

interface Dashboard {
  readonly panels: readonly Written[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string }[] };
  readonly schemaVersion: number;
}

const text = readFileSync(join(import.meta.dirname, '../../../grafana/dashboard.json'), 'utf8');
const dashboard = JSON.parse(text) as Dashboard;
const datasource = { type: 'prometheus', uid: '${datasource}' };

test('grafana/dashboard.json is up to date; `npm run dashboard` writes it anew', () => {
  assert.equal(text, writeDashboard(panels));
});

test('panels have ids and titles of their own, lie within the grid, and none covers another', () => {
  const taken = new Set<string>();
  for (const { id, type, title, gridPos } of dashboard.panels) {
    assert.ok(id > 0 && title !== '');
    assert.match(type, /^(row|stat|timeseries)$/);
    assert.ok(gridPos.x >= 0 && gridPos.x + gridPos.w <= 24, title);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        assert.ok(!taken.has(`${x},${y}`), `${title} at ${x},${y}`);
        taken.add(`${x},${y}`);
      }
    }
  }
  assert.equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length);
});

test('every panel asks the chosen Prometheus, for the chosen job, and has a unit', () => {
  for (const { type, title, fieldConfig, targets = [], ...panel } of dashboard.panels) {
    if (type === 'row') continue;
    assert.ok(targets.length > 0, title);
    assert.deepEqual(panel.datasource, datasource);
    assert.ok(fieldConfig?.defaults.unit, title);
    assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length, title);
    for (const target of targets) {
      assert.deepEqual(target.datasource, datasource);
      assert.match(target.expr, /job="\$job"/, title);
    }
  }
});

test('every variable that a query uses is there', () => {
  const names = new Set(dashboard.templating.list.map(({ name }) => name));
  for (const [, name = ''] of text.matchAll(/\$\{?(\w+)/g)) {
    assert.ok(names.has(name) || name.startsWith('__'), name);
  }
  assert.equal(dashboard.templating.list[0]?.type, 'datasource');
});

test('every metric of the gateway that an operator asks for first is on it', () => {
  const onIt = metricNames.filter((name) => text.includes(name));
  for (const name of [
    'http_requests_total',
    'http_request_duration_ms',
    'circuit_breaker_state',
    'rate_limit_decisions_total',
    'redis_up',
    'workers',
    'event_loop_delay_ms',
    'shed_requests_total',
  ] as const) {
    assert.ok(onIt.includes(name), name);
  }
});
