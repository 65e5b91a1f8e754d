/**
 * A path that is one thing to the gateway and another to the server behind it: a locked route beside an open one, and
 * every spelling of a locked path that some server is known to understand. None may arrive by way of the open route.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { ask } from '../support/raw-client.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const gateway = await startGateway({
  config: {
    security: { auth: { type: 'apiKey', secret: 's', keys: [] } },
    upstreams: [{ name: 'api', url: upstream.url }],
    routes: [
      { path: '/*', upstream: 'api' },
      { path: '/admin/*', auth: 'required', upstream: 'api' },
    ],
  },
});

const spellings = [
  '/admin',
  '/admin/',
  '/admin/users',
  '/%61dmin',
  '/%61%64%6D%69%6E/users',
  '/./admin',
  '/%2e/admin',
  '/x/../admin',
  '/x/%2e%2E/admin',
  '/x/.%2e/admin/users',
  '/x/y/../../admin',
  '//admin',
  '///admin//users',
  '/%2fadmin',
  '/%2Fadmin%2Fusers',
  '/admin%2fusers',
  '/admin%5cusers',
  '/%5cadmin',
  '/x/..%2fadmin',
  '/x%2f..%2fadmin',
  '/x/..%5cadmin',
  '/x%5c..%5cadmin',
  '/x/%2e%2e%2fadmin',
  '/x/%2e%2e%5cadmin',
  // What is left once dots have been resolved.
  '/%2fadmin/%2f/..',
  '/%5cadmin/%5c/..',
  '/%2fadmin/x/..',
  '//admin/x/..',
  '//admin///..',
  '/x/..//admin',
  '/x//../admin/.',
  '/x/..//%2fadmin/y/..',
];

for (const path of spellings) {
  for (const target of [path, `http://a${path}`]) {
    test(`${target} does not pass for an open path`, async () => {
      const answer = await ask(gateway.port, `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
      assert.ok(answer.status === 401 || answer.status === 400, String(answer.status));
      assert.deepEqual(upstream.requests, []);
    });
  }
}

test('method, Host and fields do not unlock it either', async () => {
  for (const fields of [
    'X-Original-URL: /open\r\n',
    'X-Rewrite-URL: /open\r\n',
    'X-HTTP-Method-Override: OPTIONS\r\n',
    'X-Forwarded-Prefix: /open\r\n',
    'X-Forwarded-For: 127.0.0.1\r\n',
  ]) {
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'BREW']) {
      const answer = await ask(gateway.port, `${method} /admin HTTP/1.1\r\nHost: a\r\n${fields}\r\n`, method);
      assert.ok(answer.status === 401 || answer.status === 400, String(answer.status));
    }
  }
  assert.deepEqual(upstream.requests, []);
});

test('harmless paths that only look odd pass as they are', async () => {
  for (const path of ['/open%2Fdata', '/open//data', '/open/..data', '/open/%25', '/administrators', '/x/admin']) {
    assert.equal((await ask(gateway.port, `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)).status, 200, path);
    assert.equal(upstream.requests.at(-1)?.target, path);
  }
});
