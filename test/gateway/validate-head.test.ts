/** `validate.contentTypes`, `headers` and `query`: a request that does not fit is refused before its body is read, and the upstream hears nothing of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { ask, type RawResponse, rawClient } from '../support/raw-client.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const gateway = await startGateway({
  config: {
    security: { auth: { type: 'apiKey', secret: 's', keys: [], default: 'none' } },
    upstreams: [{ name: 'api', url: upstream.url }],
    routes: [
      {
        path: '/types',
        upstream: 'api',
        validate: { contentTypes: ['Application/JSON', 'text/*', 'application/*+xml'] },
      },
      { path: '/json', upstream: 'api', validate: { body: true } },
      {
        path: '/query',
        upstream: 'api',
        validate: {
          query: {
            type: 'object',
            required: ['page'],
            properties: {
              page: { type: 'integer', minimum: 1 },
              tags: { type: 'array', items: { type: 'integer' }, maxItems: 3 },
              sort: { $ref: '#/$defs/sort' },
              exact: { type: 'boolean' },
              q: { type: 'string' },
              näme: true,
            },
            additionalProperties: false,
            $defs: { sort: { enum: ['up', 'down'] } },
          },
        },
      },
      {
        path: '/fields',
        upstream: 'api',
        validate: {
          headers: {
            required: ['x-tenant'],
            properties: {
              'x-tenant': { type: 'string', pattern: '^[a-z]{2,8}$' },
              'x-count': { type: 'integer', maximum: 5 },
              'x-list': { type: 'array', items: { type: 'number' }, minItems: 2 },
              'x-api-key': { maxLength: 3 },
            },
          },
          query: { properties: { n: { type: 'integer' } } },
        },
      },
    ],
  },
});

const fine: readonly (readonly [path: string, what: string, fields: string])[] = [
  ['/types', 'a listed type, in any case', 'Content-Type: application/Json\r\n'],
  ['/types', 'with parameters', 'Content-Type: application/json; a="b;c" ; charset=utf-16\r\n'],
  ['/types', 'of a listed kind', 'Content-Type: text/csv\r\n'],
  ['/types', 'with a listed suffix', 'Content-Type: application/atom+xml\r\n'],
  ['/json', 'JSON', 'Content-Type: application/json\r\n'],
  ['/json', 'JSON of its own name', 'Content-Type: application/problem+json\r\n'],
  ['/json', 'JSON in UTF-8', 'Content-Type: application/json;charset="UTF-8"\r\n'],
];

for (const [path, what, fields] of fine) {
  test(`a body ${what} passes on ${path}`, async () => {
    assert.equal((await post(path, fields)).status, 200);
    const request = await upstream.arrival(path);
    assert.equal((await request.received).bytes.toString(), '{}');
  });
}

const otherTypes: readonly (readonly [path: string, what: string, fields: string])[] = [
  ['/types', 'without a type', ''],
  ['/types', 'with an empty type', 'Content-Type:\r\n'],
  ['/types', 'of another type', 'Content-Type: image/png\r\n'],
  ['/types', 'of a type that only begins alike', 'Content-Type: application/jsonx\r\n'],
  ['/types', 'of a type with a suffix that is not listed', 'Content-Type: application/problem+json\r\n'],
  ['/types', 'of half a type', 'Content-Type: text/\r\n'],
  ['/types', 'of two types in one field', 'Content-Type: application/json, text/html\r\n'],
  ['/types', 'with two types', 'Content-Type: application/json\r\nContent-Type: application/json\r\n'],
  ['/types', 'with broken parameters', 'Content-Type: application/json; charset\r\n'],
  ['/json', 'that is no JSON by its type', 'Content-Type: text/plain\r\n'],
  ['/json', 'in another charset', 'Content-Type: application/json; charset=utf-16\r\n'],
  ['/json', 'with two charsets', 'Content-Type: application/json; charset=utf-8; charset=utf-16\r\n'],
  ['/json', 'with an unknown coding', 'Content-Type: application/json\r\nContent-Encoding: compress\r\n'],
  ['/json', 'with two codings', 'Content-Type: application/json\r\nContent-Encoding: gzip, br\r\n'],
  [
    '/json',
    'with two coding fields',
    'Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Encoding: gzip\r\n',
  ],
];

for (const [path, what, fields] of otherTypes) {
  test(`a body ${what} is refused with 415 on ${path}`, async () => {
    const before = upstream.requestsTo(path).length;
    const answer = await post(path, fields);
    assert.equal(answer.status, 415);
    assert.equal(answer.json()['code'], 'unsupported_media_type');
    assert.equal(upstream.requestsTo(path).length, before);
  });
}

test('a 415 says which types, or codings, would be taken', async () => {
  assert.equal((await post('/types', '')).header('accept'), 'application/json, text/*, application/*+xml');
  const coded = await post('/json', 'Content-Type: application/json\r\nContent-Encoding: zip\r\n');
  assert.equal(coded.header('accept-encoding'), 'gzip, deflate, br, zstd');
});

test('without a body no type is needed', async () => {
  assert.equal((await get('/types')).status, 200);
});

test('a client that waits for 100 Continue gets the refusal instead, and need not send its body', async () => {
  const client = await rawClient(gateway.port);
  client.write('POST /types HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n');
  assert.equal((await client.response('POST'))?.status, 415);
  await client.closed();
});

const queries: readonly (readonly [query: string, errors: readonly (readonly [path: string, message: RegExp])[]])[] = [
  ['page=1', []],
  ['page=2&tags=1&tags=2&sort=up&exact=true&q=1', []],
  ['page=2&tags=1', []],
  ['&page=%32&&q=a+b%26', []],
  ['page=1&n%C3%A4me=x', []],
  ['page=1.0', []],
  ['', [['/page', /missing/]]],
  ['page=', [['/page', /integer/]]],
  ['page=0x10', [['/page', /integer/]]],
  ['page=1e999', [['/page', /integer/]]],
  ['page=1.5', [['/page', /integer/]]],
  ['page=0', [['/page', /at least 1/]]],
  ['page=1&page=2', [['/page', /integer/]]],
  ['page=1&tags=a&tags=2', [['/tags/0', /integer/]]],
  ['page=1&exact=yes', [['/exact', /true or false/]]],
  [
    'page=1&sort=sideways&other=1',
    [
      ['/sort', /none of the allowed/],
      ['/other', /not allowed/],
    ],
  ],
  ['page=1&__proto__=1', [['/__proto__', /not allowed/]]],
  ['page=1&q=%zz', [['/q', /percent-encoded/]]],
  ['page=1&q=%ff', [['/q', /percent-encoded/]]],
];

for (const [query, expected] of queries) {
  test(`the query "${query}" ${expected.length === 0 ? 'passes as sent' : 'is refused'}`, async () => {
    const before = upstream.requestsTo('/query').length;
    const answer = await get(`/query?${query}`);
    if (expected.length === 0) {
      assert.equal(answer.status, 200);
      assert.equal(upstream.requestsTo('/query').at(-1)?.target, `/query?${query}`);
      return;
    }
    assertErrors(answer, 'query', expected);
    assert.equal(upstream.requestsTo('/query').length, before);
  });
}

test('fields are held against their schema as texts, numbers and lists', async () => {
  const good = await get('/fields?n=1', 'X-Tenant: acme\r\nX-Count: 5\r\nX-List: 1, 2\r\nX-List: 3\r\n');
  assert.equal(good.status, 200);
  const request = await upstream.arrival('/fields');
  assert.deepEqual(request.values('x-list'), ['1, 2', '3']);
  const bad = await get('/fields', 'X-Tenant: acme\r\nX-Tenant: other\r\nX-Count: 6\r\nX-List: 1\r\n');
  assertErrors(bad, 'headers', [
    ['/x-tenant', /pattern/],
    ['/x-count', /at most 5/],
    ['/x-list', /at least 2 items/],
  ]);
});

test('what is wrong with fields and query is told together, and no value of either is repeated', async () => {
  const answer = await get('/fields?n=hunter2', 'X-API-Key: hunter3\r\n');
  assert.equal(answer.status, 400);
  const errors = answer.json()['errors'] as { in: string; path: string }[];
  assert.deepEqual(
    errors.map((error) => `${error.in}${error.path}`),
    ['headers/x-tenant', 'headers/x-api-key', 'query/n'],
  );
  assert.ok(!answer.text().includes('hunter'));
  const line = await gateway.accessLog(answer.header('x-request-id') ?? '');
  assert.equal(line['code'], 'validation_failed');
  assert.ok(!JSON.stringify(line).includes('hunter'));
});

test('a WebSocket is judged by its fields and query', async () => {
  const client = await rawClient(gateway.port);
  client.write(
    'GET /fields HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  assert.equal((await client.response())?.status, 400);
  client.destroy();
});

function assertErrors(
  answer: RawResponse,
  part: string,
  expected: readonly (readonly [path: string, message: RegExp])[],
): void {
  assert.equal(answer.status, 400);
  const { code, errors } = answer.json() as { code: string; errors: { in: string; path: string; message: string }[] };
  assert.equal(code, 'validation_failed');
  assert.deepEqual(
    errors.map((error) => [error.in, error.path]),
    expected.map(([path]) => [part, path]),
  );
  for (const [i, [, message]] of expected.entries()) assert.match(errors[i]?.message ?? '', message);
}

function get(target: string, fields = ''): Promise<RawResponse> {
  return ask(gateway.port, `GET ${target} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`);
}

function post(path: string, fields: string): Promise<RawResponse> {
  return ask(gateway.port, `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n${fields}\r\n{}`, 'POST');
}
