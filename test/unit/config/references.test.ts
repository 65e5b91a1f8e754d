/** What a candidate may read: nothing that the config in force does not read in the same place. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfigText, type Source } from '../../../src/config/read.ts';
import { findForeignReferences } from '../../../src/config/references.ts';
import { ConfigFileSchema } from '../../../src/config/schema.ts';

test('the same references in the same places are fine, wherever in a list', () => {
  const inForce = 'upstreams: [{ name: a, url: "${A}" }]\nsecurity: { auth: { keysFile: keys.yml } }';
  const moved = 'upstreams: [{ name: b, url: http://b }, { name: a, url: "${A}" }]';
  assert.deepEqual(findForeignReferences(parse(moved), parse(inForce)), []);
  assert.deepEqual(findForeignReferences(parse(inForce), parse(inForce)), []);
});

test('one in another place is foreign, and told by its line', () => {
  const inForce = parse('security: { auth: { secret: "${S}" } }');
  const [problem] = findForeignReferences(parse('routes:\n  - path: /x\n    name: "${S}"'), inForce);
  assert.deepEqual([problem?.line, problem?.path, problem?.value], [3, 'routes[0].name', null]);
  assert.equal(findForeignReferences(parse('a: { ? [x] : "${S}" }\nb: "${S}"'), inForce).length, 1);
  assert.equal(findForeignReferences(parse('security: { auth: { secret: &s "${S}" } }\nname: *s'), inForce).length, 1);
});

test('a candidate that is too large to be looked at is refused, wherever in it a reference may stand', () => {
  const grown = Array.from({ length: 7 }, (_, i) => `  - &a${i + 1} [${Array(10).fill(`*a${i}`).join()}]`);
  const rest = ['rest:', '  - &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]', ...grown].join('\n');
  const [problem, ...others] = findForeignReferences(parse(`name: "\${S}"\n${rest}\n`), parse('a: 1'));
  assert.match(problem?.message ?? '', /aliases repeat too much/);
  assert.equal(others.length, 0);
});

test('without a config in force everything is foreign', () => {
  assert.equal(findForeignReferences(parse('a: "${X}"'), null).length, 1);
});

test('every key that names a file counts', () => {
  const places = listLeaves(ConfigFileSchema as Shape, []).filter(({ shape }) => shape.expected === pathOfFile);
  assert.ok(places.length >= 7, `${places.length} places`);
  for (const { path } of places) {
    assert.equal(findForeignReferences(parse(JSON.stringify(nest(path))), null).length, 1, path.join('.'));
  }
  for (const part of ['headers', 'query', 'body']) {
    assert.equal(findForeignReferences(parse(`routes: [{ validate: { ${part}: x.json } }]`), null).length, 1, part);
  }
});

const pathOfFile = 'the path of a file, from the folder of this file';

interface Shape {
  readonly expected?: string;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly patternProperties?: Readonly<Record<string, Shape>>;
  readonly items?: Shape;
  readonly anyOf?: readonly Shape[];
}

function listLeaves(
  shape: Shape,
  path: readonly (string | number)[],
): { path: readonly (string | number)[]; shape: Shape }[] {
  return [
    { path, shape },
    ...Object.entries(shape.properties ?? {}).flatMap(([key, inner]) => listLeaves(inner, [...path, key])),
    ...(shape.items === undefined ? [] : listLeaves(shape.items, [...path, 0])),
    ...(shape.anyOf ?? []).flatMap((inner) => listLeaves(inner, path)),
  ];
}

function nest([key, ...rest]: readonly (string | number)[]): unknown {
  if (key === undefined) return 'file';
  return typeof key === 'number' ? [nest(rest)] : { [key]: nest(rest) };
}

function parse(text: string): Source {
  const read = parseConfigText('proxy.yml', text, ['map']);
  assert.ok(read.ok, text);
  return read.source;
}
