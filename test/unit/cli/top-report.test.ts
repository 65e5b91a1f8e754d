/** What `sluice top` shows of a status, for terminals of any size. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderReport } from '../../../src/cli/top/report.ts';
import type { RouteFlow, Status } from '../../../src/contracts/status.ts';

test('routes stand in the order that was asked for, and the names of equals decide', () => {
  const routes = [
    { ...idle, route: 'slow', rate: 1, p99: 900 },
    { ...idle, route: 'busy', rate: 50, p99: 10 },
    { ...idle, route: 'b' },
    { ...idle, route: 'a', statuses: { ...idle.statuses, '5xx': 3 } },
  ];
  assert.deepEqual(namesIn(routes, 'rate'), ['busy', 'slow', 'a', 'b']);
  assert.deepEqual(namesIn(routes, 'p99'), ['slow', 'busy', 'a', 'b']);
  assert.deepEqual(namesIn(routes, 'errors'), ['a', 'b', 'busy', 'slow']);
  assert.deepEqual(namesIn(routes, 'name'), ['a', 'b', 'busy', 'slow']);
});

test('a terminal gets no more lines and columns than it has, and is told what it does not show', () => {
  const routes = Array.from({ length: 100 }, (_, i) => ({ ...idle, route: `a-route-with-a-long-name-${i}` }));
  for (const rows of [10, 24, 50]) {
    for (const columns of [20, 80, 200]) {
      const lines = renderReport(status({ routes }), { sort: 'rate', colours: false, size: { columns, rows } });
      assert.ok(lines.length <= rows, `${lines.length} lines of ${rows}`);
      assert.ok(lines.every((line) => line.length <= columns));
      if (columns === 200) assert.match(lines.join('\n'), /ROUTE \(\d+ of 100\)/);
      if (columns === 200) assert.match(lines.join('\n'), /WORKER/);
    }
  }
  assert.match(renderReport(status({ routes }), { sort: 'rate', colours: false, size: null }).join('\n'), /-name-99 /);
});

test('nothing in a name reaches the terminal that it would obey', () => {
  const evil = 'a\x1b]0;title\x07b\x9bc\u202ed\r\n';
  for (const colours of [true, false]) {
    const text = renderReport(status({ routes: [{ ...idle, route: evil }] }), { sort: 'rate', colours, size: null });
    assert.match(text.join('\n'), /a\?\]0;title\?b\?c\?d\?\?/);
    for (const command of ['\x1b]', '\x07', '\x9b', '\u202e', '\r', '\n']) assert.ok(!text.join('').includes(command));
  }
});

test('colours come only when they are asked for', () => {
  const sick = status({ routes: [{ ...idle, statuses: { ...idle.statuses, '5xx': 2 } }] });
  assert.ok(renderReport(sick, { sort: 'rate', colours: true, size: null }).join('').includes('\x1b[31m'));
  assert.ok(!renderReport(sick, { sort: 'rate', colours: false, size: null }).join('').includes('\x1b'));
});

test('what is wrong stands at the top: checks, refusals by code, a rejected reload', () => {
  const at = '2026-01-01T00:00:00.000Z';
  const problems = ['proxy.yml:3:1 wrong', 'and more'];
  const lastReload = { at, result: 'rejected', version: 1, changes: [], needsRestart: [], problems } as const;
  const { gateway, ...rest } = status({ refusals: [{ code: 'no_route', rate: 2, requests: 9 }] });
  const unwell = { ...gateway, ready: false, checks: { config: 'UP', upstreams: 'DOWN' }, lastReload };
  const lines = renderReport({ gateway: unwell, ...rest }, { sort: 'rate', colours: false, size: null });
  assert.match(lines[0] ?? '', /not ready upstreams down/);
  assert.match(lines[2] ?? '', /no_route 2\/s/);
  assert.equal(lines[3], 'last reload rejected: proxy.yml:3:1 wrong');
});

const idle: RouteFlow = {
  route: 'r',
  requests: 0,
  rate: 0,
  statuses: { '2xx': 0, '3xx': 0, '4xx': 0, '5xx': 0, none: 0 },
  bytes: 0,
  limits: null,
  p50: null,
  p95: null,
  p99: null,
};

function status(traffic: Partial<Status['traffic']>): Status {
  const at = '2026-01-01T00:00:10.000Z';
  const latency = { p50: null, p95: null, p99: null };
  const config = { file: 'config/proxy.yml', version: 1, takenUpAt: at };
  const gateway = {
    at,
    startedAt: at,
    sluice: '1',
    node: 'v24',
    pid: 1,
    ready: true,
    checks: {},
    config,
    lastReload: null,
  };
  const lines = { rate: [], errors: [], refused: [], p50: [], p95: [], p99: [] };
  const load = { inFlight: 0, loopDelayMs: 1, pressure: 0.1, memoryBytes: 2 ** 26 };
  return {
    gateway,
    workers: [{ worker: 1, pid: 2, state: 'serving', uptimeSeconds: 5, ...load }],
    traffic: {
      seconds: 5,
      inFlight: 0,
      total: { requests: 0, rate: 0, errors: 0, refused: 0, bytes: 0, ...latency },
      routes: [],
      upstreams: [],
      refusals: [],
      redis: null,
      history: { secondsPerPoint: 2, ...lines },
      ...traffic,
    },
  };
}

function namesIn(routes: readonly RouteFlow[], sort: 'rate' | 'p99' | 'errors' | 'name'): string[] {
  const lines = renderReport(status({ routes }), { sort, colours: false, size: null });
  const first = lines.findIndex((line) => line.startsWith('ROUTE')) + 1;
  return lines.slice(first, first + routes.length).map((line) => line.split(' ')[0] ?? '');
}
