/** An upstream with several targets: each policy chooses among them, and each target is addressed by its own url. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { rawClient } from '../support/raw-client.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

const servers = await Promise.all([recordingUpstream(), recordingUpstream(), recordingUpstream()]);
const [first, second, third] = servers;
const policies = ['least-requests', 'round-robin', 'random', 'consistent-hash'];
const gateway = await startGateway({
  config: {
    proxy: { trustedProxies: ['127.0.0.0/8'] },
    upstreams: policies.map((balance) => ({
      name: balance,
      balance,
      ...(balance === 'consistent-hash' ? { hashOn: 'header:X-Tenant' } : {}),
      targets: [{ url: first.url, weight: 2 }, { url: `${second.url}/base` }, { url: third.url, weight: 0 }],
    })),
    routes: policies.map((balance) => ({ path: `/${balance}`, upstream: balance })),
  },
});

for (const balance of policies) {
  test(`${balance}: targets get requests by their weights, and one of weight 0 gets none`, async () => {
    const client = await rawClient(gateway.port);
    for (let i = 0; i < 300; i++) {
      client.write(`GET /${balance} HTTP/1.1\r\nHost: a\r\nX-Tenant: t${i}\r\nX-Request-Id: ${balance}-${i}\r\n\r\n`);
      assert.equal((await client.response())?.status, 200);
    }
    client.destroy();
    const [heavy, light] = [first.requestsTo(`/${balance}`), second.requestsTo(`/base/${balance}`)];
    assert.equal(heavy.length + light.length, 300);
    // 100 expected of the light one: exactly in turns, else within what chance does once in many million runs.
    const slack = balance === 'round-robin' ? 0 : 50;
    assert.ok(Math.abs(light.length - 100) <= slack, `${light.length} of 300`);
    assert.equal(third.requests.length, 0);
    assert.equal(heavy[0]?.header('Host'), `127.0.0.1:${first.port}`);
    assert.equal(light[0]?.header('Host'), `127.0.0.1:${second.port}`);
    const line = await gateway.accessLog(light[0]?.header('X-Request-Id') ?? '');
    assert.equal(line['target'], `127.0.0.1:${second.port}/base`);
  });
}

test('consistent-hash: requests with one value of the field go to one target', async () => {
  const client = await rawClient(gateway.port);
  const seen = servers.map(({ requests }) => requests.length);
  for (let i = 0; i < 20; i++) {
    client.write('GET /consistent-hash HTTP/1.1\r\nHost: a\r\nX-Tenant: same\r\n\r\n');
    assert.equal((await client.response())?.status, 200);
  }
  client.destroy();
  const grown = servers.map(({ requests }, i) => requests.length - (seen[i] ?? 0));
  assert.deepEqual(
    grown.toSorted((a, b) => a - b),
    [0, 0, 20],
  );
});
