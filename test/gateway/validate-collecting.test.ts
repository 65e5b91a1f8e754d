/** A body that is collected to be checked obeys the same limits as one that is streamed, and ends with its client. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';
import { type RawClient, rawClient } from '../support/raw-client.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const gateway = await startGateway({
  config: {
    proxy: { timeouts: { idle: 1000 } },
    upstreams: [{ name: 'api', url: upstream.url }],
    routes: [
      { path: '/small', upstream: 'api', maxBodySize: 1000, validate: { body: true } },
      { path: '/large', upstream: 'api', maxBodySize: '20mb', validate: { body: true } },
      { path: '/hasty', upstream: 'api', timeout: 1500, validate: { body: true } },
      { path: '/shadow', upstream: 'api', maxBodySize: 1000, validate: { body: true, mode: 'shadow' } },
    ],
  },
});

for (const path of ['/small', '/shadow']) {
  test(`${path}: a declared length that is too large is refused before a byte is read`, async () => {
    const client = await begin(path, 'Content-Length: 1001');
    await refused(client, 413, 'body_too_large');
  });

  test(`${path}: chunks that become too large are refused when they do`, async () => {
    const client = await begin(path, 'Transfer-Encoding: chunked');
    client.write(`1f4\r\n${'1'.repeat(500)}\r\n`, `1f5\r\n${'1'.repeat(501)}\r\n`);
    await refused(client, 413, 'body_too_large');
  });

  test(`${path}: broken chunks are refused`, async () => {
    const client = await begin(path, 'Transfer-Encoding: chunked');
    client.write('2\r\n[1\r\n', 'zz\r\n');
    await refused(client, 400, 'bad_request');
  });

  test(`${path}: a client that falls silent is refused after timeouts.idle`, async () => {
    const client = await begin(path, 'Content-Length: 10');
    client.write('[1');
    await refused(client, 408, 'request_timeout');
  });
}

test('exactly maxBodySize passes', async () => {
  const client = await begin('/small', 'Content-Length: 1000');
  client.write('1'.repeat(250), '1'.repeat(49), ' '.repeat(701));
  assert.equal((await client.response('POST'))?.status, 200);
  client.destroy();
});

test('a client that sends, but too slowly for the timeout of the exchange, is refused', async () => {
  const client = await begin('/hasty', 'Content-Length: 100');
  const timer = setInterval(() => client.write(' '), 100);
  try {
    await refused(client, 408, 'request_timeout');
  } finally {
    clearInterval(timer);
  }
});

test('with a client that leaves its exchange ends, and what was collected is given back', async () => {
  const before = gateway.logs.filter((line) => line['status'] === 499).length;
  const client = await begin('/large', 'Content-Length: 10000000');
  client.write('1'.repeat(3_000_000));
  await eventually(
    async () => ((await metric(gateway.adminUrl, 'collected_body_bytes')) >= 3_000_000 ? true : null),
    'the body',
  );
  client.reset();
  await eventually(
    async () => ((await metric(gateway.adminUrl, 'collected_body_bytes')) === 0 ? true : null),
    'no body',
  );
  await gateway.log(
    (line) => line['status'] === 499 && gateway.logs.filter(({ status }) => status === 499).length === before + 1,
    'the line of the client that left',
  );
  await eventually(
    async () => ((await metric(gateway.adminUrl, 'http_requests_in_flight')) === 0 ? true : null),
    'nothing in flight',
  );
});

test('none of them reached the upstream', () => {
  assert.equal(upstream.requests.length, 1);
});

async function begin(path: string, framing: string): Promise<RawClient> {
  const client = await rawClient(gateway.port);
  client.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n${framing}\r\n\r\n`);
  return client;
}

async function refused(client: RawClient, status: number, code: string): Promise<void> {
  const answer = await client.response('POST');
  assert.equal(answer?.status, status);
  assert.equal(answer?.json()['code'], code);
  assert.equal(answer?.header('connection'), 'close');
  await client.closed();
}
