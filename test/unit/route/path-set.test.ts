/** Every pattern that matches a path. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compilePathSet } from '../../../src/route/path-set.ts';
import { compileRouteTable } from '../../../src/route/table.ts';

function setOf(...paths: string[]) {
  return compilePathSet(paths.map((path) => ({ path, value: path })));
}

test('finds every pattern that matches, in the order of the list', () => {
  const set = setOf('/*', '/api/*', '/api/:kind', '/api/users', '/other');
  assert.deepEqual(set.find('/api/users', []), ['/*', '/api/*', '/api/:kind', '/api/users']);
  assert.deepEqual(set.find('/api/users/7', []), ['/*', '/api/*']);
  assert.deepEqual(set.find('/', []), ['/*']);
});

test('a pattern matches as a route of the same path does', () => {
  const words = fc.constantFrom('a', 'b', ':x', 'usersX');
  const pattern = fc
    .tuple(fc.array(words, { minLength: 1, maxLength: 3 }), fc.constantFrom('', '/', '/*'))
    .filter(([segments]) => segments.filter((word) => word === ':x').length < 2)
    .map(([segments, end]) => `/${segments.join('/')}${end}`);
  const path = fc
    .tuple(fc.array(fc.constantFrom('a', 'b', 'usersX'), { maxLength: 4 }), fc.constantFrom('', '/'))
    .map(([segments, end]) => `/${segments.join('/')}${end}`);
  fc.assert(
    fc.property(fc.array(pattern, { maxLength: 5 }), path, (patterns, asked) => {
      const matching = patterns.filter((each) => {
        const table = compileRouteTable([{ path: each, host: null, methods: null, headers: [], route: each }]);
        return table.find('GET', '', asked, [], []).kind === 'match';
      });
      assert.deepEqual(setOf(...patterns).find(asked, []), matching);
    }),
  );
});

test('the same pattern may be there twice', () => {
  const set = compilePathSet([
    { path: '/a/*', value: 'a minute' },
    { path: '/a/*', value: 'an hour' },
  ]);
  assert.deepEqual(set.find('/a/b', []), ['a minute', 'an hour']);
});

test('any reading of the path counts, and each pattern once', () => {
  const set = setOf('/costly/*', '/a/:x', '/a/*');
  assert.deepEqual(set.find('/costly%2Freport', ['/costly/report']), ['/costly/*']);
  assert.deepEqual(set.find('/a//b', ['/a/b']), ['/a/:x', '/a/*']);
});

test('nothing is found in an empty set', () => {
  assert.equal(setOf().isEmpty, true);
  assert.deepEqual(setOf().find('/a', []), []);
});
