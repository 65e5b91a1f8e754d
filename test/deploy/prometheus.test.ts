/** A real Prometheus beside a gateway under load of every kind: what dashboard and alerts ask for is there. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { metricNames, specOf } from '../../src/metrics/catalog.ts';
import { createAuthority } from '../support/certificates.ts';
import { eventually } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { freePorts } from '../support/ports.ts';
import { startPrometheus } from '../support/prometheus.ts';
import { startRedis } from '../support/redis.ts';

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[];
}

interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
}

const root = join(import.meta.dirname, '../..');
const ruleFile = join(root, 'deploy/prometheus/alerts.yml');
const dashboard = JSON.parse(readFileSync(join(root, 'grafana/dashboard.json'), 'utf8')) as Dashboard;
const rules = (parse(readFileSync(ruleFile, 'utf8')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);
const expressions = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr }) => ({ title, expr: fillIn(expr) })),
);

const certificate = await (await createAuthority()).issue({ names: ['gateway.test'] });
const redis = await startRedis();
const [closedPort = 0] = await freePorts(1);
const gateway = await startGateway({
  config: {
    proxy: { tls: { certificates: [certificate] } },
    security: { auth: { type: 'apiKey', keys: [{ key: 'a'.repeat(64), name: 'somebody' }] } },
    rateLimit: { backend: 'redis', redis: { url: redis.url } },
    upstreams: [
      { name: 'echo', builtin: 'echo' },
      { name: 'down', url: `http://127.0.0.1:${closedPort}`, retries: 1, circuitBreaker: { minimumRequests: 5 } },
    ],
    routes: [
      { name: 'echo', path: '/echo/*', upstream: 'echo', rateLimit: { max: 5, windowMs: 60_000, key: 'all' } },
      { name: 'down', path: '/down', upstream: 'down' },
      { name: 'locked', path: '/locked', upstream: 'echo', auth: 'required' },
      { name: 'tried', path: '/tried', upstream: 'echo', auth: { require: 'required', mode: 'shadow' } },
    ],
  },
});
const prometheus = await startPrometheus(`127.0.0.1:${gateway.adminPort}`, ruleFile);

test('every query of the dashboard has data', { timeout: 120_000 }, async () => {
  let missing = expressions;
  await eventually(
    async () => {
      // Rates want what happened between two scrapes, so the load goes on meanwhile.
      await Promise.all(['/echo/a', '/echo/b', '/down', '/locked', '/tried', '/nowhere'].map(get));
      const without: typeof expressions = [];
      for (const one of missing) if ((await prometheus.query(one.expr)).length === 0) without.push(one);
      missing = without;
      return missing.length === 0 ? true : null;
    },
    'data for all queries',
    60_000,
  ).catch(() => {});
  assert.deepEqual(missing, []);
});

test('the numbers are those of the gateway, and lead to traces', async () => {
  const [open] = await prometheus.query('max(circuit_breaker_state{job="sluice",upstream="down"})');
  assert.ok(Number(open?.value[1]) > 0, JSON.stringify(open));
  // A Prometheus that keeps exemplars has asked for OpenMetrics, and counters have kept their names.
  const path = `query_exemplars?query=http_request_duration_ms_bucket&start=0&end=${Date.now() / 1000 + 60}`;
  const found = (await prometheus.ask(path)) as { exemplars: { labels: { trace_id: string } }[] }[];
  const [exemplar] = found.flatMap(({ exemplars }) => exemplars);
  assert.match(exemplar?.labels.trace_id ?? '', /^[0-9a-f]{32}$/);
});

test('every rule is evaluated without an error', async () => {
  const states = await eventually(async () => {
    const { groups } = (await prometheus.ask('rules')) as {
      groups: { rules: { name: string; health: string; lastError?: string }[] }[];
    };
    const all = groups.flatMap((group) => group.rules);
    return all.length > 0 && all.every(({ health }) => health !== 'unknown') ? all : null;
  }, 'all rules to be evaluated');
  assert.equal(states.length, rules.length);
  assert.deepEqual(
    states.filter(({ health }) => health !== 'ok').map(({ name, lastError }) => [name, lastError]),
    [],
  );
});

test('every metric and label that a rule asks for is there', async () => {
  const recorded = new Map<string, readonly string[]>(rules.map(({ record = '' }) => [record, []]));
  const known = new Map<string, readonly string[]>([
    ...metricNames.flatMap((name) => linesOf(name).map((line) => [line, specOf(name).labels] as const)),
    ...recorded,
    ['up', []],
    ['process_start_time_seconds', []],
  ]);
  for (const { alert, record, expr } of rules) {
    const asked = [...expr.matchAll(/\b([a-z_:][a-z0-9_:]*)\{([^}]*)}/gi)];
    const name = alert ?? record;
    for (const [, metric = '', matchers = ''] of asked) {
      const labels = known.get(metric);
      assert.ok(labels !== undefined, `${name}: no metric ${metric}`);
      for (const [, label = ''] of matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)) {
        assert.ok(label === 'job' || labels.includes(label), `${name}: ${metric} has no label ${label}`);
      }
      assert.match(matchers, /^job="sluice"/, `${name}: ${metric} of which job?`);
    }
    for (const [, metric = ''] of expr.matchAll(/\b(sluice:[a-z0-9_:]+)/g)) assert.ok(recorded.has(metric), metric);
    assert.ok(asked.length > 0 || /sluice:|vector/.test(expr), `${name}: ${expr}`);
  }
});

test('promtool finds nothing wrong with the rules, and each alert fires and keeps silent where it should', async () => {
  const promtool = (...args: string[]): Promise<unknown> => promisify(execFile)('promtool', args, { timeout: 120_000 });
  await promtool('check', 'rules', ruleFile);
  await promtool('test', 'rules', join(root, 'deploy/prometheus/alerts.test.yml'));
});

test('each alert has a test, a severity, a summary, and its place in the runbook', () => {
  const tested = readFileSync(join(root, 'deploy/prometheus/alerts.test.yml'), 'utf8');
  const alerts = (parse(readFileSync(ruleFile, 'utf8')) as { groups: { rules: Alert[] }[] }).groups
    .flatMap((group) => group.rules)
    .filter(({ alert }) => alert !== undefined);
  for (const { alert, labels, annotations } of alerts) {
    assert.match(tested, new RegExp(`ALERTS\\{alertname="${alert}",alertstate="firing",.*value: 1`), alert);
    assert.match(labels.severity, /^(critical|warning)$/);
    assert.match(annotations.summary, /^[A-Z]/);
    assert.ok(annotations.description.length > 0);
    assert.ok(annotations.runbook_url.endsWith(`/docs/runbook.md#${alert.toLowerCase()}`), annotations.runbook_url);
  }
  assert.equal(new Set(alerts.map(({ alert }) => alert)).size, alerts.length);
});

interface Alert {
  readonly alert: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string; readonly runbook_url: string };
}

/** As Grafana does, with everything chosen. */
function fillIn(expr: string): string {
  return expr
    .replaceAll('$__rate_interval', '30s')
    .replaceAll('$job', 'sluice')
    .replaceAll('$instance', '.*')
    .replaceAll('$route', '.*')
    .replaceAll('$objective', '99.9');
}

function linesOf(name: (typeof metricNames)[number]): string[] {
  return specOf(name).type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name];
}

/** Whatever is answered. */
async function get(path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const options = { port: gateway.port, host: '127.0.0.1', path, rejectUnauthorized: false, agent: false };
    request(options, (response) => response.resume().on('end', resolve))
      .on('error', reject)
      .end();
  });
}
