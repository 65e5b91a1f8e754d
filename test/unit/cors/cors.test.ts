/** What a route's cors tells browsers, and whom it tells nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CorsConfig } from '../../../src/contracts/config.ts';
import { compileCors } from '../../../src/cors/cors.ts';
import { parseOriginPattern } from '../../../src/cors/origin.ts';

const app = 'https://app.example.com';
const requestFields = 'Access-Control-Request-Method, Access-Control-Request-Headers';

test('an allowed origin is named on the answer, which varies by it', () => {
  const cors = compileCors(config({ origins: [app] }));
  assert.deepEqual(cors.actual(app), ['Vary', 'Origin', 'Access-Control-Allow-Origin', app]);
});

test('an origin that is not allowed, or none, gets nothing but Vary', () => {
  const cors = compileCors(config({ origins: [app], credentials: true }));
  for (const origin of [
    'https://evil.example',
    'http://app.example.com',
    `${app}:8443`,
    `${app}.evil.example`,
    'null',
    '',
    null,
  ]) {
    assert.deepEqual(cors.actual(origin), ['Vary', 'Origin'], `${origin}`);
  }
  assert.deepEqual(cors.preflight('https://evil.example', 'PUT', 'x-a'), ['Vary', `Origin, ${requestFields}`]);
});

test('without origins nobody is allowed', () => {
  assert.deepEqual(compileCors(config({})).actual(app), ['Vary', 'Origin']);
});

test('a preflight is told methods, headers and how long to remember them', () => {
  const cors = compileCors(
    config({ origins: [app], methods: ['GET', 'PUT'], headers: ['X-A', 'X-B'], maxAgeSeconds: 60 }),
  );
  assert.deepEqual(
    cors.preflight(app, 'PUT', 'x-a'),
    [
      ['Vary', `Origin, ${requestFields}`, 'Access-Control-Allow-Origin', app],
      ['Access-Control-Allow-Methods', 'GET, PUT', 'Access-Control-Allow-Headers', 'X-A, X-B'],
      ['Access-Control-Max-Age', '60'],
    ].flat(),
  );
});

test('without lists the usual methods and the requested headers are allowed', () => {
  const cors = compileCors(config({ origins: [app] }));
  const fields = toMap(cors.preflight(app, 'PATCH', 'x-a, content-type'));
  assert.equal(fields.get('Access-Control-Allow-Methods'), 'GET, HEAD, POST, PUT, PATCH, DELETE');
  assert.equal(fields.get('Access-Control-Allow-Headers'), 'x-a, content-type');
  assert.ok(!toMap(cors.preflight(app, 'PATCH', '')).has('Access-Control-Allow-Headers'));
});

test('"*" in a list allows what is asked for, also with credentials, where browsers take "*" literally', () => {
  const cors = compileCors(config({ origins: [app], methods: ['*'], headers: ['*'], credentials: true }));
  const fields = toMap(cors.preflight(app, 'REPORT', 'x-a'));
  assert.equal(fields.get('Access-Control-Allow-Methods'), 'REPORT');
  assert.equal(fields.get('Access-Control-Allow-Headers'), 'x-a');
});

test('what is no list of names is not sent back', () => {
  const cors = compileCors(config({ origins: [app], methods: ['*'] }));
  for (const junk of ['x a', 'x,', ',x', 'x;y', 'caf\xe9', 'x\r\ny', 'a'.repeat(5_000)]) {
    const fields = toMap(cors.preflight(app, junk, junk));
    assert.ok(!fields.has('Access-Control-Allow-Methods') && !fields.has('Access-Control-Allow-Headers'), junk);
  }
});

test('credentials are granted to origins that are named', () => {
  const cors = compileCors(config({ origins: [app, 'https://*.example.org'], credentials: true }));
  for (const origin of [app, 'https://x.example.org']) {
    assert.equal(toMap(cors.actual(origin)).get('Access-Control-Allow-Credentials'), 'true');
    assert.equal(toMap(cors.preflight(origin, 'GET', '')).get('Access-Control-Allow-Credentials'), 'true');
  }
});

test('"*" allows all origins in one answer for all, and never with credentials', () => {
  const cors = compileCors(config({ origins: ['*', app], credentials: true }));
  for (const origin of [app, 'null', null]) assert.deepEqual(cors.actual(origin), ['Access-Control-Allow-Origin', '*']);
  const fields = toMap(cors.preflight('https://any.example', 'GET', ''));
  assert.equal(fields.get('Access-Control-Allow-Origin'), '*');
  assert.equal(fields.get('Vary'), requestFields);
  assert.ok(!fields.has('Access-Control-Allow-Credentials'));
});

test('a wildcard origin is every host below, with the same scheme and port', () => {
  const cors = compileCors(config({ origins: ['https://*.example.com', 'http://*.dev.test:8080'] }));
  const allowed = [app, 'https://a.b.example.com', 'https://x-1_2.example.com', 'http://a.dev.test:8080'];
  for (const origin of allowed) assert.equal(toMap(cors.actual(origin)).get('Access-Control-Allow-Origin'), origin);
  for (const origin of [
    'https://example.com',
    'https://.example.com',
    'https://a..example.com',
    'https://evilexample.com',
    'http://app.example.com',
    'https://app.example.com:8443',
    'https://app.example.com.evil.example',
    'https://evil.example/.example.com',
    'https://evil.example:1.example.com',
    'https://evil@app.example.com',
    'https://APP.example.com',
    'http://a.dev.test',
  ]) {
    assert.deepEqual(cors.actual(origin), ['Vary', 'Origin'], origin);
  }
});

test('"null" is allowed only by its name', () => {
  assert.deepEqual(
    toMap(compileCors(config({ origins: ['null'] })).actual('null')).get('Access-Control-Allow-Origin'),
    'null',
  );
  assert.deepEqual(compileCors(config({ origins: ['https://*.null'] })).actual('null'), ['Vary', 'Origin']);
});

test('origins are compared as browsers send them: lower case, no default port', () => {
  assert.deepEqual(parseOriginPattern('HTTPS://App.Example.com:443'), { kind: 'exact', origin: app });
  assert.deepEqual(parseOriginPattern('http://a.b:80'), { kind: 'exact', origin: 'http://a.b' });
  assert.deepEqual(parseOriginPattern('http://a.b:443'), { kind: 'exact', origin: 'http://a.b:443' });
  assert.deepEqual(parseOriginPattern('http://[::1]:3000'), { kind: 'exact', origin: 'http://[::1]:3000' });
  assert.deepEqual(parseOriginPattern('chrome-extension://abc'), { kind: 'exact', origin: 'chrome-extension://abc' });
});

for (const text of [
  '',
  'app.example.com',
  '*.example.com',
  'https://',
  'https://a/',
  'https://a/b',
  'https://u@a',
  'https://a b',
  'https://*',
  'https://a.*.b',
  'https://*a.b',
  'https://a:b',
]) {
  test(`"${text}" is refused as an origin`, () => {
    assert.throws(() => compileCors(config({ origins: [text] })), { message: /must be an origin|may hold "\*"/ });
  });
}

test('whatever origin asks, only an allowed one is ever named', () => {
  const cors = compileCors(config({ origins: [app, 'https://*.example.org'], credentials: true }));
  const pieces = fc.constantFrom(
    'https://',
    'http://',
    'app.example.com',
    '.example.org',
    'x',
    '.',
    ':443',
    '/',
    '@',
    ' ',
    'evil.example',
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 5 }), (parts) => {
      const origin = parts.join('');
      const named = toMap(cors.actual(origin)).get('Access-Control-Allow-Origin');
      if (named === undefined) return;
      assert.equal(named, origin);
      assert.ok(origin === app || new URL(origin).hostname.endsWith('.example.org'));
      assert.equal(new URL(origin).origin, origin);
    }),
    { numRuns: 5_000 },
  );
});

function config(part: Partial<CorsConfig>): CorsConfig {
  return { origins: [], methods: [], headers: [], credentials: false, maxAgeSeconds: 600, ...part };
}

function toMap(flat: readonly string[]): Map<string, string> {
  const fields = new Map<string, string>();
  for (let i = 0; i < flat.length; i += 2) fields.set(flat[i] as string, flat[i + 1] as string);
  return fields;
}
