/** What the supervisor remembers of reloads for those who look later. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Problem } from '../../../src/config/problem.ts';
import { StatusDesk } from '../../../supervisor/status.ts';

const health = { ready: true, checks: { config: 'UP' } } as const;
const inForce = { file: 'proxy.yml', version: 3 };

test('the last reload stands with what it changed, and the next one takes its place', () => {
  const desk = new StatusDesk();
  assert.equal(desk.describe(health, inForce).lastReload, null);
  const changes = ['route users changed: timeout'];
  desk.reloaded({ result: 'accepted', version: 3, changes, needsRestart: ['proxy.port'], warnings: [] });
  const { at, ...accepted } = desk.describe(health, inForce).lastReload ?? { at: '' };
  assert.deepEqual(accepted, { result: 'accepted', version: 3, changes, needsRestart: ['proxy.port'], problems: [] });
  assert.match(at, /^\d{4}-\d\d-\d\dT/);
  desk.reloaded({ result: 'rejected', version: 3, problems: [problemAt(7)], reason: null });
  assert.deepEqual(desk.describe(health, inForce).lastReload?.problems, ['proxy.yml:7:1 routes: is wrong']);
  desk.reloaded({ result: 'rejected', version: 3, problems: [], reason: 'no worker was left to take it up' });
  assert.deepEqual(desk.describe(health, inForce).lastReload?.problems, ['no worker was left to take it up']);
});

test('a reload that was given up, since the gateway shuts down, is none', () => {
  const desk = new StatusDesk();
  desk.reloaded({ result: 'stopped' });
  assert.equal(desk.describe(health, inForce).lastReload, null);
});

test('of a reload that changes thousands of routes a bounded part is kept, and how much is missing', () => {
  const desk = new StatusDesk();
  const changes = Array.from({ length: 5000 }, (_, i) => `route r${i} added`);
  desk.reloaded({ result: 'accepted', version: 2, changes, needsRestart: [], warnings: [] });
  const kept = desk.describe(health, inForce).lastReload?.changes;
  assert.equal(kept?.length, 501);
  assert.equal(kept?.at(-1), '… and 4500 more, which the log has');
});

function problemAt(line: number): Problem {
  const place = { severity: 'error', file: 'proxy.yml', line, column: 1 } as const;
  return { ...place, path: 'routes', value: null, message: 'is wrong', expected: null };
}
