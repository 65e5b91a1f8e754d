/** An upstream that is down, slow, wrong or closing gives 502 or 504 with a code that says which, and costs no worker. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { within } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { freePorts } from '../support/ports.ts';
import { ask, type RawResponse } from '../support/raw-client.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const [closedPort = 0] = await freePorts(1);
const gateway = await startGateway({
  config: {
    upstreams: [
      { name: 'api', url: upstream.url },
      { name: 'slow', url: upstream.url, timeout: 300 },
      { name: 'down', url: `http://127.0.0.1:${closedPort}` },
      { name: 'nowhere', url: 'http://no-such-host.invalid' },
    ],
    routes: [
      { path: '/*', upstream: 'api' },
      { path: '/slow/*', upstream: 'slow' },
      { path: '/down', upstream: 'down' },
      { path: '/nowhere', upstream: 'nowhere' },
      { path: '/whole', upstream: 'api', timeout: 300, tryTimeout: 5000 },
    ],
  },
});
const [worker] = gateway.workers();

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

test('an upstream that is down: 502 upstream_unreachable, as problem+json, without its address', async () => {
  const answer = await ask(gateway.port, get('/down'));
  assertProblem(answer, 502, 'upstream_unreachable');
  assert.doesNotMatch(answer.text(), new RegExp(`127\\.0\\.0\\.1|${closedPort}`));
});

test('a name that does not resolve: 502 upstream_unreachable', async () => {
  const answer = await ask(gateway.port, get('/nowhere'));
  assertProblem(answer, 502, 'upstream_unreachable');
  assert.doesNotMatch(answer.text(), /no-such-host/);
});

test('no answer within the timeout of a try: 504 upstream_timeout, and the request is aborted', async () => {
  upstream.on('/slow/never', () => {});
  const answer = await ask(gateway.port, get('/slow/never'));
  assertProblem(answer, 504, 'upstream_timeout');
  await within((await upstream.arrival('/slow/never')).connection.closed, 'the request to be aborted');
});

test('half a head within the timeout of a try: 504 upstream_timeout', async () => {
  upstream.on('/slow/half', (request) => request.send('HTTP/1.1 200 OK\r\nContent-'));
  assertProblem(await ask(gateway.port, get('/slow/half')), 504, 'upstream_timeout');
});

test('a body that takes longer than the timeout of a try is none of its business', async () => {
  upstream.on('/slow/body', async (request) => {
    request.send('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf');
    // Longer than the 300 ms that a try may take for its head.
    await new Promise((resolve) => setTimeout(resolve, 900));
    request.send('half');
  });
  assert.equal((await ask(gateway.port, get('/slow/body'))).text(), 'halfhalf');
});

test('no answer within the timeout of the exchange: 504 upstream_timeout', async () => {
  upstream.on('/whole', () => {});
  assertProblem(await ask(gateway.port, get('/whole')), 504, 'upstream_timeout');
});

for (const [name, cut] of [
  ['closes', 'end'],
  ['resets', 'resetAndDestroy'],
] as const) {
  test(`an upstream that ${name} without an answer: 502 upstream_reset`, async () => {
    const path = `/silent/${name}`;
    upstream.on(path, (request) => void request.connection.socket[cut]());
    const answer = await ask(gateway.port, `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi`);
    assertProblem(answer, 502, 'upstream_reset');
  });
}

const nonsense: Record<string, string> = {
  'no HTTP at all': 'SSH-2.0-OpenSSH_9.2\r\n\r\n',
  'HTTP/0.9': 'just text\n',
  'status 000': 'HTTP/1.1 000 OK\r\nContent-Length: 2\r\n\r\nok',
  'status 099': 'HTTP/1.1 099 OK\r\nContent-Length: 2\r\n\r\nok',
  'status 20': 'HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok',
  'status 1000': 'HTTP/1.1 1000 OK\r\nContent-Length: 2\r\n\r\nok',
  'two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nokk',
  'a negative length': 'HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok',
  'a length in hex': 'HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\nok',
  'an unknown coding': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
  'chunked twice': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
  'an obsolete fold': 'HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 2\r\n\r\nok',
  'a NUL in a field': 'HTTP/1.1 200 OK\r\nX-A: b\0c\r\nContent-Length: 2\r\n\r\nok',
  'a space before the colon': 'HTTP/1.1 200 OK\r\nX-A : b\r\nContent-Length: 2\r\n\r\nok',
  'a bare LF': 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok',
  'a bare CR': 'HTTP/1.1 200 OK\r\nX-A: b\rX-C: d\r\nContent-Length: 2\r\n\r\nok',
  'a head without end': `HTTP/1.1 200 OK\r\n${'X-Filler: filler-filler-filler-filler\r\n'.repeat(2000)}`,
};

for (const [name, bytes] of Object.entries(nonsense)) {
  test(`an answer with ${name}: 502 upstream_protocol_error`, async () => {
    const path = `/nonsense/${name.replaceAll(/\W/g, '-')}`;
    upstream.on(path, (request) => {
      request.send(bytes);
      request.connection.socket.end();
    });
    assertProblem(await ask(gateway.port, get(path)), 502, 'upstream_protocol_error');
  });
}

test('an answer with both a length and chunks reaches the client with one framing, or not at all', async () => {
  upstream.on('/both', (request) =>
    request.send('HTTP/1.1 200 OK\r\nContent-Length: 12\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'),
  );
  const answer = await ask(gateway.port, get('/both')).catch(() => null);
  if (answer?.status === 200) assert.equal(answer.complete && answer.text() !== 'ok', false);
  else if (answer !== null) assert.equal(answer.status, 502);
});

test('the worker has lived through all of it', async () => {
  assert.equal((await ask(gateway.port, get('/alive'))).status, 200);
  assert.deepEqual(gateway.workers(), [worker]);
  assert.deepEqual(upstream.violations, []);
});

function assertProblem(answer: RawResponse, status: number, code: string): void {
  assert.equal(answer.status, status, answer.text());
  assert.match(answer.header('content-type') ?? '', /^application\/problem\+json/);
  const problem = answer.json();
  assert.equal(problem['code'], code);
  assert.equal(problem['status'], status);
  assert.equal(problem['requestId'], answer.header('x-request-id'));
  for (const field of ['type', 'title', 'detail', 'instance', 'requestId'])
    assert.equal(typeof problem[field], 'string', field);
}
