/** GET /routes: what is in force, in words. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askAdmin } from '../support/admin.ts';
import { startGateway } from '../support/gateway.ts';

const gateway = await startGateway({
  config: {
    upstreams: [{ name: 'echo', builtin: 'echo' }],
    routes: [
      {
        name: 'users',
        path: '/users/*',
        methods: ['GET'],
        headers: { 'x-secret': 's3cret' },
        upstream: 'echo',
        timeout: '5s',
        rateLimit: { max: 100, windowMs: 60_000, mode: 'shadow' },
        validate: { contentTypes: ['application/json'], query: { type: 'object' } },
        priority: 'low',
      },
      { path: '/fixed', respond: { status: 204, body: '' } },
    ],
  },
});

test('each route is told with its conditions, where it goes and its policies', async () => {
  const { status, body } = await askAdmin(gateway, 'GET /routes');
  assert.equal(status, 200);
  assert.equal(body.version, 1);
  const [users, fixed] = body.routes;
  const { source, ...rest } = users;
  assert.match(source, /proxy\.yml:\d+$/);
  assert.deepEqual(rest, {
    route: 'users',
    path: '/users/*',
    host: null,
    methods: ['GET'],
    headers: ['x-secret'],
    upstreams: [{ name: 'echo', weight: 1 }],
    fallback: null,
    respond: null,
    policies: [
      'rateLimit: 100 in 1m by client (shadow)',
      'validate: application/json, query',
      'timeout: 5s',
      'priority: low',
    ],
  });
  assert.deepEqual([fixed.route, fixed.respond, fixed.policies], ['/fixed', 204, []]);
  assert.doesNotMatch(JSON.stringify(body), /s3cret/);
});
