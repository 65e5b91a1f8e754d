/** A route's fallback answers when the upstream can't: under the same rules of method and body as another try. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';
import { freePorts } from '../support/ports.ts';
import { ask, type RawResponse, rawClient } from '../support/raw-client.ts';
import { type ReceivedRequest, recordingUpstream, response } from '../support/recording-upstream.ts';

const primary = await recordingUpstream();
const spare = await recordingUpstream();
const [closedPort, otherPort] = await freePorts(2);
const brisk = { base: 1, max: 5 };
const gateway = await startGateway({
  config: {
    proxy: { timeout: 3_000 },
    upstreams: [
      { name: 'primary', url: primary.url, timeout: 300 },
      { name: 'retrying', url: primary.url, retries: { attempts: 1, backoff: brisk } },
      { name: 'closed', url: `http://127.0.0.1:${closedPort}` },
      { name: 'spare', url: spare.url, retries: { attempts: 1, backoff: brisk } },
      { name: 'closed-too', url: `http://127.0.0.1:${otherPort}` },
    ],
    routes: [
      { path: '/*', upstream: 'primary', fallback: 'spare' },
      { path: '/retrying/*', upstream: 'retrying', fallback: 'spare' },
      { path: '/closed/*', upstream: 'closed', fallback: 'spare' },
      { path: '/both/*', upstream: 'closed', fallback: 'closed-too' },
    ],
  },
});
const [worker] = gateway.workers();

test('a good answer of the upstream is the answer', async () => {
  const got = await get('/good');
  assert.equal(got.status, 200);
  assert.equal(spare.requestsTo('/good').length, 0);
  assert.equal((await logOf(got))['fallbackFor'], undefined);
});

for (const [what, fail] of [
  ['answers 503', (request: ReceivedRequest) => request.send(response(503))],
  ['cuts the connection', (request: ReceivedRequest) => void request.connection.socket.resetAndDestroy()],
  ['does not answer in time', () => {}],
  ['answers what is no HTTP', (request: ReceivedRequest) => request.send('garbage\r\n\r\n')],
] as const) {
  test(`an upstream that ${what}: the fallback answers`, async () => {
    const path = `/${what.replaceAll(' ', '-')}`;
    primary.on(path, fail);
    const got = await get(path);
    assert.deepEqual([got.status, got.text()], [200, 'ok']);
    const line = await logOf(got);
    assert.deepEqual([line['upstream'], line['fallbackFor']], ['spare', 'primary']);
    assert.match(String(line['target']), new RegExp(`${spare.port}`));
  });
}

test('500 and 404 are answers, and no reason to ask elsewhere', async () => {
  for (const status of [500, 404]) {
    primary.on(`/${status}`, (request) => request.send(response(status)));
    assert.equal((await get(`/${status}`)).status, status);
    assert.equal(spare.requestsTo(`/${status}`).length, 0);
  }
});

test('all tries at the upstream come first', async () => {
  primary.on('/retrying/a', (request) => request.send(response(503)));
  const got = await get('/retrying/a');
  assert.equal(got.status, 200);
  assert.equal(primary.requestsTo('/retrying/a').length, 2);
  assert.equal((await logOf(got))['attempts'], 3);
});

test('no connection came about: any method and body may go to the fallback', async () => {
  const got = await send('POST', '/closed/a', 'the body');
  assert.equal(got.status, 200);
  assert.equal(spare.requestsTo('/closed/a')[0]?.body.bytes.toString(), 'the body');
});

test('a POST that may have been acted on does not go anywhere else', async () => {
  primary.on('/post', (request) => request.send(response(503, [], 'no')));
  const got = await send('POST', '/post', 'body');
  assert.deepEqual([got.status, got.text()], [503, 'no']);
  assert.equal(spare.requestsTo('/post').length, 0);
});

test('a body that is still on its way goes to the fallback whole', async () => {
  primary.on('/streamed', async (request) => {
    await request.receives('first ');
    request.connection.socket.resetAndDestroy();
  });
  const client = await rawClient(gateway.port);
  client.write('PUT /streamed HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\nfirst ');
  const request = await spare.arrival('/streamed');
  client.write('second');
  assert.equal((await request.received).bytes.toString(), 'first second');
  assert.equal((await client.response())?.status, 200);
  client.destroy();
});

test('the fallback has its own retries', async () => {
  let left = 1;
  spare.on('/closed/retried', (request) => request.send(response(left-- > 0 ? 503 : 200)));
  assert.equal((await get('/closed/retried')).status, 200);
  assert.equal(spare.requestsTo('/closed/retried').length, 2);
  assert.equal(await metric(gateway.url, 'upstream_retries_total', { upstream: 'spare' }), 1);
});

test('when the fallback fails too, its failure is the answer', async () => {
  const got = await get('/both/a');
  assert.equal(got.json()['code'], 'upstream_unreachable');
  const line = await logOf(got);
  assert.deepEqual([line['upstream'], line['fallbackFor'], line['attempts']], ['closed-too', 'closed', 2]);
  spare.on('/closed/fails', (request) => request.send(response(503, [], 'spare too')));
  assert.equal((await get('/closed/fails')).text(), 'spare too');
});

test('the worker has lived through all of it', () => {
  assert.deepEqual(gateway.workers(), [worker]);
  assert.deepEqual([...primary.violations, ...spare.violations], []);
});

function get(path: string): Promise<RawResponse> {
  return send('GET', path, '');
}

function send(method: string, path: string, body: string): Promise<RawResponse> {
  const framing = body === '' ? '' : `Content-Length: ${body.length}\r\n`;
  return ask(gateway.port, `${method} ${path} HTTP/1.1\r\nHost: a\r\n${framing}\r\n${body}`, method);
}

function logOf(got: RawResponse): Promise<Readonly<Record<string, unknown>>> {
  return gateway.accessLog(String(got.header('x-request-id')));
}
