/** How a request path is read: for matching, for forwarding, and how else somebody could read it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalizePath } from '../../../src/core/canonical-path.ts';
import { fuzzRuns } from '../../support/fuzz.ts';

test('a plain path is its own canonical form', () => {
  for (const path of ['/', '/a', '/a/', '/api/users/42', '/a.b/c..d/...', "/a:b@c!$&'()*+,;=-._~", '/*', '/:id']) {
    assert.deepEqual(canonicalizePath(path), { path, forward: path, others: [] });
  }
});

test('unreserved escapes are decoded for matching and stay as sent for forwarding', () => {
  assert.deepEqual(read('/%61pi/%7euser%2D1'), ['/api/~user-1', '/%61pi/%7euser%2D1']);
});

test('other escapes stay, with upper-case digits for matching', () => {
  assert.deepEqual(read('/caf%c3%a9/a%2bb%3f%23%25'), ['/caf%C3%A9/a%2Bb%3F%23%25', '/caf%c3%a9/a%2bb%3f%23%25']);
});

test('an escaped escape is data', () => {
  assert.deepEqual(read('/%252e%252e/%2541'), ['/%252e%252e/%2541', '/%252e%252e/%2541']);
});

test('dot segments are resolved, escaped or not, and nothing else of the path changes', () => {
  assert.deepEqual(read('/a/./b/../%63'), ['/a/c', '/a/%63']);
  assert.deepEqual(read('/%2e%2E/'.replace('/', '/a/')), ['/', '/']);
  assert.deepEqual(read('/a/.%2e/b'), ['/b', '/b']);
  assert.deepEqual(read('/a/.'), ['/a/', '/a/']);
  assert.deepEqual(read('/a/b/..'), ['/a/', '/a/']);
  assert.deepEqual(read('/a/..'), ['/', '/']);
  assert.deepEqual(read('/.'), ['/', '/']);
});

test('names that only look like dot segments are data', () => {
  for (const path of ['/.well-known/x', '/...', '/a/..;/b', '/.a', '/..a', '/a../b']) {
    assert.deepEqual(read(path), [path, path]);
  }
});

test('a path that climbs above the root is refused', () => {
  for (const path of ['/..', '/../a', '/a/../..', '/a/../../a', '/%2e%2e/a', '/./..']) refuses(path);
});

test('a path that climbs above the root once empty segments are merged is refused', () => {
  for (const path of ['//..', '/a//../..', '//../a']) refuses(path);
});

test('what no URL may hold is refused', () => {
  for (const path of [
    '',
    'a',
    '*',
    '/a\\b',
    '/a#b',
    '/a?b',
    '/a b',
    '/a\tb',
    '/a\0',
    '/a\x7f',
    '/caf\xe9',
    '/\u0142',
  ]) {
    refuses(path);
  }
});

test('a broken escape and an escaped NUL are refused', () => {
  for (const path of ['/%', '/%4', '/%zz', '/%g1', '/a%1', '/%%34%31', '/%u0041', '/a%00', '/a%00b/c', '/% 1']) {
    refuses(path);
  }
});

test('an encoded slash or backslash is data that may be read as a slash', () => {
  assert.deepEqual(canonicalizePath('/a%2fb'), { path: '/a%2Fb', forward: '/a%2fb', others: ['/a/b'] });
  assert.deepEqual(canonicalizePath('/a%5Cb'), { path: '/a%5Cb', forward: '/a%5Cb', others: ['/a/b'] });
});

test('an empty segment is data that may be merged', () => {
  assert.deepEqual(canonicalizePath('/a//b'), { path: '/a//b', forward: '/a//b', others: ['/a/b'] });
  assert.deepEqual(canonicalizePath('//'), { path: '//', forward: '//', others: ['/'] });
  assert.deepEqual(canonicalizePath('/a///'), { path: '/a///', forward: '/a///', others: ['/a/'] });
});

test('each mix of readings is given, since a server may merge and not decode, or the reverse', () => {
  const { others } = canonicalizePath('/a%2Fb//c') ?? assert.fail();
  assert.deepEqual([...others].sort(), ['/a%2Fb/c', '/a/b//c', '/a/b/c']);
  assert.deepEqual(canonicalizePath('/a/%2Fb')?.others, ['/a//b', '/a/b']);
});

test('a dot segment behind an encoded slash or backslash is refused', () => {
  const paths = [
    '/a/..%2Fb',
    '/a/..%2fb',
    '/a%2F..',
    '/a/%2e%2e%2fb',
    '/a/..%5cb',
    '/a%5c..%2Fb',
    '/a/.%2Fb',
    '/%2F..%2F',
  ];
  for (const path of paths) refuses(path);
});

test('what is left once dots have been resolved is read in every way as well', () => {
  // The upstream gets `/%2fadmin/`, and may take it for `/admin/`.
  assert.deepEqual(canonicalizePath('/%2fadmin/%2f/..'), {
    path: '/%2Fadmin/',
    forward: '/%2fadmin/',
    others: ['//admin//', '/', '//admin/', '/admin/'],
  });
});

test('where an empty segment stands before dots, both results are readings', () => {
  assert.deepEqual(canonicalizePath('/a//../b'), { path: '/a/b', forward: '/a/b', others: ['/b'] });
});

const pieces = '/ / / . .. %2e %2E %2f %2F %5c %5C %25 %00 %61 %c3 % a B ~ ; \\ 2e #'.split(' ');
const piece = fc.constantFrom(...pieces);
const hostilePath = fc.array(piece, { maxLength: 24 }).map((pieces) => `/${pieces.join('')}`);
const anyPath = fc.oneof(
  { weight: 8, arbitrary: hostilePath },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
);

test('any text is read or refused, and reading what was read changes nothing', () => {
  fc.assert(
    fc.property(anyPath, (sent) => {
      const first = canonicalizePath(sent);
      if (first === null) return;
      assert.equal(canonicalizePath(first.path)?.path, first.path);
      assert.equal(canonicalizePath(first.forward)?.path, first.path);
      assert.equal(canonicalizePath(first.forward)?.forward, first.forward);
      assert.equal(first.path.split('/').length, first.forward.split('/').length);
      assert.ok(!first.others.includes(first.path));
    }),
    fuzzRuns(5_000),
  );
});

test('however often and wherever a server decodes once and splits, the forwarded path holds no dot segment', () => {
  fc.assert(
    fc.property(hostilePath, (sent) => {
      const read = canonicalizePath(sent);
      if (read === null) return;
      const decoded = read.forward.replace(/%2e/gi, '.');
      for (const text of [read.forward, decoded, decoded.replace(/%2f|%5c/gi, '/'), ...read.others]) {
        assert.ok(!text.split('/').some((segment) => segment === '.' || segment === '..'), text);
      }
    }),
    fuzzRuns(5_000),
  );
});

/** What a server makes of a path that decodes it once, and then, or before, splits it: null: it climbs above the root. */
function resolve(path: string): string | null {
  const kept: string[] = [];
  const segments = path.split('/').slice(1);
  for (const [i, segment] of segments.entries()) {
    if (segment === '..' && kept.pop() === undefined) return null;
    if (segment !== '.' && segment !== '..') kept.push(segment);
    else if (i === segments.length - 1) kept.push('');
  }
  return `/${kept.join('/')}`;
}

const decodeOnce = (text: string): string =>
  text.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
const merge = (text: string): string => text.replace(/\/{2,}/g, '/');
const turn = (text: string): string => text.replaceAll('\\', '/');

/** Servers as they are known to read, in the order in which they do it. */
const servers: Readonly<Record<string, (path: string) => string | null>> = {
  'decodes, merges and resolves, as nginx': (path) => resolve(merge(decodeOnce(path))),
  'decodes and resolves': (path) => resolve(decodeOnce(path)),
  'decodes, turns backslashes, merges and resolves, as IIS': (path) => resolve(merge(turn(decodeOnce(path)))),
  'decodes, turns backslashes and resolves': (path) => resolve(turn(decodeOnce(path))),
  'merges, resolves and decodes': (path) => {
    const resolved = resolve(merge(path.replace(/%2e/gi, '.')));
    return resolved === null ? null : decodeOnce(resolved);
  },
  'resolves and decodes, as a URL parser': (path) => decodeOnce(new URL(`http://a${path}`).pathname),
};

for (const [server, read] of Object.entries(servers)) {
  test(`a server that ${server} reads what is forwarded as one of the readings`, () => {
    fc.assert(
      fc.property(hostilePath, (sent) => {
        const found = canonicalizePath(sent);
        if (found === null) return;
        const readings = [found.path, ...found.others].map(decodeOnce);
        const its = read(found.forward);
        assert.ok(its !== null && readings.includes(its), `${found.forward}: ${its} is none of ${readings.join(' ')}`);
      }),
      fuzzRuns(5_000),
    );
  });
}

test('a path without dot segments is forwarded byte for byte', () => {
  fc.assert(
    fc.property(hostilePath, (sent) => {
      const hasDots = sent.split('/').some((segment) => /^(\.|%2e){1,2}$/i.test(segment));
      const read = canonicalizePath(sent);
      if (read !== null && !hasDots) assert.equal(read.forward, sent);
    }),
    fuzzRuns(5_000),
  );
});

function read(path: string): [path: string, forward: string] {
  const { path: canonical, forward, others } = canonicalizePath(path) ?? assert.fail(`${path} was refused`);
  assert.deepEqual(others, []);
  return [canonical, forward];
}

function refuses(path: string): void {
  assert.equal(canonicalizePath(path), null, JSON.stringify(path));
}
