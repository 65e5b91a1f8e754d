/**
 * A client never chooses where its request goes: whatever it writes, the upstream of the route gets it, or nobody. A
 * listener stands where each attack points; it must not be connected to. What configs may name is judged elsewhere
 * (test/unit/config/addresses.test.ts), and names that resolve badly in test/gateway/upstream-blocked.test.ts.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { after, test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { ask, type RawResponse } from '../support/raw-client.ts';
import { recordingUpstream, response } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const canary = await listenSilently();
const prey = `127.0.0.1:${canary.port}`;
const gateway = await startGateway({
  config: {
    upstreams: [
      { name: 'api', url: `${upstream.url}/base` },
      { name: 'kept', url: upstream.url, preserveHost: true },
    ],
    routes: [
      { path: '/api/*', upstream: 'api', stripPrefix: '/api' },
      { path: '/kept', upstream: 'kept' },
      { path: '/:rest', upstream: 'kept', rewrite: '/:rest' },
      { path: '/*', upstream: 'kept' },
    ],
  },
});

/** Request line and fields; each is forwarded to the upstream of its route or refused. */
const attacks: readonly (readonly [what: string, target: string, fields: string])[] = [
  ['an absolute target', `http://${prey}/`, `Host: ${prey}`],
  ['an absolute target with another Host', `http://${prey}/`, 'Host: a'],
  ['an absolute target with a user', `http://a@${prey}/`, 'Host: a'],
  ['an absolute https target', `https://${prey}/`, `Host: ${prey}`],
  ['a target without scheme', `//${prey}/`, 'Host: a'],
  ['a target with backslashes', `\\\\${prey}\\`, 'Host: a'],
  ['a target that begins with @', `@${prey}/`, 'Host: a'],
  ['a target that is host and port', prey, 'Host: a'],
  ['a path that begins with @', `/@${prey}/`, 'Host: a'],
  ['a path that continues the port', `/api/:${canary.port}/`, 'Host: a'],
  ['a prefix that leaves @ behind', `/api/@${prey}/`, 'Host: a'],
  ['a prefix that leaves two slashes behind', `/api//${prey}/`, 'Host: a'],
  ['a prefix that leaves escaped slashes behind', `/api/%2f%2f${prey}/`, 'Host: a'],
  ['a parameter that is a url', `/http:%2f%2f${prey}`, 'Host: a'],
  ['a query that is a url', `/kept?url=http://${prey}/`, 'Host: a'],
  ['a Host', '/kept', `Host: ${prey}`],
  ['a Host with an address in decimal', '/kept', `Host: 2130706433:${canary.port}`],
  ['X-Forwarded-Host', '/kept', `Host: a\r\nX-Forwarded-Host: ${prey}`],
  ['X-Original-URL and its kin', '/kept', `Host: a\r\nX-Original-URL: http://${prey}/\r\nX-Rewrite-URL: //${prey}/`],
  [
    'X-Host and its kin',
    '/kept',
    `Host: a\r\nX-Host: ${prey}\r\nX-HTTP-Host-Override: ${prey}\r\nForwarded: host=${prey}`,
  ],
  ['Destination', '/kept', `Host: a\r\nDestination: http://${prey}/`],
  ['a proxy field', '/kept', `Host: a\r\nProxy: http://${prey}/\r\nProxy-Host: ${prey}`],
];

for (const [what, target, fields] of attacks) {
  test(`${what} does not lead elsewhere`, async () => {
    const before = upstream.requests.length;
    const answer = await ask(gateway.port, `GET ${target} HTTP/1.1\r\n${fields}\r\nConnection: close\r\n\r\n`);
    const arrived = upstream.requests.slice(before);
    assert.equal(arrived.length, answer.status === 200 ? 1 : 0, String(answer.status));
    if (answer.status !== 200) assert.ok([400, 404].includes(answer.status), String(answer.status));
    // Origin form and nothing else: what is behind us can't be led astray either.
    for (const request of arrived) assert.match(request.target, /^\//);
    assert.equal(canary.connections(), 0);
  });
}

test('no rewrite leaves the base path of an upstream', async () => {
  for (const path of ['/api/..%2f..%2f', '/api/../..', '/api/%2e%2e/%2e%2e/x', '/api/.%2e/x', '/api/a/../../../x']) {
    const before = upstream.requests.length;
    await ask(gateway.port, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    for (const { path: got, fields } of upstream.requests.slice(before)) {
      // Resolved before a route was looked for, it belongs to another route, or it is below the base.
      assert.ok(!got.includes('..'), JSON.stringify([got, fields]));
    }
  }
});

for (const status of [300, 301, 302, 303, 307, 308]) {
  test(`a ${status} to elsewhere is passed on and not followed`, async () => {
    upstream.on('/redirect', (request) => request.send(response(status, [['Location', `http://${prey}/`]])));
    const answer: RawResponse = await ask(gateway.port, 'GET /redirect HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.deepEqual([answer.status, answer.header('location')], [status, `http://${prey}/`]);
    assert.equal(canary.connections(), 0);
  });
}

test('neither do Refresh, Alt-Svc and Link of an answer lead anybody away', async () => {
  const led = [
    ['Refresh', `0; url=http://${prey}/`],
    ['Alt-Svc', `h2="${prey}"`],
    ['Link', `<http://${prey}/>; rel=preload`],
  ] as const;
  upstream.on('/led', (request) => request.send(response(200, led)));
  for (let i = 0; i < 3; i++) await ask(gateway.port, 'GET /led HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.equal(canary.connections(), 0);
});

test('nobody has been connected to but the upstream, and it was sent plain HTTP', () => {
  assert.equal(canary.connections(), 0);
  assert.deepEqual(upstream.violations, []);
});

async function listenSilently(): Promise<{ port: number; connections(): number }> {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.destroy();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => server.close());
  return { port: (server.address() as AddressInfo).port, connections: () => connections };
}
