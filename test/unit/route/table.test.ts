/** Which route a request gets: precedence, conditions, hosts, and agreement of all readings of its path. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RouteSpec } from '../../../src/contracts/route.ts';
import { canonicalizePath } from '../../../src/core/canonical-path.ts';
import { compileRouteTable, createRouteTable } from '../../../src/route/table.ts';
import { findByReference, type Request, type Spec } from './reference-matcher.ts';

test('"/api/users/*" matches itself, with a slash, and everything below, but no longer name', () => {
  const find = finder(['/api/users/*']);
  for (const path of ['/api/users', '/api/users/', '/api/users/1', '/api/users/1/2/']) assert.equal(find(path), 0);
  for (const path of ['/api/usersX', '/api/user', '/api', '/', '/API/users']) assert.equal(find(path), null);
});

test('"/*" matches every path', () => {
  const find = finder(['/*']);
  for (const path of ['/', '/a', '/a/b/c', '/a/']) assert.equal(find(path), 0);
});

test('an exact path matches nothing else, not even its trailing slash', () => {
  const find = finder(['/a', '/b/']);
  assert.deepEqual([find('/a'), find('/a/'), find('/b/'), find('/b'), find('/A')], [0, null, 1, null, null]);
});

test('a parameter stands for one segment that is not empty', () => {
  const find = finder(['/users/:id', '/users/:id/posts']);
  assert.deepEqual([find('/users/1'), find('/users/'), find('/users'), find('/users/1/')], [0, null, null, null]);
  assert.equal(find('/users/1/posts'), 1);
});

test('segment by segment a literal wins over a parameter over "*"', () => {
  const find = finder(['/*', '/:a', '/a/*', '/a/:b', '/a/b', '/:x/b', '/a']);
  assert.equal(find('/a/b'), 4);
  assert.equal(find('/a/c'), 3);
  assert.equal(find('/a/c/d'), 2);
  assert.equal(find('/z/b'), 5);
  assert.equal(find('/z'), 1);
  assert.equal(find('/a'), 6);
  assert.equal(find('/z/z'), 0);
});

test('a literal that leads nowhere gives way to the next best', () => {
  const find = finder(['/a/b/c', '/:x/b/d', '/*']);
  assert.equal(find('/a/b/d'), 1);
  assert.equal(find('/a/b/e'), 2);
});

test('an exact host wins over the longest wildcard, over a shorter one, over none', () => {
  const table = compileRouteTable([
    spec('/*', 0),
    spec('/*', 1, { host: '*.example.com' }),
    spec('/*', 2, { host: '*.eu.example.com' }),
    spec('/*', 3, { host: 'API.eu.example.com' }),
  ]);
  const find = (host: string) => answer(table.find('GET', host, '/x', [], []));
  assert.equal(find('api.eu.example.com'), 3);
  assert.equal(find('www.eu.example.com'), 2);
  assert.equal(find('a.b.eu.example.com'), 2);
  assert.equal(find('eu.example.com'), 1);
  assert.equal(find('example.com'), 0);
  assert.equal(find('notexample.com'), 0);
  assert.equal(find('.example.com'), 0);
  assert.equal(find('api.eu.example.com.'), 3);
  assert.equal(find(''), 0);
});

test('a host whose paths do not match gives way to a wider one', () => {
  const table = compileRouteTable([spec('/a', 0, { host: 'x.y' }), spec('/b', 1, { host: '*.y' }), spec('/*', 2)]);
  assert.equal(answer(table.find('GET', 'x.y', '/b', [], [])), 1);
  assert.equal(answer(table.find('GET', 'x.y', '/c', [], [])), 2);
});

test('the more conditions win, and of equals the first in the file', () => {
  const table = compileRouteTable([
    spec('/a', 0),
    spec('/a', 1, { methods: ['GET'] }),
    spec('/a', 2, { headers: [{ name: 'x-beta', value: '1' }] }),
    spec('/a', 3, { methods: ['GET'], headers: [{ name: 'x-beta', value: '1' }] }),
  ]);
  const beta = ['X-Beta', '1'];
  assert.equal(answer(table.find('POST', '', '/a', [], [])), 0);
  assert.equal(answer(table.find('GET', '', '/a', [], [])), 1);
  assert.equal(answer(table.find('POST', '', '/a', beta, [])), 2);
  assert.equal(answer(table.find('GET', '', '/a', beta, [])), 3);
});

test('header conditions compare names without case, values exactly, and each line of a repeated field', () => {
  const headers = [
    { name: 'x-a', value: 'One' },
    { name: 'x-b', value: '2' },
  ];
  const table = compileRouteTable([spec('/a', 0, { headers })]);
  const find = (...rawHeaders: string[]) => answer(table.find('GET', '', '/a', rawHeaders, []));
  assert.equal(find('X-A', 'One', 'x-B', '2'), 0);
  assert.equal(find('x-a', 'zero', 'x-b', '2', 'X-A', 'One'), 0);
  assert.equal(find('x-a', 'one', 'x-b', '2'), null);
  assert.equal(find('x-a', 'One'), null);
  assert.equal(find('One', 'x-a', '2', 'x-b'), null);
});

test('GET includes HEAD', () => {
  const table = compileRouteTable([spec('/a', 0, { methods: ['GET'] })]);
  assert.equal(answer(table.find('HEAD', '', '/a', [], [])), 0);
});

test('where only methods stand in the way, all that would pass are named, sorted, with HEAD', () => {
  const table = compileRouteTable([
    spec('/a/b', 0, { methods: ['PUT', 'GET'] }),
    spec('/a/*', 1, { methods: ['DELETE'] }),
    spec('/:x/b', 2, { methods: ['POST'], host: 'h' }),
    spec('/a/b', 3, { methods: ['PATCH'], headers: [{ name: 'x', value: '1' }] }),
    spec('/other', 4, { methods: ['TRACE'] }),
  ]);
  const allow = (host: string, rawHeaders: string[]) => table.find('OPTIONS', host, '/a/b', rawHeaders, []);
  assert.deepEqual(allow('', []), { kind: 'method', allow: ['DELETE', 'GET', 'HEAD', 'PUT'] });
  assert.deepEqual(allow('h', []), { kind: 'method', allow: ['DELETE', 'GET', 'HEAD', 'POST', 'PUT'] });
  assert.deepEqual(allow('', ['x', '1']), { kind: 'method', allow: ['DELETE', 'GET', 'HEAD', 'PATCH', 'PUT'] });
});

test('a method that a better route does not want falls through to a wider one', () => {
  const table = compileRouteTable([spec('/a/b', 0, { methods: ['GET'] }), spec('/a/*', 1)]);
  assert.equal(answer(table.find('POST', '', '/a/b', [], [])), 1);
});

test('a header condition in the way is no reason for 405', () => {
  const table = compileRouteTable([spec('/a', 0, { methods: ['GET'], headers: [{ name: 'x', value: '1' }] })]);
  assert.deepEqual(table.find('POST', '', '/a', [], []), { kind: 'none' });
});

test('an encoded slash or an empty segment passes where every reading has one route', () => {
  const find = finder(['/echo/*', '/*']);
  for (const path of ['/echo/a%2Fb', '/echo//a', '/echo/%5C', '/echo/a//', '/x%2Fy']) {
    assert.notEqual(find(path), null);
    assert.notEqual(find(path), 'ambiguous');
  }
});

test('two readings with two routes are refused', () => {
  const find = finder(['/admin/*', '/users/:id', '/*']);
  for (const path of ['/admin%2Fx', '//admin/x', '/admin%5Cx', '/users/a%2Fb', '/users//1']) {
    assert.equal(find(path), 'ambiguous', path);
  }
});

test('an encoded slash in a parameter is data where no route was written for the other reading', () => {
  const find = finder(['/packages/:name', '/users/:id']);
  assert.equal(find('/packages/@scope%2Fname'), 0);
  assert.equal(find('/elsewhere//a'), null);
});

test('a path that has a route only when it is read the other way is refused', () => {
  const find = finder(['/users/:id']);
  assert.equal(find('//users/a'), 'ambiguous');
});

test('a server that merges but does not decode is thought of, too', () => {
  const find = finder(['/:x/b', '/*']);
  assert.equal(find('/p%2Fq//b'), 'ambiguous');
});

test('a route in a table that grows is found as soon as it has been added', () => {
  const table = createRouteTable<number>();
  assert.deepEqual(table.find('GET', '', '/a', [], []), { kind: 'none' });
  table.addRoute(spec('/a', 7));
  assert.equal(answer(table.find('GET', '', '/a', [], [])), 7);
  assert.throws(() => table.addRoute(spec('a', 8)), /must start with/);
});

test('a match is the same object each time', () => {
  const table = compileRouteTable([spec('/api/*', 0)]);
  assert.equal(table.find('GET', '', '/api/1', [], []), table.find('GET', '', '/api/2', [], []));
});

test('a path of thousands of segments and a host of thousands of labels are looked up at once', () => {
  const table = compileRouteTable([spec('/:a/:b/:c/*', 0), spec('/a/:b/c', 1), spec('/*', 2, { host: '*.a.a' })]);
  assert.equal(answer(table.find('GET', '', '/a'.repeat(4_000), [], [])), 0);
  assert.equal(answer(table.find('GET', 'a.'.repeat(4_000), '/x', [], [])), 2);
});

test('dead ends at every segment do not multiply: a search of 2^200 ways would never end', () => {
  const depth = 200;
  const specs = Array.from({ length: depth }, (_, literals) => {
    const params = Array.from({ length: depth - literals }, (_, i) => `/:p${i}`);
    return spec(`${'/a'.repeat(literals)}${params.join('')}/end`, literals);
  });
  const table = compileRouteTable(specs);
  assert.deepEqual(table.find('GET', '', `${'/a'.repeat(depth)}/dead`, [], []), { kind: 'none' });
  assert.equal(answer(table.find('GET', '', `${'/a'.repeat(depth)}/end`, [], [])), depth - 1);
});

const words = fc.constantFrom('a', 'b', ':p');
const path = fc
  .tuple(fc.array(words, { maxLength: 3 }), fc.constantFrom('', '/', '/*'))
  .map(([segments, end]) => segments.map((word, i) => `/${word === ':p' ? `:p${i}` : word}`).join('') + end)
  .map((text) => (text === '' ? '/' : text));
const specArbitrary = fc.record({
  path,
  host: fc.constantFrom(null, null, 'x.y', '*.y', '*.x.y'),
  methods: fc.option(fc.uniqueArray(fc.constantFrom('GET', 'POST', 'HEAD'), { minLength: 1 }), { nil: null }),
  headers: fc.uniqueArray(fc.constantFrom({ name: 'x-a', value: '1' }, { name: 'x-b', value: '1' }), { maxLength: 2 }),
});
const request: fc.Arbitrary<Request> = fc.record({
  method: fc.constantFrom('GET', 'HEAD', 'POST', 'PUT'),
  host: fc.constantFrom('', 'x.y', 'z.y', 'z.x.y', 'y'),
  path: fc
    .array(fc.constantFrom('a', 'b', 'c', ''), { minLength: 1, maxLength: 4 })
    .map((parts) => `/${parts.join('/')}`),
  rawHeaders: fc.subarray(['X-A', 'x-b']).map((names) => names.flatMap((name) => [name, '1'])),
});

test('the table answers as the rule of the contract does, written plainly', () => {
  fc.assert(
    fc.property(
      fc.array(specArbitrary, { maxLength: 12 }),
      fc.array(request, { minLength: 1, maxLength: 20 }),
      (parts, requests) => {
        const specs = parts.map((part, route) => ({ ...part, route }));
        const table = compileRouteTable(specs);
        for (const { method, host, path, rawHeaders } of requests) {
          const found = table.find(method, host, path, rawHeaders, []);
          const expected = findByReference(specs, { method, host, path, rawHeaders });
          if (typeof expected === 'number') assert.deepEqual(found, { kind: 'match', route: expected });
          else if (expected.length === 0) assert.deepEqual(found, { kind: 'none' });
          else assert.deepEqual(found, { kind: 'method', allow: expected });
        }
      },
    ),
    { numRuns: 2_000 },
  );
});

function spec(path: string, route: number, more: Partial<RouteSpec<number>> = {}): Spec {
  return { path, host: null, methods: null, headers: [], ...more, route };
}

/** Looks a path up as the gateway does: canonical form and all other readings. */
function finder(paths: readonly string[]): (path: string) => number | string | null {
  const table = compileRouteTable(paths.map((path, i) => spec(path, i)));
  return (sent) => {
    const read = canonicalizePath(sent) ?? assert.fail(`${sent} was refused`);
    return answer(table.find('GET', '', read.path, [], read.others));
  };
}

function answer(found: ReturnType<ReturnType<typeof createRouteTable<number>>['find']>): number | string | null {
  if (found.kind === 'match') return found.route;
  return found.kind === 'none' ? null : found.kind;
}
