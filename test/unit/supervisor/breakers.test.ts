/** The supervisor's breakers: who is told what, and what a worker's death or a reload does to them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BreakerChange } from '../../../src/contracts/breaker.ts';
import type { UpstreamConfig } from '../../../src/contracts/config.ts';
import { upstreamKey } from '../../../src/core/upstream-key.ts';
import { Breakers, type Judge } from '../../../supervisor/breakers.ts';

const settings = {
  enabled: true,
  failureThreshold: 50,
  minimumRequests: 2,
  windowMs: 1_000,
  openDurationMs: 3_000,
  failOn: [],
  mode: 'enforce',
} as const;
const a = upstream('a', 'http://a');
const key = upstreamKey(a);

test('a change is told once, logged once and counted once', () => {
  const { breakers, told, lines, counted } = setUp();
  breakers.record(key, 0, 2);
  breakers.record(key, 0, 2);
  assert.deepEqual(told, [{ key, state: 'open', openForMs: 3_000 }]);
  assert.deepEqual(lines, ['open']);
  assert.deepEqual(counted, [['a', 'open']]);
});

test('a worker that begins to serve hears of every circuit that is not closed', () => {
  const { breakers } = setUp();
  assert.deepEqual(breakers.news(), []);
  breakers.record(key, 0, 2);
  assert.deepEqual(breakers.news(), [{ type: 'breaker:changed', change: { key, state: 'open', openForMs: 3_000 } }]);
});

test('the probe of a worker that died is given back', () => {
  const { breakers, clock } = setUp();
  breakers.record(key, 0, 2);
  clock.now = 3_000;
  assert.equal(breakers.askProbe(1, key), true);
  assert.equal(breakers.askProbe(2, key), false);
  breakers.forget(1);
  assert.equal(breakers.askProbe(2, key), true);
  breakers.probeEnded(1, key, 'success');
  assert.equal(breakers.describe(key).state, 'half-open');
  breakers.probeEnded(2, key, 'success');
  assert.equal(breakers.describe(key).state, 'closed');
});

test('a reload keeps the circuits of upstreams that are the same, with their new settings', () => {
  const { breakers, removed } = setUp();
  breakers.record(key, 0, 2);
  breakers.follow([{ ...a, timeoutMs: 1 }]);
  assert.equal(breakers.describe(key).state, 'open');
  breakers.follow([upstream('a', 'http://elsewhere')]);
  assert.equal(breakers.describe(key).state, 'closed');
  breakers.follow([]);
  assert.deepEqual(removed, [['a'], ['a']]);
});

test('what another node says is taken up and told to the workers', () => {
  const { breakers, told } = setUp();
  breakers.adopt({ key, state: 'open', openForMs: 700 });
  assert.deepEqual(told, [{ key, state: 'open', openForMs: 700 }]);
});

test('what an operator opens stays so, whatever tries and other nodes say, and clients are told to come back sooner', () => {
  const { breakers, told, judges, clock } = setUp();
  assert.equal(breakers.order('a', 'open', 1_000_000), true);
  assert.deepEqual(told, [{ key, state: 'open', openForMs: 3_000 }]);
  assert.deepEqual(judges, ['operator']);
  clock.now = 500_000;
  breakers.adopt({ key, state: 'open', openForMs: 700 });
  breakers.record(key, 5, 0);
  assert.equal(breakers.askProbe(1, key), false);
  assert.equal(breakers.describe(key).state, 'open');
  assert.deepEqual(breakers.standingOf('a')?.isHeld, true);
  clock.now = 1_000_000;
  assert.equal(breakers.askProbe(1, key), true);
  breakers.probeEnded(1, key, 'success');
  assert.equal(breakers.describe(key).state, 'closed');
  assert.equal(breakers.standingOf('a')?.isHeld, false);
});

test('what an operator closes judges by itself again, from an empty window', () => {
  const { breakers } = setUp();
  breakers.record(key, 0, 2);
  assert.equal(breakers.order('a', 'closed', 0), true);
  assert.equal(breakers.describe(key).state, 'closed');
  breakers.record(key, 0, 1);
  assert.equal(breakers.describe(key).state, 'closed');
  breakers.record(key, 0, 1);
  assert.equal(breakers.describe(key).state, 'open');
  assert.equal(breakers.order('nobody', 'open', 1_000), false);
});

function setUp() {
  const told: BreakerChange[] = [];
  const judges: Judge[] = [];
  const lines: unknown[] = [];
  const counted: (readonly string[])[] = [];
  const removed: (readonly string[])[] = [];
  const clock = { now: 0 };
  const log = (fields: Readonly<Record<string, unknown>>): void => void lines.push(fields['circuit']);
  const breakers = new Breakers({
    log: { debug: log, info: log, warn: log, error: log, fatal: log },
    registry: {
      add: (_metric, labels) => void counted.push(labels),
      set: () => {},
      remove: (_metric, labels) => void removed.push(labels),
    },
    now: () => clock.now,
    onChange: (change, judge) => {
      told.push(change);
      judges.push(judge);
    },
  });
  breakers.follow([a]);
  return { breakers, told, judges, lines, counted, removed, clock };
}

function upstream(name: string, url: string): UpstreamConfig {
  return { name, builtin: null, targets: [{ url, weight: 1 }], circuitBreaker: settings } as unknown as UpstreamConfig;
}
