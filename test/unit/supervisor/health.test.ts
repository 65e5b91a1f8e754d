/** When the gateway says that it is ready, and why not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HealthFacts, judgeHealth } from '../../../supervisor/health.ts';

const fine: HealthFacts = {
  isConfigActive: true,
  isDraining: false,
  upstreams: { all: 2, usable: 2 },
  redis: null,
};

test('ready when nothing is in the way; Redis is not mentioned when it is not used', () => {
  assert.deepEqual(judgeHealth(fine), { ready: true, checks: { config: 'UP', upstreams: 'UP' } });
});

test('not ready before the first config is active on all workers', () => {
  assert.deepEqual(judgeHealth({ ...fine, isConfigActive: false }), {
    ready: false,
    checks: { config: 'DOWN', upstreams: 'UP' },
  });
});

test('not ready while draining', () => {
  assert.deepEqual(judgeHealth({ ...fine, isDraining: true }), {
    ready: false,
    checks: { config: 'UP', upstreams: 'UP', drain: 'DOWN' },
  });
});

test('not ready when no upstream has a usable target; some are enough, and so are none at all', () => {
  const withUpstreams = (all: number, usable: number) => judgeHealth({ ...fine, upstreams: { all, usable } });
  assert.deepEqual(withUpstreams(2, 0), { ready: false, checks: { config: 'UP', upstreams: 'DOWN' } });
  assert.deepEqual(withUpstreams(2, 1), { ready: true, checks: { config: 'UP', upstreams: 'DEGRADED' } });
  assert.deepEqual(withUpstreams(0, 0), { ready: true, checks: { config: 'UP', upstreams: 'UP' } });
});

test('Redis away is no reason to be unready, unless limits then refuse everybody', () => {
  const withRedis = (status: 'up' | 'away', onError: 'local' | 'open' | 'closed') =>
    judgeHealth({ ...fine, redis: { status, onError } });
  assert.deepEqual(withRedis('up', 'closed'), { ready: true, checks: { config: 'UP', upstreams: 'UP', redis: 'UP' } });
  for (const onError of ['local', 'open'] as const) {
    const { ready, checks } = withRedis('away', onError);
    assert.deepEqual([ready, checks['redis']], [true, 'DEGRADED']);
  }
  const { ready, checks } = withRedis('away', 'closed');
  assert.deepEqual([ready, checks['redis']], [false, 'DOWN']);
});
