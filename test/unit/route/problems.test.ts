/** What is said about routes that are equal, out of reach, or in a tie: never about routes that have a use. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalizePath } from '../../../src/core/canonical-path.ts';
import { findRouteProblems, type RouteConditions } from '../../../src/route/problems.ts';
import { compileRouteTable } from '../../../src/route/table.ts';

test('routes that differ have no problems', () => {
  const routes = [
    route('/*'),
    route('/a'),
    route('/a/'),
    route('/a/*'),
    route('/a/:x'),
    route('/a', { host: 'h' }),
    route('/a', { host: '*.h' }),
    route('/a', { methods: ['GET'] }),
    route('/a', { methods: ['POST'] }),
    route('/a', { methods: ['GET'], headers: beta }),
    route('/a', { methods: ['GET'], headers: [{ name: 'x-beta', value: '2' }] }),
  ];
  assert.deepEqual(findRouteProblems(routes), []);
});

test('two routes that can never be told apart are an error at the second', () => {
  for (const [first, second] of [
    [route('/a'), route('/a')],
    [route('/a/:id'), route('/a/:name')],
    [route('/a', { host: 'H.example' }), route('/a', { host: 'h.example.' })],
    [route('/a', { methods: ['GET', 'POST'] }), route('/a', { methods: ['POST', 'HEAD', 'GET'] })],
    [route('/a', { headers: [...beta, ...gold] }), route('/a', { headers: [...gold, ...beta] })],
  ] as const) {
    assertProblems([first, route('/b'), second], [2, 0, 'error', /never be told apart/]);
  }
});

test('a route whose methods are all taken by others is an error', () => {
  const all = [route('/a', { methods: ['GET'] }), route('/a', { methods: ['POST'] })];
  assertProblems([...all, route('/a', { methods: ['HEAD', 'POST'] })], [2, 1, 'error', /never be reached/]);
  assertProblems([...all, route('/a', { methods: ['HEAD'] })], [2, 0, 'error', /never be reached/]);
});

test('a route that keeps one method is in a tie, and the warning names the first of its rivals', () => {
  const routes = [
    route('/a', { methods: ['PUT'] }),
    route('/a', { methods: ['GET'] }),
    route('/a', { methods: ['POST'] }),
  ];
  assertProblems(
    [...routes, route('/a', { methods: ['POST', 'GET', 'PATCH'] })],
    [3, 1, 'warning', /first in the file wins/],
  );
});

test('as many conditions of other kinds are a tie, unless one header would need two values', () => {
  assertProblems(
    [route('/a', { headers: beta }), route('/a', { headers: gold })],
    [1, 0, 'warning', /first in the file/],
  );
  assertProblems(
    [route('/a', { headers: beta }), route('/a', { methods: ['GET'] })],
    [1, 0, 'warning', /first in the file/],
  );
  const other = [{ name: 'x-beta', value: '2' }];
  assertProblems([route('/a', { headers: [...beta, ...gold] }), route('/a', { methods: ['GET'], headers: other })]);
});

test('"/a/*" is out of reach where "/a", "/a/" and "/a/:x/*" leave nothing', () => {
  const cover = [route('/a'), route('/a/'), route('/a/:x/*')];
  assertProblems([route('/a/*'), ...cover], [0, 3, 'error', /never be reached/]);
  for (let i = 0; i < cover.length; i++) assertProblems([route('/a/*'), ...cover.filter((_, at) => at !== i)]);
});

test('"/*" is out of reach beside "/" and "/:x/*", also spelt one level deeper', () => {
  assertProblems([route('/'), route('/:x/*'), route('/*')], [2, 1, 'error', /never be reached/]);
  const deeper = [route('/'), route('/:x'), route('/:x/'), route('/:x/:y/*'), route('/*')];
  assertProblems(deeper, [4, 3, 'error', /never be reached/]);
});

test('more specific paths take only what their own conditions let them', () => {
  const cover = (more: Partial<RouteConditions>) => [route('/', more), route('/:x/*', more)];
  assertProblems([...cover({ methods: ['GET'] }), route('/*')]);
  assertProblems([...cover({ headers: beta }), route('/*')]);
  assertProblems([...cover({ host: 'h' }), route('/*')]);
  assertProblems(
    [...cover({ methods: ['GET'] }), route('/*', { methods: ['HEAD'] })],
    [2, 1, 'error', /never be reached/],
  );
  assertProblems(
    [...cover({ headers: beta }), route('/*', { headers: [...gold, ...beta] })],
    [2, 1, 'error', /reached/],
  );
});

test('routes whose path or host is wrong are left to their own errors', () => {
  assertProblems([route('a'), route('a'), route('/a', { host: 'a:1' }), route('/a', { host: 'a:1' })]);
});

// Comparing all pairs would take minutes where this takes a second.
test('a hundred thousand routes that differ by a header or a host are judged', { timeout: 30_000 }, () => {
  const routes = Array.from({ length: 50_000 }, (_, i) => [
    route('/*', { headers: [{ name: 'x-tenant', value: `${i}` }] }),
    route('/*', { host: `h${i}`, methods: ['GET'] }),
  ]).flat();
  assertProblems(routes);
});

const words = fc.constantFrom('a', ':p');
const path = fc
  .tuple(fc.array(words, { maxLength: 2 }), fc.constantFrom('', '/', '/*'))
  .map(([segments, end]) => segments.map((word, i) => `/${word === ':p' ? `:p${i}` : word}`).join('') + end)
  .map((text) => (text === '' ? '/' : text));
const conditions: fc.Arbitrary<RouteConditions> = fc.record({
  path,
  host: fc.constantFrom(null, null, 'x.y'),
  methods: fc.option(fc.uniqueArray(fc.constantFrom('GET', 'POST', 'HEAD'), { minLength: 1 }), { nil: null }),
  headers: fc.constantFrom([], [], [{ name: 'x-a', value: '1' }], [{ name: 'x-b', value: '1' }]),
});

test('exactly the routes that no request can reach are errors', () => {
  const requests = everyRequest();
  fc.assert(
    fc.property(fc.array(conditions, { maxLength: 8 }), (routes) => {
      const errors = findRouteProblems(routes).filter(({ severity }) => severity === 'error');
      const reached = new Set<number>();
      const table = compileRouteTable(routes.map((conditions, i) => ({ ...conditions, route: i })));
      for (const { method, host, path, others, rawHeaders } of requests) {
        const found = table.find(method, host, path, rawHeaders, others);
        if (found.kind === 'match') reached.add(found.route);
      }
      const outOfReach = routes.map((_, i) => i).filter((i) => !reached.has(i));
      assert.deepEqual(
        errors.map(({ index }) => index),
        outOfReach,
      );
      for (const { index, other } of errors) assert.notEqual(index, other);
    }),
    { numRuns: 500 },
  );
});

/** Of every kind that the routes above can tell apart. */
function everyRequest() {
  const segments = ['a', 'b', ''];
  const paths = segments.flatMap((a) => [
    `/${a}`,
    ...segments.flatMap((b) => [`/${a}/${b}`, ...segments.map((c) => `/${a}/${b}/${c}`)]),
  ]);
  const reads = [...paths, '/a/b/c/d', '/b%2Fb', '/b/b%2Fb/b'].map(
    (path) => canonicalizePath(path) ?? assert.fail(path),
  );
  const fields = [[], ['x-a', '1'], ['x-b', '1'], ['x-a', '1', 'x-b', '1']];
  return ['', 'x.y'].flatMap((host) =>
    ['GET', 'HEAD', 'POST', 'PUT'].flatMap((method) =>
      reads.flatMap(({ path, others }) => fields.map((rawHeaders) => ({ host, method, path, others, rawHeaders }))),
    ),
  );
}

const beta = [{ name: 'x-beta', value: '1' }];
const gold = [{ name: 'x-plan', value: 'gold' }];

function route(path: string, more: Partial<RouteConditions> = {}): RouteConditions {
  return { path, host: null, methods: null, headers: [], ...more };
}

type Expected = readonly [index: number, other: number, severity: string, message: RegExp];

function assertProblems(routes: readonly RouteConditions[], ...expected: readonly Expected[]): void {
  const problems = findRouteProblems(routes);
  assert.deepEqual(
    problems.map(({ index, other, severity }) => [index, other, severity]),
    expected.map(([index, other, severity]) => [index, other, severity]),
  );
  problems.forEach(({ message }, i) => assert.match(message, expected[i]?.[3] ?? /^$/));
}
