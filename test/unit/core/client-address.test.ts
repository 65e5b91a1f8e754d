/** Who the client is behind proxies, and what upstreams are told. */
import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileTrustedProxies, forwardedFields, resolveClient } from '../../../src/core/client-address.ts';
import { fuzzRuns } from '../../support/fuzz.ts';

const isTrusted = compileTrustedProxies(['10.0.0.0/8', '192.0.2.7', '2001:db8:1::/48']) ?? assert.fail();

test('ranges and single addresses of both families are trusted, and nothing beside them', () => {
  for (const ip of ['10.0.0.1', '10.255.255.255', '192.0.2.7', '2001:db8:1::1']) assert.ok(isTrusted(ip), ip);
  for (const ip of ['11.0.0.1', '192.0.2.8', '2001:db8:2::1', '::1', 'unknown', '']) assert.ok(!isTrusted(ip), ip);
});

test('an answer about an address stays the same however many addresses were asked about in between', () => {
  for (let i = 0; i < 10_000; i++) isTrusted(`203.0.${i >> 8}.${i & 255}`);
  assert.ok(isTrusted('10.0.0.1'));
  assert.ok(!isTrusted('203.0.0.1'));
});

test('an IPv4-mapped range is the IPv4 range', () => {
  const trusts = compileTrustedProxies(['::ffff:10.1.0.0/112']) ?? assert.fail();
  assert.ok(trusts('10.1.2.3'));
  assert.ok(!trusts('10.2.0.1'));
});

test('without entries nobody is trusted', () => {
  assert.equal(compileTrustedProxies([]), null);
});

for (const cidr of [
  '',
  'localhost',
  '10.0.0.0/33',
  '10.0.0/8',
  '10.0.0.0/',
  '10.0.0.0/8/8',
  '10.0.0.0/-1',
  '::1/129',
  '::ffff:10.0.0.0/8',
  'fe80::1%1',
]) {
  test(`"${cidr}" is refused as a range`, () => {
    assert.throws(() => compileTrustedProxies([cidr]), { message: /no address or range: write/ });
  });
}

test('an untrusted peer is the client, whatever it claims', () => {
  const claims = resolveClient('::ffff:198.51.100.1', ['1.1.1.1'], ['for=2.2.2.2'], isTrusted);
  assert.deepEqual(claims, {
    ip: '198.51.100.1',
    isPeerTrusted: false,
    forwardedFor: '198.51.100.1',
    proto: null,
    host: null,
  });
  assert.equal(resolveClient('10.0.0.1', ['1.1.1.1'], [], null).ip, '10.0.0.1');
});

test('behind trusted proxies the client is the first untrusted address from the right', () => {
  assert.equal(ipFrom(['6.6.6.6, 198.51.100.1, 10.0.0.9']), '198.51.100.1');
  assert.equal(ipFrom(['6.6.6.6', '198.51.100.1', '10.0.0.9, 192.0.2.7']), '198.51.100.1');
  assert.equal(ipFrom(['198.51.100.1:5555,[2001:db8:1::1]:80']), '198.51.100.1');
  assert.equal(ipFrom(['2001:db8:2::1']), '2001:db8:2::1');
});

test('where all hops are trusted the first of them is the client', () => {
  assert.equal(ipFrom(['10.0.0.5, 10.0.0.6']), '10.0.0.5');
  assert.equal(ipFrom([]), '10.0.0.1');
  assert.equal(ipFrom(['', ' , ']), '10.0.0.1');
});

test('what is no address ends the walk at the hop that wrote it', () => {
  assert.equal(ipFrom(['198.51.100.1, unknown']), '10.0.0.1');
  assert.equal(ipFrom(['198.51.100.1, <script>, 10.0.0.9']), '10.0.0.9');
});

test('X-Forwarded-For is continued with the peer', () => {
  assert.equal(
    resolveClient('10.0.0.1', ['6.6.6.6, x', '10.0.0.9'], [], isTrusted).forwardedFor,
    '6.6.6.6, x, 10.0.0.9, 10.0.0.1',
  );
  assert.equal(resolveClient('10.0.0.1', [], [], isTrusted).forwardedFor, '10.0.0.1');
});

test('Forwarded is walked the same way, and its hops become X-Forwarded-For', () => {
  const lines = ['for=6.6.6.6', 'For="[2001:db8:2::1]:4711";proto=HTTPS;host=api.example.com;by=_x, for=10.0.0.9'];
  assert.deepEqual(resolveClient('10.0.0.1', [], lines, isTrusted), {
    ip: '2001:db8:2::1',
    isPeerTrusted: true,
    forwardedFor: '2001:db8:2::1, 10.0.0.9, 10.0.0.1',
    proto: 'https',
    host: 'api.example.com',
  });
});

test('malformed, obfuscated and unknown elements of Forwarded end the walk', () => {
  for (const element of [
    'for=unknown',
    'for=_a',
    'for',
    'proto=https',
    'for=1.1.1.1;for=2.2.2.2',
    'for="1.1.1.1',
    'for=1.1.1.1;',
    '"',
  ]) {
    const found = resolveClient('10.0.0.1', [], [`for=6.6.6.6, ${element}, for=10.0.0.9`], isTrusted);
    assert.equal(found.ip, '10.0.0.9', element);
  }
});

test('a quote that a client left open does not swallow what a trusted proxy appended', () => {
  assert.equal(resolveClient('10.0.0.1', [], ['for="6.6.6.6, for=198.51.100.1'], isTrusted).ip, '198.51.100.1');
});

test('where both fields came X-Forwarded-For decides: a proxy that writes it may pass a forged Forwarded on', () => {
  const found = resolveClient('10.0.0.1', ['198.51.100.1'], ['for=6.6.6.6;proto=https'], isTrusted);
  assert.deepEqual([found.ip, found.proto], ['198.51.100.1', null]);
});

test('a client can never choose its address: what it writes stands left of what the proxy appends', () => {
  fc.assert(
    fc.property(fc.string(), fc.boolean(), (forged, asForwarded) => {
      const line = asForwarded ? `${forged}, for=198.51.100.1` : `${forged}, 198.51.100.1`;
      const found = resolveClient('10.0.0.1', asForwarded ? [] : [line], asForwarded ? [line] : [], isTrusted);
      assert.equal(found.ip, '198.51.100.1');
    }),
    fuzzRuns(2_000),
  );
});

const headerWords = [
  'for=',
  'proto=',
  'host=',
  'by=',
  '10.0.0.2',
  '192.0.2.7',
  '203.0.113.9',
  '"[2001:db8:1::1]:80"',
  '::1',
];
const separators = [',', ';', ' ', '"', '\\', '=', 'unknown', '_hidden', ':', '8080', '[', ']', '%', '\t'];
const fieldLines = fc.array(
  fc
    .array(fc.oneof(fc.constantFrom(...headerWords, ...separators), fc.string({ maxLength: 4 })), { maxLength: 20 })
    .map((words) => words.join('')),
  { maxLength: 3 },
);

test('whatever stands in the fields, the client is an address, and upstreams are told of the peer', () => {
  fc.assert(
    fc.property(fieldLines, fieldLines, (xForwardedFor, forwarded) => {
      const client = resolveClient('10.0.0.1', xForwardedFor, forwarded, isTrusted);
      assert.notEqual(isIP(client.ip), 0, client.ip);
      assert.match(client.forwardedFor, /(^|, )10\.0\.0\.1$/);
      assert.ok(client.proto === null || client.proto === 'http' || client.proto === 'https');
      assert.match(client.host ?? 'a', /^[\w.:[\]-]+$/);
      const stranger = resolveClient('203.0.113.1', xForwardedFor, forwarded, isTrusted);
      assert.deepEqual([stranger.ip, stranger.forwardedFor], ['203.0.113.1', '203.0.113.1']);
    }),
    fuzzRuns(2_000),
  );
});

const front = { scheme: 'http', authority: 'gw.example:8080' } as const;
const silent = { proto: null, host: null, port: null };

test("an untrusted peer's fields are replaced by what the gateway saw", () => {
  const client = resolveClient('198.51.100.1', ['1.1.1.1'], [], isTrusted);
  const forged = { proto: 'https', host: 'evil.example', port: '1' };
  assert.deepEqual(
    forwardedFields(client, front, forged),
    [
      ['X-Forwarded-For', '198.51.100.1', 'X-Forwarded-Proto', 'http'],
      ['X-Forwarded-Host', 'gw.example:8080', 'X-Forwarded-Port', '8080'],
    ].flat(),
  );
});

test("a trusted peer's fields are kept, and what it left out is filled in from them", () => {
  const client = resolveClient('10.0.0.1', ['198.51.100.1'], [], isTrusted);
  const { proto, host } = { proto: 'https', host: 'api.example.com' };
  assert.deepEqual(
    forwardedFields(client, front, { proto, host, port: '8443' }).slice(2),
    [['X-Forwarded-Proto', 'https', 'X-Forwarded-Host', 'api.example.com', 'X-Forwarded-Port', '8443']].flat(),
  );
  assert.equal(forwardedFields(client, front, { proto, host, port: null }).at(-1), '443');
  assert.equal(forwardedFields(client, front, silent).at(-1), '8080');
});

test("what Forwarded says of the client's own request counts where no X-Forwarded field does", () => {
  const client = resolveClient('10.0.0.1', [], ['for=198.51.100.1;proto=https;host="api.example.com:444"'], isTrusted);
  assert.deepEqual(
    forwardedFields(client, front, silent),
    [
      ['X-Forwarded-For', '198.51.100.1, 10.0.0.1', 'X-Forwarded-Proto', 'https'],
      ['X-Forwarded-Host', 'api.example.com:444', 'X-Forwarded-Port', '444'],
    ].flat(),
  );
});

test("the port is the one the client dialled, or the scheme's own", () => {
  const client = resolveClient('198.51.100.1', [], [], null);
  const port = (scheme: 'http' | 'https', authority: string) =>
    forwardedFields(client, { scheme, authority }, silent).at(-1);
  assert.equal(port('http', 'a.b'), '80');
  assert.equal(port('https', 'a.b'), '443');
  assert.equal(port('https', '[::1]'), '443');
  assert.equal(port('https', '[::1]:9000'), '9000');
  assert.equal(port('http', 'a.b:'), '80');
});

test('without a Host there is no X-Forwarded-Host', () => {
  const client = resolveClient('198.51.100.1', [], [], null);
  const fields = forwardedFields(client, { scheme: 'http', authority: '' }, silent);
  assert.deepEqual(fields.slice(2), ['X-Forwarded-Proto', 'http', 'X-Forwarded-Port', '80']);
});

function ipFrom(lines: readonly string[]): string {
  return resolveClient('10.0.0.1', lines, [], isTrusted).ip;
}
