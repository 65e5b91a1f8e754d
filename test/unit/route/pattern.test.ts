/** A route's path as the config writes it: what is understood, and what the errors say. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePathPattern } from '../../../src/route/pattern.ts';

test('a pattern is literals, parameters and a trailing "*"', () => {
  assert.deepEqual(parsePathPattern('/users/:id/posts/:post/*'), {
    segments: [
      { kind: 'literal', text: 'users' },
      { kind: 'param', name: 'id' },
      { kind: 'literal', text: 'posts' },
      { kind: 'param', name: 'post' },
    ],
    params: ['id', 'post'],
    hasWildcard: true,
  });
});

test('the root, "/*" and a trailing slash are patterns', () => {
  assert.deepEqual(parsePathPattern('/').segments, [{ kind: 'literal', text: '' }]);
  assert.deepEqual(parsePathPattern('/*'), { segments: [], params: [], hasWildcard: true });
  assert.deepEqual(parsePathPattern('/a/').segments, [
    { kind: 'literal', text: 'a' },
    { kind: 'literal', text: '' },
  ]);
});

test('a colon inside a literal is data', () => {
  assert.deepEqual(parsePathPattern('/things:batch').segments, [{ kind: 'literal', text: 'things:batch' }]);
});

test('letters beyond ASCII stand for their escapes', () => {
  assert.deepEqual(parsePathPattern('/café').segments, [{ kind: 'literal', text: 'caf%C3%A9' }]);
});

for (const [path, message] of [
  ['api', /must start with "\/"/],
  ['', /must start with "\/"/],
  ['*', /must start with "\/"/],
  ['/files/*.png', /"\*" only as its whole last segment/],
  ['/a/*/b', /"\*" only as its whole last segment/],
  ['/a*', /"\*" only as its whole last segment/],
  ['/:', /":", which is no parameter/],
  ['/:1d', /":1d", which is no parameter/],
  ['/:id.json', /":id.json", which is no parameter/],
  ['/:id/:id', /":id" twice/],
  ['/a?b=1', /without the query/],
  ['/a#b', /fragment/],
  ['/a\\b', /backslash/],
  ['/a b', /write a space as "%20"/],
  ['/a\u0000', /control/],
  ['/users/{id}', /write it as "%7B", or a parameter as ":name"/],
  ['/a|b', /write it as "%7C"/],
  ['/%zz', /broken/],
  ['/%00', /NUL/],
  ['/%41', /write "A" instead of "%41"/],
  ['/%c3%a9', /write "%C3%A9" instead/],
  ['/a/../b', /dot segment/],
  ['/./b', /dot segment/],
  ['/a/%2e%2E', /dot segment/],
  ['/a%2Fb', /encoded slash/],
  ['/a%5Cb', /encoded slash or backslash/],
  ['//a', /empty segment/],
  ['/a//', /empty segment/],
  ['/a//*', /empty segment/],
  ['/\ud800', /surrogate/],
] as const) {
  test(`the path ${JSON.stringify(path)} is refused with what to write instead`, () => {
    assert.throws(() => parsePathPattern(path), { message });
  });
}
