/** Nothing that a client or an upstream invents makes series without end: paths, methods, hosts, fields, statuses. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';
import { ask, rawClient } from '../support/raw-client.ts';
import { recordingUpstream, response } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const gateway = await startGateway({
  config: {
    security: { auth: { type: 'apiKey', keys: [{ key: 'a'.repeat(64), name: 'somebody' }] } },
    upstreams: [{ name: 'api', url: upstream.url }],
    routes: [
      { name: 'api', path: '/api/*', upstream: 'api', auth: 'optional', rateLimit: { max: 100_000, windowMs: 1000 } },
      { name: 'status', path: '/status', upstream: 'api' },
    ],
  },
});

test('a hundred paths, methods, hosts, keys, origins and traces are no more series than one', async () => {
  await probe(0);
  await metricBecomes(1, { route: 'api', method: 'OTHER' });
  // A worker may report between two requests of a probe.
  await metricBecomes(2, { route: 'none', method: 'OTHER' });
  const before = await series();
  for (let i = 1; i < 100; i++) await probe(i);
  await metricBecomes(100, { route: 'api', method: 'OTHER' });
  await metricBecomes(200, { route: 'none', method: 'OTHER' });
  assert.deepEqual(await series(), before);
});

test('an upstream that answers with every status there may be gets the series of a few', async () => {
  let next = 200;
  upstream.on('/status', (request) => request.send(response(next, [['Connection', 'keep-alive']])));
  const client = await rawClient(gateway.port);
  let answered = 0;
  for (; next < 1000; next++) {
    // Those without a body have no length either.
    if (next === 204 || next === 205 || next === 304) continue;
    client.write('GET /status HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.equal((await client.finalResponse())?.status, next);
    answered++;
  }
  client.destroy();
  await metricBecomes(answered, { route: 'status' });
  const all = await series();
  const statuses = all.filter((line) => line.startsWith('http_requests_total{') && line.includes('route="status"'));
  assert.ok(statuses.length < 60, statuses.join('\n'));
  assert.ok(statuses.some((line) => line.includes('status="9xx"')));
});

/** The parser knows these; others it refuses. */
const methods = ['PURGE', 'MKCOL', 'PROPFIND', 'COPY', 'LOCK', 'REPORT', 'SUBSCRIBE', 'LINK', 'SEARCH'];

async function probe(i: number): Promise<void> {
  const fields = [
    `Host: host-${i}.test`,
    `X-API-Key: key-${i}`,
    `X-Request-Id: request-${i}`,
    `Origin: https://origin-${i}.test`,
    `traceparent: 00-${i.toString(16).padStart(32, 'a')}-00f067aa0ba902b7-01`,
    'Connection: close',
  ];
  const known = methods[i % methods.length] ?? '';
  for (const line of [`${known} /api/path-${i}?query=${i}`, `${known} /nowhere-${i}`, `METHOD${i} /`]) {
    await ask(gateway.port, `${line} HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n`);
  }
}

/** Names and labels of all series; durations fall into this or that bucket of the same. */
async function series(): Promise<string[]> {
  const text = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  // What node has open at the moment is told by kind, and has nothing to do with requests.
  return lines.map((line) => line.replace(/ \S+$/, '')).filter((line) => !line.startsWith('nodejs_'));
}

async function metricBecomes(expected: number, labels: Readonly<Record<string, string>>): Promise<void> {
  await eventually(
    async () => ((await metric(gateway.adminUrl, 'http_requests_total', labels)) === expected ? true : null),
    `${expected} requests of ${JSON.stringify(labels)}`,
  );
}
