/** The path that goes upstream: as the client sent it, less a prefix, or put together anew; the query always as it came. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { ask } from '../support/raw-client.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const gateway = await startGateway({
  config: {
    upstreams: [
      { name: 'api', url: upstream.url },
      { name: 'slash', url: `${upstream.url}/` },
      { name: 'based', url: `${upstream.url}/base/v1` },
      { name: 'based-slash', url: `${upstream.url}/base/` },
    ],
    routes: [
      { path: '/plain/*', upstream: 'slash' },
      { path: '/strip/*', stripPrefix: '/strip', upstream: 'api' },
      { path: '/strip-deep/v1/*', stripPrefix: '/strip-deep', upstream: 'api' },
      { path: '/users/*', rewrite: '/v2/*', upstream: 'api' },
      { path: '/:tenant/orders/:id', rewrite: '/orders/:id/of/:tenant', upstream: 'api' },
      { path: '/fixed', rewrite: '/other/place', upstream: 'api' },
      { path: '/root/*', rewrite: '/*', upstream: 'api' },
      { path: '/based/*', upstream: 'based' },
      { path: '/based-strip/*', stripPrefix: '/based-strip', upstream: 'based-slash' },
      { path: '/based-rewrite/*', rewrite: '/new/*', upstream: 'based' },
    ],
  },
});

const journeys: Record<string, readonly (readonly [sent: string, arrives: string])[]> = {
  'without stripPrefix and rewrite the path goes as it came': [
    ['/plain/a%20b/%7Ec//d/?x=%2F&y=a+b&&=', '/plain/a%20b/%7Ec//d/?x=%2F&y=a+b&&='],
    ['/plain?', '/plain?'],
  ],
  'stripPrefix takes its segments off and keeps the rest to the byte': [
    ['/strip/users', '/users'],
    ['/strip', '/'],
    ['/strip/', '/'],
    ['/strip?a=b', '/?a=b'],
    ['/strip/a%2Fb/%7Ec//d/?q=/strip', '/a%2Fb/%7Ec//d/?q=/strip'],
    ['/%73trip/x', '/x'],
    ['/strip-deep/v1/x/./y', '/v1/x/y'],
    ['/strip/strip/x', '/strip/x'],
  ],
  'what is left never looks like another host': [['/strip//evil.example/x', '/evil.example/x']],
  'rewrite puts what "*" matched in its place': [
    ['/users/7/posts', '/v2/7/posts'],
    ['/users/7/a%2Fb?c=%64', '/v2/7/a%2Fb?c=%64'],
    ['/users/', '/v2/'],
    ['/users', '/v2'],
    ['/users/a/../b', '/v2/b'],
    ['/root/x?y', '/x?y'],
    ['/root', '/'],
  ],
  'rewrite puts what ":name" matched in its place': [
    ['/acme/orders/7', '/orders/7/of/acme'],
    ['/a%20b/orders/%2e%2e%2e?x=:id', '/orders/%2e%2e%2e/of/a%20b?x=:id'],
  ],
  'a rewrite without either is one path for all': [
    ['/fixed', '/other/place'],
    ['/fixed?kept=1', '/other/place?kept=1'],
  ],
  'the path of an upstream url stands before all of it': [
    ['/based/x?y', '/base/v1/based/x?y'],
    ['/based', '/base/v1/based'],
    ['/based-strip/x', '/base/x'],
    ['/based-strip', '/base/'],
    ['/based-rewrite/a/b', '/base/v1/new/a/b'],
    ['/based/../based/%2e/x', '/base/v1/based/x'],
  ],
};

for (const [sentence, paths] of Object.entries(journeys)) {
  test(sentence, async () => {
    for (const [sent, arrives] of paths) {
      const before = upstream.requests.length;
      const answer = await ask(gateway.port, `GET ${sent} HTTP/1.1\r\nHost: a\r\n\r\n`);
      assert.equal(answer.status, 200, sent);
      assert.equal(upstream.requests[before]?.target, arrives, sent);
    }
  });
}

test('no path climbs out of the path of an upstream url', async () => {
  const before = upstream.requests.length;
  for (const path of ['/based/../../x', '/based-strip/..%2fx', '/based/%2e%2e/%2e%2e/x', '/based-strip/..%5c..%5cx']) {
    assert.equal((await ask(gateway.port, `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)).status, 400, path);
  }
  assert.equal(upstream.requests.length, before);
});

test('the upstream was sent nothing that is not plain HTTP', () => {
  assert.deepEqual(upstream.violations, []);
});
