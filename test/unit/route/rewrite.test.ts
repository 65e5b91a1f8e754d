/** The path that goes upstream: a prefix taken off or a template filled in, with every byte of the client's in place. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalizePath } from '../../../src/core/canonical-path.ts';
import { parsePathPattern } from '../../../src/route/pattern.ts';
import { compileRewrite } from '../../../src/route/rewrite.ts';
import { compileRouteTable } from '../../../src/route/table.ts';

test('without stripPrefix and rewrite there is nothing to do', () => {
  assert.equal(compileRewrite(parsePathPattern('/a'), null, null), null);
  assert.equal(compileRewrite(parsePathPattern('/a'), '/', null), null);
});

test('stripPrefix takes off whole segments and leaves the rest as sent', () => {
  const strip = rewriter('/api/*', '/api', null);
  assert.equal(strip('/api/users'), '/users');
  assert.equal(strip('/api'), '/');
  assert.equal(strip('/api/'), '/');
  assert.equal(strip('/api/a%2Fb/%7Ec//d/'), '/a%2Fb/%7Ec//d/');
  assert.equal(rewriter('/api/*', '/api/', null)('/api/users'), '/users');
});

test('stripPrefix takes the prefix off however the client escaped it', () => {
  assert.equal(rewriter('/café/*', '/café', null)('/caf%c3%a9/%78'), '/%78');
  assert.equal(rewriter('/api/v1/*', '/api', null)('/%61p%69/v1/x'), '/v1/x');
});

test('stripPrefix leaves a path alone that does not begin with it', () => {
  const strip = rewriter('/*', '/api/v1', null);
  for (const path of ['/', '/apiX/v1', '/api', '/api/v2/x', '/api/v1x']) assert.equal(strip(path), path);
});

test('what is left never looks like the start of a host name', () => {
  const strip = rewriter('/api/*', '/api', null);
  assert.equal(strip('/api//evil.example/x'), '/evil.example/x');
  assert.equal(strip('/api///'), '/');
  assert.equal(rewriter('/api/*', null, '/*')('/api//evil.example/x'), '/evil.example/x');
});

test('"*" is what the path\'s "*" matched, with a trailing slash only where the client sent one', () => {
  const rewrite = rewriter('/api/users/*', null, '/v2/*');
  assert.equal(rewrite('/api/users/7/x%2Fy'), '/v2/7/x%2Fy');
  assert.equal(rewrite('/api/users/'), '/v2/');
  assert.equal(rewrite('/api/users'), '/v2');
  assert.equal(rewriter('/api/*', null, '/*')('/api'), '/');
});

test('"*" may stand amid a template', () => {
  const rewrite = rewriter('/files/*', null, '/raw/*/content');
  assert.equal(rewrite('/files/a/b'), '/raw/a/b/content');
  assert.equal(rewrite('/files'), '/raw/content');
});

test('":name" is the segment as the client sent it, wherever the template puts it', () => {
  const rewrite = rewriter('/:tenant/users/:id', null, '/users/:id/of/:tenant');
  assert.equal(rewrite('/%41cme/users/a%20b%3Fc'), '/users/a%20b%3Fc/of/%41cme');
});

test('a template without captures is the same path for all', () => {
  assert.equal(rewriter('/a/*', null, '/b/c/')('/a/x'), '/b/c/');
  assert.equal(rewriter('/a', null, '/')('/a'), '/');
});

for (const [path, stripPrefix, rewrite, message] of [
  ['/a/*', '/a', '/b', /can't go with stripPrefix/],
  ['/a', null, 'b', /must start with "\/"/],
  ['/a', null, '/b/*', /holds "\*", but the path has none/],
  ['/a/*', null, '/b*', /as a whole segment/],
  ['/a/:id', null, '/b/:name', /holds ":name", but the path has only ":id"/],
  ['/a', null, '/b/:name', /but the path has no parameters/],
  ['/a/:id', null, '/b/:id.json', /which is no parameter/],
  ['/a', null, '/b?c', /query/],
  ['/a', null, '/../b', /dot segment/],
  ['/a', 'a', null, /must start with "\/"/],
  ['/a/*', '/a/*', null, /must not end in "\*"/],
  ['/:a/*', '/:a', null, /use rewrite/],
] as const) {
  test(`stripPrefix ${stripPrefix} and rewrite ${rewrite} on ${path} are refused with what to write instead`, () => {
    assert.throws(() => compileRewrite(parsePathPattern(path), stripPrefix, rewrite), { message });
  });
}

const pieces = '/ / / . .. %2e %2f %5C %25 %61 a b ; 2e'.split(' ');
const sentPath = fc.array(fc.constantFrom(...pieces), { maxLength: 20 }).map((parts) => `/api/${parts.join('')}`);
const shapes = [
  ['/api/*', '/api', null],
  ['/api/*', null, '/*'],
  ['/api/*', null, '/v2/*/end'],
  ['/api/:a/:b/*', null, '/:b/:a/*'],
] as const;

test('whatever passes the route, the rewritten path begins with one slash and holds no dot segment in any reading', () => {
  for (const [path, stripPrefix, rewrite] of shapes) {
    const table = compileRouteTable([{ path, host: null, methods: null, headers: [], route: 0 }]);
    const apply = rewriter(path, stripPrefix, rewrite);
    fc.assert(
      fc.property(sentPath, (sent) => {
        const read = canonicalizePath(sent);
        if (read === null || table.find('GET', '', read.path, [], read.others).kind !== 'match') return;
        const rewritten = apply(read.forward);
        assert.match(rewritten, /^\/(?!\/)/);
        const decoded = rewritten.replace(/%2e/gi, '.').replace(/%2f|%5c/gi, '/');
        assert.ok(!decoded.split('/').some((segment) => segment === '.' || segment === '..'), rewritten);
        for (const [escape] of rewritten.matchAll(/%../g)) assert.ok(sent.includes(escape));
      }),
      { numRuns: 1_000 },
    );
  }
});

function rewriter(path: string, stripPrefix: string | null, rewrite: string | null): (forwardPath: string) => string {
  return compileRewrite(parsePathPattern(path), stripPrefix, rewrite) ?? assert.fail('no rewrite');
}
