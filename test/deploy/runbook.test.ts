/** Whoever is woken by an alert finds its section in docs/runbook.md. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Manifest, readText, readYaml } from '../support/manifests.ts';

const alerts: string[] = readYaml('deploy/prometheus/alerts.yml').groups.flatMap(({ rules }: Manifest) =>
  rules.flatMap(({ alert }: Manifest) => alert ?? []),
);
const runbook = readText('docs/runbook.md');
const sections = [...runbook.matchAll(/^## (\w+)$/gm)].map(([, name]) => name ?? '');

test('every alert has its section, and every section its alert', () => {
  assert.ok(alerts.length > 0);
  assert.deepEqual(new Set(sections), new Set(alerts));
  assert.equal(sections.length, alerts.length);
});

test('every section says what it means, what to look at and what to do', () => {
  for (const text of runbook.split(/^## /m).slice(1)) {
    const name = text.slice(0, text.indexOf('\n'));
    for (const part of ['**Means**', '**Look**', '**Do**']) assert.ok(text.includes(part), `${name}: ${part}`);
  }
});

test('metrics of the gateway that it names exist', () => {
  const known = readText('docs/observability.md');
  const named = runbook.matchAll(/`((?!container_)[a-z]+(?:_[a-z]+)+)(?:\{[^`]*\})?`/g);
  for (const [, metric = ''] of named) assert.ok(known.includes(metric), metric);
});
