/** What is wrong with a JSON Schema as it is written: told with the place in the schema, before anything is checked by it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileSchema } from '../../../src/validate/schema/compile.ts';
import { findSchemaProblems } from '../../../src/validate/schema/problems.ts';
import { isRisky } from '../../../src/validate/schema/risky-pattern.ts';

const draft7 = { $schema: 'http://json-schema.org/draft-07/schema#' };

const errors: readonly (readonly [what: string, schema: unknown, place: string, message: RegExp])[] = [
  ['a text', 'object', '', /no schema/],
  ['a mistyped keyword', { properties: { a: { requierd: ['b'] } } }, '/properties/a/requierd', /no keyword/],
  ['a keyword of OpenAPI', { nullable: true }, '/nullable', /no keyword/],
  ['an unknown type', { type: 'strng' }, '/type', /no type/],
  ['null without quotes', { type: ['string', null] }, '/type/1', /quotes/],
  ['a type twice', { type: ['string', 'string'] }, '/type', /each once|no list/],
  ['no list of names', { required: 'a' }, '/required', /list of names/],
  ['a name twice', { required: ['a', 'a'] }, '/required', /list of names/],
  ['a negative count', { minLength: -1 }, '/minLength', /no count/],
  ['a bound in quotes', { minimum: '1' }, '/minimum', /no number/],
  ['a bound of draft 4', { minimum: 1, exclusiveMinimum: true }, '/exclusiveMinimum', /draft 4/],
  ['a multiple of nothing', { multipleOf: 0 }, '/multipleOf', /above 0/],
  ['an empty list of schemas', { anyOf: [] }, '/anyOf', /no list of schemas/],
  ['no map', { properties: ['a'] }, '/properties', /no map/],
  ['a list of items in 2020-12', { items: [{}] }, '/items', /list/],
  ['an empty enum', { enum: [] }, '/enum', /no list of values/],
  ['a broken pattern', { pattern: '[' }, '/pattern', /no regular expression/],
  ['a broken pattern of names', { patternProperties: { '(': true } }, '/patternProperties/(', /no regular expression/],
  ['an unknown $schema', { $schema: 'http://json-schema.org/draft-04/schema#' }, '/$schema', /version/],
  [
    'a keyword newer than $schema',
    { ...draft7, contains: {}, minContains: 2 },
    '/minContains',
    /no keyword of draft-07/,
  ],
  ['a keyword that is called otherwise now', { additionalItems: false }, '/additionalItems', /no keyword of 2020-12/],
  ['a reference to nothing', { $ref: '#/$defs/itm', $defs: { item: {} } }, '/$ref', /no place of a schema/],
  ['a reference to a name', { $ref: '#/$defs', $defs: {} }, '/$ref', /no place of a schema/],
  ['a reference to another host', { $ref: 'https://example.com/a.json' }, '/$ref', /leads out/],
  ['a reference to another file', { items: { $ref: 'other.json#/a' } }, '/items/$ref', /leads out/],
  [
    'a reference in a circle',
    { $defs: { a: { $ref: '#/$defs/b' }, b: { allOf: [{ $ref: '#/$defs/a' }] } }, $ref: '#/$defs/a' },
    '/$defs/b/allOf/0/$ref',
    /back to itself/,
  ],
  ['a reference to itself', { $ref: '#' }, '/$ref', /back to itself/],
  ['an $id inside', { $defs: { a: { $id: 'x' } } }, '/$defs/a/$id', /inside of another/],
  ['an anchor twice', { $anchor: 'a', $defs: { b: { $anchor: 'a' } } }, '/$defs/b/$anchor', /another schema/],
];

for (const [what, schema, place, message] of errors) {
  test(`${what} is an error`, () => {
    const found = findSchemaProblems(schema).filter(({ severity }) => severity === 'error');
    assert.equal(found.length, 1, JSON.stringify(found));
    assert.equal(found[0]?.path.map((key) => `/${key}`).join(''), place);
    assert.match(found[0]?.message ?? '', message);
    assert.throws(() => compileSchema(schema));
  });
}

test('all errors are told at once, and what may have been meant comes along', () => {
  const found = findSchemaProblems({ requierd: ['a'], properties: { a: { type: 'strng' } } });
  assert.deepEqual(
    found.map(({ unknown }) => unknown?.word),
    ['requierd', 'strng'],
  );
  assert.ok(found[0]?.unknown?.known.includes('required'));
});

test('an unknown format, a pattern that may take forever, and what stands beside $ref in draft 7 are warnings', () => {
  const warnings = findSchemaProblems({
    ...draft7,
    properties: { a: { format: 'e-mail' }, b: { pattern: '^(a+)+$' }, c: { $ref: '#/definitions/d', minLength: 1 } },
    definitions: { d: {} },
  });
  assert.deepEqual(
    warnings.map(({ severity, path }) => [severity, path.join('/')]),
    [
      ['warning', 'properties/a/format'],
      ['warning', 'properties/b/pattern'],
      ['warning', 'properties/c/minLength'],
    ],
  );
});

test('what people add for people, and extensions, are no problem', () => {
  const schema = {
    title: 'a',
    description: 'b',
    default: 1,
    examples: [1],
    deprecated: true,
    'x-internal': {},
    $comment: 'c',
  };
  assert.deepEqual(findSchemaProblems(schema), []);
});

test('a reference that goes deeper with each turn is no circle', () => {
  assert.deepEqual(findSchemaProblems({ properties: { next: { $ref: '#' } } }), []);
});

const risky = [
  '^(a+)+$',
  '(a*)*',
  '([a-z]+)*x',
  '^(\\w+\\s?)*$',
  '(x|y+)+',
  '(?:a+){2,}',
  '((a+))+',
  '(.*)*',
  '^((a|b)*)*$',
];
const harmless = [
  '^[a-z]+$',
  '^[a-z]+(\\.[a-z]+)*$',
  '^(-[a-z0-9]+)*$',
  '(ab)+',
  '(a|b)+',
  '^\\d{4}-\\d{2}$',
  '[(+)+]+',
  '\\(a+\\)+',
  '(a?b)+',
  '^(?:\\d{3},)*\\d{3}$',
  '(?<year>\\d+)-',
];

test('a repeated repetition is told from one whose rounds begin with something', () => {
  for (const pattern of risky) assert.equal(isRisky(pattern), true, pattern);
  for (const pattern of harmless) assert.equal(isRisky(pattern), false, pattern);
});
