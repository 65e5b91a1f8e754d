/** A route's host as the config writes it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHostPattern } from '../../../src/route/host.ts';

test('a host is a name, an address or a suffix, in lower case and without a final dot', () => {
  assert.deepEqual(parseHostPattern('API.Example.com.'), { kind: 'exact', text: 'api.example.com' });
  assert.deepEqual(parseHostPattern('*.Example.com'), { kind: 'wildcard', text: '.example.com' });
  assert.deepEqual(parseHostPattern('10.0.0.1'), { kind: 'exact', text: '10.0.0.1' });
  assert.deepEqual(parseHostPattern('[::1]'), { kind: 'exact', text: '[::1]' });
});

for (const [host, message] of [
  ['http://a.b', /without a scheme/],
  ['a.b:80', /must not name a port/],
  ['*.a.*', /whole first label/],
  ['a*.b', /whole first label/],
  ['*', /whole first label/],
  ['', /must be a host name/],
  ['*.', /must be a host name|whole first label/],
  ['a..b', /must be a host name/],
  ['a/b', /must be a host name/],
  ['bücher.example', /must be a host name/],
] as const) {
  test(`the host ${JSON.stringify(host)} is refused with what to write instead`, () => {
    assert.throws(() => parseHostPattern(host), { message });
  });
}
