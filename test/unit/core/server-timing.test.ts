/** Server-Timing: what the field says of an exchange, on a clock of the test's own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Exchange } from '../../../src/contracts/exchange.ts';
import { refusal } from '../../../src/core/refusals.ts';
import { ServerTiming } from '../../../src/core/server-timing.ts';

const plain = {
  route: { label: 'users' },
  consumer: '',
  limited: null,
  upstream: null,
  attempts: 0,
  fallbackFor: '',
  refusal: null,
  shadow: [],
};

function say(timing: ServerTiming, facts: object): string {
  const [name, value, ...rest] = timing.fields({ ...plain, ...facts } as unknown as Exchange);
  assert.equal(name, 'Server-Timing');
  assert.deepEqual(rest, ['Vary', 'X-Sluice-Trace']);
  return value as string;
}

test('each stage has the time since the one before it, and the total what has passed since the start', () => {
  let now = 1_000;
  const timing = new ServerTiming(now, () => now);
  now += 0.25;
  timing.ended('match');
  now += 1.5;
  timing.ended('auth');
  now += 2;
  assert.equal(
    say(timing, { consumer: 'Client A' }),
    'match;dur=0.25;desc="users", auth;dur=1.5;desc="Client A", total;dur=3.75',
  );
});

test('what comes again with another try adds up, in the place where it came first', () => {
  let now = 0;
  const timing = new ServerTiming(now, () => now);
  for (const stage of ['connect', 'upstream', 'backoff', 'connect', 'upstream'] as const) {
    now += 10;
    timing.ended(stage);
  }
  const upstream = { name: 'api' };
  assert.equal(
    say(timing, { upstream, attempts: 2 }),
    'connect;dur=20;desc="api (2 tries)", upstream;dur=20;desc="api (2 tries)", backoff;dur=10, total;dur=50',
  );
  assert.match(say(timing, { upstream, attempts: 1, fallbackFor: 'first' }), /desc="api for first"/);
});

test('a refusal and what a shadow would have refused are told by their codes', () => {
  const timing = new ServerTiming(0, () => 0);
  timing.ended('limit');
  assert.equal(
    say(timing, { limited: 'shadow', refusal: refusal('circuit_open', 'x'), shadow: ['rate_limited', 'forbidden'] }),
    'limit;dur=0;desc="shadow", total;dur=0, refused;desc="circuit_open", shadow;desc="rate_limited forbidden"',
  );
});

test('names are quoted, and nothing in them ends the field', () => {
  const timing = new ServerTiming(0, () => 0);
  timing.ended('match');
  timing.ended('auth');
  const said = say(timing, { route: { label: 'a"b\\c' }, consumer: 'É\r\nX: y' });
  assert.equal(said, 'match;dur=0;desc="a\\"b\\\\c", auth;dur=0;desc="???X: y", total;dur=0');
});
