/** The breaker of a worker: what it asks the supervisor for, what it counts, and what it does when nobody answers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UpstreamBreaker } from '../../../src/breaker/breaker.ts';
import { CircuitView } from '../../../src/breaker/circuit-view.ts';
import type { Exchange } from '../../../src/contracts/exchange.ts';
import type { PermitAnswer, PermitOutcome, PermitSource } from '../../../src/contracts/permits.ts';
import type { TryOutcome } from '../../../src/contracts/upstream.ts';

const failOn = ['connect', 'reset', 'timeout', 'protocol', '5xx'];
const open = { key: 'a', state: 'open', openForMs: 60_000 } as const;
const halfOpen = { key: 'a', state: 'half-open', openForMs: 0 } as const;

test('a closed circuit lets everything pass, without a question to anybody', () => {
  const { breaker, asked } = setUp();
  for (let i = 0; i < 5; i++) assert.equal(breaker.allow(exchange(), 0), 'counted');
  assert.equal(asked.length, 0);
});

test('an open one lets nothing pass, and says when to come back', () => {
  const { breaker, circuit } = setUp();
  circuit.adopt(open);
  const now = performance.now();
  assert.equal(breaker.allow(exchange(), now), null);
  const { status, code, headers } = breaker.refuse(now);
  assert.deepEqual([status, code, headers], [503, 'circuit_open', ['Retry-After', '60']]);
  assert.equal(breaker.isOpen(now), true);
});

test('a half-open one asks for the probe, and passes on how it ended', async () => {
  const { breaker, circuit, returned, reported } = setUp('granted');
  circuit.adopt(halfOpen);
  assert.equal(await breaker.allow(exchange(), performance.now()), 'probe');
  breaker.record('probe', 'server_error', 500);
  assert.deepEqual([returned, reported], [['failure'], []]);
});

test('only one request asks at a time, and after a refusal nobody for a while', async () => {
  const { breaker, circuit, asked } = setUp('refused');
  circuit.adopt(halfOpen);
  const now = performance.now();
  const first = breaker.allow(exchange(), now);
  assert.equal(breaker.allow(exchange(), now), null);
  assert.equal(await first, null);
  assert.equal(breaker.allow(exchange(), performance.now()), null);
  assert.equal(asked.length, 1);
});

test('a supervisor that does not answer holds nobody up: one at a time passes', async () => {
  const { breaker, circuit } = setUp('late');
  circuit.adopt(halfOpen);
  assert.equal(await breaker.allow(exchange(), performance.now()), 'counted');
  assert.equal(await breaker.allow(exchange(), performance.now()), 'counted');
});

test('in shadow mode all pass, and the exchange knows what would have been', () => {
  const { breaker, circuit } = setUp('refused', 'shadow');
  circuit.adopt(open);
  const x = exchange();
  assert.equal(breaker.allow(x, performance.now()), 'counted');
  assert.equal(breaker.allow(x, performance.now()), 'counted');
  assert.deepEqual(x.shadow, ['circuit_open']);
  assert.equal(breaker.isOpen(performance.now()), false);
});

const outcomes: readonly (readonly [outcome: TryOutcome, status: number, is: PermitOutcome])[] = [
  ['success', 200, 'success'],
  ['success', 404, 'success'],
  ['server_error', 500, 'failure'],
  ['server_error', 599, 'failure'],
  ['unreachable', 0, 'failure'],
  ['reset', 0, 'failure'],
  ['timeout', 0, 'failure'],
  ['protocol_error', 0, 'failure'],
  ['blocked', 0, 'canceled'],
  ['canceled', 0, 'canceled'],
];

for (const [outcome, status, is] of outcomes) {
  test(`${outcome} ${status || ''} is a ${is}`, () => {
    const { breaker, reported, returned } = setUp();
    breaker.record('counted', outcome, status);
    assert.deepEqual(reported, is === 'canceled' ? [] : [is === 'failure']);
    breaker.record('probe', outcome, status);
    assert.deepEqual(returned, [is]);
  });
}

function setUp(answer: PermitAnswer = 'refused', mode: 'enforce' | 'shadow' = 'enforce') {
  const asked: string[] = [];
  const returned: PermitOutcome[] = [];
  const reported: boolean[] = [];
  const permits: PermitSource = {
    ask: (_kind, key) => {
      asked.push(key);
      return Promise.resolve(answer);
    },
    giveBack: (_kind, _key, outcome) => void returned.push(outcome),
  };
  const circuit = new CircuitView('a', permits);
  const breaker = new UpstreamBreaker({ mode, failOn }, circuit, (isFailure) => void reported.push(isFailure));
  return { breaker, circuit, asked, returned, reported };
}

function exchange(): Exchange {
  return { shadow: [] } as unknown as Exchange;
}
