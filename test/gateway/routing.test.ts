/** Which route a request finds: by host, then by path, then by its conditions; and what is said when it finds none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { ask, type RawResponse } from '../support/raw-client.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

/** A route that answers with its own name. */
const named = (name: string, route: object): object => ({ ...route, respond: { body: name } });

const upstream = await recordingUpstream();
const gateway = await startGateway({
  config: {
    upstreams: [{ name: 'api', url: upstream.url }],
    routes: [
      // Weaker ones first: their place in the file must not matter.
      named('any host', { path: '/by-host' }),
      named('wildcard host', { path: '/by-host', host: '*.example.com' }),
      named('longer wildcard host', { path: '/by-host', host: '*.eu.example.com' }),
      named('exact host', { path: '/by-host', host: 'api.example.com' }),
      named('any host, literal', { path: '/host-first/literal' }),
      named('exact host, wildcard path', { path: '/host-first/*', host: 'api.example.com' }),

      named('everything below', { path: '/files/*' }),
      named('parameter', { path: '/files/:id' }),
      named('literal', { path: '/files/list' }),
      named('literal and below', { path: '/files/list/*' }),
      named('parameter, then literal', { path: '/files/:id/info' }),
      named('left to right: parameter', { path: '/left/:a/last' }),
      named('left to right: literal', { path: '/left/first/:b' }),
      named('without slash', { path: '/exact' }),
      named('with slash', { path: '/exact/' }),
      named('letters beyond ASCII', { path: '/café' }),

      named('no condition', { path: '/conditions' }),
      named('method', { path: '/conditions', methods: ['GET'] }),
      named('method and header', { path: '/conditions', methods: ['GET'], headers: { 'x-beta': '1' } }),
      named('two headers', { path: '/two-headers', headers: { 'x-beta': '1', 'x-ring': 'inner' } }),
      named('first in the file', { path: '/tie', headers: { 'x-a': '1' } }),
      named('second in the file', { path: '/tie', headers: { 'x-b': '1' } }),
      named('specific, for one method', { path: '/passed-over/here', methods: ['DELETE'] }),
      named('general', { path: '/passed-over/*' }),

      named('get', { path: '/methods', methods: ['GET'] }),
      named('post', { path: '/methods', methods: ['POST'] }),
      named('put, with a header', { path: '/methods', methods: ['PUT'], headers: { 'x-beta': '1' } }),
      named('purge', { path: '/purge', methods: ['PURGE'] }),
      { path: '/head', methods: ['GET'], upstream: 'api' },

      { path: '/public/*', upstream: 'api' },
      { path: '/admin/*', upstream: 'api', methods: ['GET'] },
      { path: '/packages/:name', upstream: 'api' },
    ],
  },
});

for (const [host, winner] of [
  ['api.example.com', 'exact host'],
  ['API.Example.COM:8080', 'exact host'],
  ['api.example.com.', 'exact host'],
  ['www.example.com', 'wildcard host'],
  ['a.b.example.com', 'wildcard host'],
  ['a.eu.example.com', 'longer wildcard host'],
  ['eu.example.com', 'wildcard host'],
  ['example.com', 'any host'],
  ['api.example.com.evil', 'any host'],
  ['notexample.com', 'any host'],
  ['127.0.0.1', 'any host'],
  ['[::1]:3000', 'any host'],
] as const) {
  test(`a request for the host ${host} finds the route of ${winner}`, async () => {
    assert.equal((await get('/by-host', host)).text(), winner);
  });
}

test('a target in absolute form names the host too', async () => {
  const answer = await ask(
    gateway.port,
    'GET http://www.example.com/by-host HTTP/1.1\r\nHost: www.example.com\r\n\r\n',
  );
  assert.equal(answer.text(), 'wildcard host');
});

test('an HTTP/1.0 request without Host finds a route without one', async () => {
  assert.equal((await ask(gateway.port, 'GET /by-host HTTP/1.0\r\n\r\n')).text(), 'any host');
});

test('the host is asked before the path', async () => {
  assert.equal((await get('/host-first/literal', 'api.example.com')).text(), 'exact host, wildcard path');
  assert.equal((await get('/host-first/literal')).text(), 'any host, literal');
});

for (const [path, winner] of [
  ['/files/list', 'literal'],
  ['/files/list/', 'literal and below'],
  ['/files/list/x', 'literal and below'],
  ['/files/7', 'parameter'],
  ['/files/7/info', 'parameter, then literal'],
  ['/files/list/info', 'literal and below'],
  ['/files/7/other', 'everything below'],
  ['/files/', 'everything below'],
  ['/files', 'everything below'],
  ['/left/first/last', 'left to right: literal'],
  ['/left/second/last', 'left to right: parameter'],
  ['/exact', 'without slash'],
  ['/exact/', 'with slash'],
  ['/exact?a=b/c', 'without slash'],
  ['/%65xact', 'without slash'],
  ['/files/x/../list', 'literal'],
  ['/x/%2e%2E/exact/.', 'with slash'],
  ['/caf%C3%A9', 'letters beyond ASCII'],
  ['/caf%c3%a9', 'letters beyond ASCII'],
] as const) {
  test(`${path} finds the route of ${winner}`, async () => {
    assert.equal((await get(path)).text(), winner);
  });
}

for (const path of ['/filesX', '/Files/7', '/exact/x', '/left/first', '/nowhere', '/']) {
  test(`${path} finds no route: 404 no_route`, async () => {
    const answer = await get(path);
    assertRefused(answer, 404, 'no_route');
    assert.equal(answer.header('allow'), null);
  });
}

for (const [fields, winner] of [
  ['', 'method'],
  ['X-Beta: 1\r\n', 'method and header'],
  ['x-BETA:   1  \r\n', 'method and header'],
  ['X-Beta: 2\r\n', 'method'],
  ['X-Beta: 11\r\n', 'method'],
] as const) {
  test(`with ${JSON.stringify(fields)} the route of ${winner} wins`, async () => {
    assert.equal((await get('/conditions', 'a', fields)).text(), winner);
  });
}

test('a route whose methods do not match is passed over, and so is one whose headers do not', async () => {
  assert.equal((await send('DELETE', '/passed-over/here')).text(), 'specific, for one method');
  assert.equal((await get('/passed-over/here')).text(), 'general');
  assert.equal((await send('POST', '/conditions', 'X-Beta: 1\r\n')).text(), 'no condition');
});

test('all of the header conditions must be met', async () => {
  assert.equal((await get('/two-headers', 'a', 'X-Ring: inner\r\nX-Beta: 1\r\n')).text(), 'two headers');
  for (const fields of ['', 'X-Beta: 1\r\n', 'X-Ring: inner\r\n', 'X-Beta: 1\r\nX-Ring: Inner\r\n']) {
    assertRefused(await get('/two-headers', 'a', fields), 404, 'no_route');
  }
});

test('of two routes that ask for as much, the first in the file wins', async () => {
  assert.equal((await get('/tie', 'a', 'X-B: 1\r\nX-A: 1\r\n')).text(), 'first in the file');
  assert.equal((await get('/tie', 'a', 'X-B: 1\r\n')).text(), 'second in the file');
});

test('when nothing but methods stands in the way: 405, and Allow names all that the request could have used', async () => {
  for (const method of ['DELETE', 'PUT', 'OPTIONS']) {
    const answer = await send(method, '/methods');
    assertRefused(answer, 405, 'method_not_allowed');
    assert.equal(answer.header('allow'), 'GET, HEAD, POST');
  }
  const beta = await send('DELETE', '/methods', 'X-Beta: 1\r\n');
  assert.equal(beta.header('allow'), 'GET, HEAD, POST, PUT');
});

test('HEAD belongs to GET, also on its way upstream', async () => {
  assert.equal((await send('HEAD', '/methods')).status, 200);
  const answer = await send('HEAD', '/head');
  assert.equal(answer.status, 200);
  assert.equal(answer.body.length, 0);
  assert.equal((await upstream.arrival('/head')).method, 'HEAD');
  const refused = await send('HEAD', '/purge');
  assert.equal(refused.status, 405);
  assert.equal(refused.header('allow'), 'PURGE');
  assert.equal(refused.body.length, 0);
});

test('what a path says in two ways to two routes is refused, and no upstream hears of it', async () => {
  const before = upstream.requests.length;
  for (const path of [
    '/public/..%2fadmin/x',
    '/public/%2e%2e%2Fadmin',
    '/public%2F..%2Fadmin',
    '/public/..%5cadmin',
    '/public/%2e%2e%2f%2e%2e/x',
    '/admin%2Fx',
    '//admin/x',
    '/exact//',
    '/files%2Flist',
  ]) {
    assertRefused(await get(path), 400, 'bad_request');
  }
  assert.equal(upstream.requests.length, before);
});

test('an encoded slash or an empty segment that belongs to one route either way is data', async () => {
  for (const path of ['/public/a%2Fb', '/public/a%5Cb', '/public//a', '/packages/@scope%2Fname', '/packages/%2F']) {
    const before = upstream.requests.length;
    assert.equal((await get(path)).status, 200, path);
    assert.equal(upstream.requests[before]?.target, path);
  }
});

test('a refusal leaves the connection usable unless it says otherwise', async () => {
  const answer = await get('/nowhere');
  assert.doesNotMatch(answer.header('connection') ?? '', /close/i);
});

test('the upstream was sent nothing that is not plain HTTP', () => {
  assert.deepEqual(upstream.violations, []);
});

function get(path: string, host = 'a', fields = ''): Promise<RawResponse> {
  return ask(gateway.port, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`);
}

function send(method: string, path: string, fields = ''): Promise<RawResponse> {
  return ask(gateway.port, `${method} ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`, method);
}

function assertRefused(answer: RawResponse, status: number, code: string): void {
  assert.equal(answer.status, status, answer.text());
  assert.match(answer.header('content-type') ?? '', /^application\/problem\+json/);
  assert.equal(answer.json()['code'], code);
  assert.equal(answer.json()['requestId'], answer.header('x-request-id'));
}
