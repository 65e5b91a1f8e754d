/** What an admission means for the request, and the fields that tell the client. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Admission, LimitRule } from '../../../src/contracts/limiter.ts';
import { settle } from '../../../src/limit/settle.ts';
import { exchangeWith } from '../auth/exchange-with.ts';
import { ruleOf } from './rule-of.ts';

const route = ruleOf({ name: '"route"', policy: '"route";q=10;w=1' });
const hour = ruleOf({ name: '"/a"', policy: '"/a";q=5;w=3600', max: 5, windowMs: 3_600_000, detail: 'slowly' });
const tried = ruleOf({ name: '"global"', isShadow: true });

function settled(rules: readonly LimitRule[], admission: Admission) {
  const x = exchangeWith([]);
  const refused = settle(x, rules, admission);
  return { x, refused };
}

test('admitted: what is left of each enforced limit', () => {
  const { x, refused } = settled([route, tried, hour], [3_000, 1_000, 3_600_000]);
  assert.equal(refused, null);
  assert.equal(x.limited, 'admitted');
  assert.deepEqual(x.limitFields, [
    'RateLimit-Policy',
    '"route";q=10;w=1, "/a";q=5;w=3600',
    'RateLimit',
    '"route";r=7;t=1, "/a";r=4;t=720',
  ]);
});

test('refused: by the limit that takes longest, rounded up to seconds', () => {
  const { x, refused } = settled([route, hour], [-50, -1_001]);
  assert.equal(refused?.code, 'rate_limited');
  assert.equal(refused?.detail, 'slowly');
  assert.deepEqual(refused?.headers, ['Retry-After', '2']);
  assert.equal(x.limited, 'refused');
  assert.equal(x.limitFields[3], '"route";r=0;t=1, "/a";r=0;t=2');
});

test('a refusal of one limit shows what the others have left', () => {
  const { x } = settled([route, hour], [0, -1]);
  assert.equal(x.limitFields[3], '"route";r=10;t=0, "/a";r=0;t=1');
});

test('shadow: noted once, however many limits would have refused', () => {
  const { x, refused } = settled([tried, tried], [-1, -2]);
  assert.equal(refused, null);
  assert.equal(x.limited, 'shadow');
  assert.deepEqual(x.shadow, ['rate_limited']);
  assert.deepEqual(x.limitFields, []);
});

test('the authority is away: let pass, refused, or noted, as the config says', () => {
  assert.deepEqual([settled([route], 'open').refused, settled([route], 'open').x.limited], [null, 'open']);
  const closed = settled([route, tried], 'closed');
  assert.equal(closed.refused?.code, 'rate_limiter_unavailable');
  assert.equal(closed.refused?.status, 503);
  assert.deepEqual(closed.refused?.headers, ['Retry-After', '1']);
  const onlyTried = settled([tried], 'closed');
  assert.equal(onlyTried.refused, null);
  assert.deepEqual(onlyTried.x.shadow, ['rate_limiter_unavailable']);
});
