/** JSON Schema: each keyword says yes and no to what it should, tells where, and costs no more than the value is long. */
// oxlint-disable unicorn/no-thenable -- `then` is a keyword of JSON Schema
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Compile } from 'typebox/schema';
import { compileSchema } from '../../../src/validate/schema/compile.ts';
import { Report } from '../../../src/validate/schema/report.ts';

const plenty = 1e9;

type Line = readonly [keyword: string, schema: object | boolean, fits: readonly unknown[], fails: readonly unknown[]];

const draft7 = { $schema: 'http://json-schema.org/draft-07/schema#' };

const draft2019 = { $schema: 'https://json-schema.org/draft/2019-09/schema' };

const lines: readonly Line[] = [
  ['true', true, [1, null, {}], []],
  ['false', false, [], [1, null, {}]],
  ['type', { type: 'integer' }, [1, 1.0, -0, 1e20], [1.5, '1', null, [1]]],
  ['type number', { type: 'number' }, [1, 1.5], ['1', true]],
  ['type object', { type: 'object' }, [{}], [[], null, 'x']],
  ['several types', { type: ['string', 'null'] }, ['', null], [0, {}]],
  ['enum', { enum: [1, 'a', null, { b: [1, 2] }] }, [1, 'a', null, { b: [1, 2] }], ['1', true, { b: [2, 1] }]],
  ['enum of objects', { enum: [{ a: 1, b: 2 }] }, [{ b: 2, a: 1 }], [{ a: 1 }]],
  ['const', { const: 0 }, [0, -0], [false, '0', null]],
  ['minimum', { minimum: 2 }, [2, 3, 'x'], [1.9]],
  ['maximum', { maximum: 2 }, [2, 1], [2.1]],
  ['exclusiveMinimum', { exclusiveMinimum: 2 }, [2.1], [2]],
  ['exclusiveMaximum', { exclusiveMaximum: 2 }, [1.9], [2]],
  ['multipleOf', { multipleOf: 0.01 }, [0.07, 4.35, 19.99, 0, -1.15, 1e300], [0.001, 4.355, 1e-7]],
  ['multipleOf a tiny number', { multipleOf: 3e-300 }, [3, 3e300, 2 ** 60 * 3, 9e-300], [1e300, 1, 3e-301]],
  ['multipleOf a huge number', { multipleOf: 2e300 }, [0, 4e300], [1e300, 2, 2e-300]],
  ['multipleOf a whole number', { multipleOf: 3 }, [9, -3, 3e30], [10, 9.5]],
  ['minLength', { minLength: 2 }, ['ab', '😀😀', 5], ['a', '😀']],
  ['maxLength', { maxLength: 2 }, ['ab', '😀😀'], ['abc', '😀😀😀']],
  ['pattern', { pattern: '^\\p{L}+$' }, ['abc', 'äöü', 7], ['a1', '']],
  ['format', { format: 'date-time' }, ['2026-11-22T10:00:00Z', 7], ['2026-11-22', '2026-13-22T10:00:00Z']],
  ['format email', { format: 'email' }, ['a@example.com'], ['a', 'a@', '@b']],
  ['format uuid', { format: 'uuid' }, ['123e4567-e89b-12d3-a456-426614174000'], ['123e4567']],
  ['an unknown format', { format: 'emal' }, ['anything'], []],
  ['items', { items: { type: 'number' } }, [[], [1, 2], 'x'], [[1, 'x']]],
  ['prefixItems', { prefixItems: [{ type: 'number' }], items: false }, [[], [1]], [['x'], [1, 2]]],
  [
    'a list of items, in draft 7',
    { ...draft7, items: [{ type: 'number' }], additionalItems: { type: 'string' } },
    [[1], [1, 'a']],
    [[1, 1]],
  ],
  ['contains', { contains: { const: 1 } }, [[0, 1]], [[], [0]]],
  ['minContains', { contains: { const: 1 }, minContains: 2 }, [[1, 1]], [[1]]],
  ['minContains 0', { contains: { const: 1 }, minContains: 0 }, [[]], []],
  ['maxContains', { contains: { const: 1 }, maxContains: 1 }, [[1]], [[1, 1], []]],
  ['minItems', { minItems: 1 }, [[1], {}], [[]]],
  ['maxItems', { maxItems: 1 }, [[1]], [[1, 2]]],
  [
    'uniqueItems',
    { uniqueItems: true },
    [
      [1, true, '1', null, 'true', 'null'],
      [[1], [2]],
      [{ a: 1 }, { a: 2 }],
    ],
    [
      [1, 1],
      [0, -0],
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
    ],
  ],
  ['properties', { properties: { a: { type: 'string' } } }, [{}, { a: 'x' }, { b: 1 }], [{ a: 1 }]],
  [
    'a property named __proto__',
    JSON.parse('{"properties":{"__proto__":{"type":"string"}}}') as object,
    [{}],
    [JSON.parse('{"__proto__":1}')],
  ],
  [
    'a property that all objects inherit',
    { properties: { constructor: { type: 'string' } } },
    [{}],
    [{ constructor: 1 }],
  ],
  ['required', { required: ['a', 'toString'] }, [{ a: undefined, toString: 1 }], [{ a: 1 }, {}]],
  [
    'additionalProperties',
    { properties: { a: true }, patternProperties: { '^x-': true }, additionalProperties: false },
    [{ a: 1, 'x-b': 2 }],
    [{ b: 1 }, { toString: 1 }],
  ],
  ['additionalProperties of a kind', { additionalProperties: { type: 'number' } }, [{ a: 1 }], [{ a: 'x' }]],
  ['patternProperties', { patternProperties: { '^n': { type: 'number' } } }, [{ n1: 1, a: 'x' }], [{ n1: 'x' }]],
  ['propertyNames', { propertyNames: { maxLength: 2 } }, [{ ab: 1 }], [{ abc: 1 }]],
  ['minProperties', { minProperties: 1 }, [{ a: 1 }], [{}]],
  ['maxProperties', { maxProperties: 1 }, [{ a: 1 }], [{ a: 1, b: 2 }]],
  ['dependentRequired', { dependentRequired: { a: ['b'] } }, [{}, { b: 1 }, { a: 1, b: 1 }], [{ a: 1 }]],
  ['dependentSchemas', { dependentSchemas: { a: { required: ['b'] } } }, [{}, { a: 1, b: 1 }], [{ a: 1 }]],
  [
    'dependencies',
    { ...draft7, dependencies: { a: ['b'], c: { required: ['d'] } } },
    [{ a: 1, b: 1 }],
    [{ a: 1 }, { c: 1 }],
  ],
  [
    'dependencies and dependentRequired of one name',
    {
      dependencies: { a: ['b'], c: { required: ['d'] } },
      dependentRequired: { a: ['d'] },
      dependentSchemas: { c: true },
    },
    [{ a: 1, b: 1, d: 1 }, { b: 1 }, { c: 1, d: 1 }],
    [{ a: 1, b: 1 }, { a: 1, d: 1 }, { c: 1 }],
  ],
  ['allOf', { allOf: [{ minimum: 1 }, { maximum: 2 }] }, [1.5], [0, 3]],
  ['anyOf', { anyOf: [{ type: 'string' }, { minimum: 2 }] }, ['x', 3], [1]],
  ['oneOf', { oneOf: [{ minimum: 1 }, { maximum: 2 }] }, [0, 3], [1.5]],
  ['not', { not: { type: 'string' } }, [1], ['x']],
  ['if, then, else', { if: { minimum: 10 }, then: { multipleOf: 10 }, else: { maximum: 5 } }, [20, 5], [11, 6]],
  ['if alone', { if: false }, [1], []],
  ['$ref', { $ref: '#/$defs/a%20~1b', $defs: { 'a /b': { type: 'number' } } }, [1], ['x']],
  ['$ref with others beside it', { $ref: '#/$defs/a', minimum: 5, $defs: { a: { type: 'number' } } }, [5], [4, 'x']],
  [
    '$ref alone, in draft 7',
    { ...draft7, $ref: '#/definitions/a', minimum: 5, definitions: { a: { type: 'number' } } },
    [4],
    ['x'],
  ],
  ['$ref to an anchor', { $ref: '#it', $defs: { a: { $anchor: 'it', type: 'number' } } }, [1], ['x']],
  [
    '$ref to its own $id',
    { $id: 'https://example.com/s', $ref: 'https://example.com/s#/$defs/a', $defs: { a: { type: 'number' } } },
    [1],
    ['x'],
  ],
  ['$dynamicRef', { $dynamicRef: '#it', $defs: { a: { $dynamicAnchor: 'it', type: 'number' } } }, [1], ['x']],
  [
    'a schema inside of itself',
    { properties: { next: { $ref: '#' } }, additionalProperties: false },
    [{ next: { next: {} } }],
    [{ next: { last: 1 } }],
  ],
  [
    'unevaluatedProperties',
    { allOf: [{ properties: { a: true } }], unevaluatedProperties: false },
    [{ a: 1 }],
    [{ a: 1, b: 1 }],
  ],
  [
    'unevaluatedProperties behind a choice',
    {
      anyOf: [{ properties: { a: { const: 1 } }, required: ['a'] }, { properties: { b: true } }],
      unevaluatedProperties: false,
    },
    [{ a: 1 }, { b: 1 }, { a: 1, b: 1 }],
    [{ a: 2 }, { b: 1, a: 2 }],
  ],
  [
    'unevaluatedProperties behind if',
    {
      if: { properties: { a: { const: 1 } }, required: ['a'] },
      then: { properties: { b: true } },
      unevaluatedProperties: false,
    },
    [{ a: 1, b: 1 }],
    [{ a: 2 }, { b: 1 }],
  ],
  [
    'unevaluatedProperties behind $ref',
    { $ref: '#/$defs/a', unevaluatedProperties: false, $defs: { a: { properties: { a: true } } } },
    [{ a: 1 }],
    [{ b: 1 }],
  ],
  [
    'unevaluatedProperties, not of inner objects',
    { properties: { in: { properties: { a: true } } }, unevaluatedProperties: false },
    [{ in: { a: 1, b: 1 } }],
    [{ a: 1 }],
  ],
  [
    'unevaluatedItems',
    { prefixItems: [true], contains: { const: 1 }, unevaluatedItems: false },
    [['x', 1], [1]],
    [['x', 1, 2]],
  ],
  [
    'unevaluatedItems in 2019-09, where contains looks at nothing',
    { ...draft2019, items: [true], contains: { const: 1 }, unevaluatedItems: false },
    [[1]],
    [['x', 1]],
  ],
];

for (const [keyword, schema, fits, fails] of lines) {
  test(`${keyword}`, () => {
    const check = compileSchema(schema);
    for (const value of fits) assert.deepEqual(check(value, new Report(plenty), null), true, JSON.stringify(value));
    for (const value of fails) {
      const report = new Report(plenty);
      assert.equal(check(value, report, null), false, JSON.stringify(value));
      assert.ok(report.violations.length > 0, JSON.stringify(value));
    }
  });
}

test('every violation is told, with its place', () => {
  const found = violationsOf(
    {
      type: 'object',
      required: ['id', 'name'],
      properties: { id: { type: 'integer' }, tags: { items: { type: 'string', maxLength: 3 }, uniqueItems: true } },
      additionalProperties: false,
    },
    { id: 'x', tags: ['abcd', 1, 1], 'a/b~c': 1 },
  );
  assert.deepEqual(found, [
    { path: '/name', message: 'is missing' },
    { path: '/id', message: 'must be an integer' },
    { path: '/tags/2', message: 'is there twice' },
    { path: '/tags/0', message: 'must have at most 3 characters' },
    { path: '/tags/1', message: 'must be a string' },
    { path: '/tags/2', message: 'must be a string' },
    { path: '/a~1b~0c', message: 'is not allowed' },
  ]);
});

test('a text that is too long is held against no pattern, which might take it forever', () => {
  assert.deepEqual(violationsOf({ pattern: '^(a+)+$', maxLength: 10 }, `${'a'.repeat(1_000)}b`), [
    { path: '', message: 'must have at most 10 characters' },
  ]);
});

test('of more than 100 violations 100 are told', () => {
  const report = new Report(plenty);
  const check = compileSchema({ items: { type: 'string' } });
  check(Array.from({ length: 101 }).fill(1), report, null);
  assert.equal(report.violations.length, 100);
  assert.equal(report.hasMore, true);
  const hundred = new Report(plenty);
  check(Array.from({ length: 100 }).fill(1), hundred, null);
  assert.equal(hundred.violations.length, 100);
  assert.equal(hundred.hasMore, false);
});

test('a value is never in a message, nor is what it had to be; a long name is cut', () => {
  const secret = 'hunter2-hunter2';
  const schema = {
    properties: { key: { const: 'the-right-key' }, mode: { enum: ['a', 'b'], pattern: '^[ab]$', format: 'uuid' } },
  };
  const text = JSON.stringify([
    violationsOf(schema, { key: secret, mode: secret }),
    violationsOf({ additionalProperties: false }, { ['n'.repeat(5_000)]: 1 }),
  ]);
  for (const word of [secret, 'the-right-key', '^[ab]$', 'n'.repeat(100)]) assert.ok(!text.includes(word), word);
});

test('alternatives inside of alternatives end at the bound of steps', () => {
  const deeper = { properties: { a: { $ref: '#' } } };
  const schema = { type: 'object', oneOf: [{ ...deeper, required: ['a'] }, deeper] };
  let value: unknown = 'no object';
  for (let depth = 0; depth < 64; depth++) value = { a: value };
  const report = new Report(100_000);
  assert.equal(compileSchema(schema)(value, report, null), false);
  assert.equal(report.isSpent, true);
});

test('what a keyword does beside asking other schemas is counted too', () => {
  const list = Array.from({ length: 2_000 }, (_, i) => i);
  const members = Object.fromEntries(list.map((i) => [`name-${i}`, i]));
  const schemas = [
    [{ const: [1] }, list],
    [{ uniqueItems: true }, list],
    [{ contains: true }, list],
    [{ items: { multipleOf: 1 } }, list],
    [{ required: Object.keys(members) }, members],
    [{ minProperties: 1 }, members],
    [{ propertyNames: true }, members],
    [{ patternProperties: { '^x': true } }, members],
    [{ anyOf: [{ additionalProperties: true }], unevaluatedProperties: false }, members],
  ] as const;
  for (const [schema, value] of schemas) {
    const report = new Report(1_000);
    assert.equal(compileSchema(schema)(value, report, null), false);
    assert.equal(report.isSpent, true, JSON.stringify(schema).slice(0, 80));
  }
});

test('no keyword costs more than the value is long', () => {
  const many = Array.from({ length: 100_000 }, (_, i) => i % 2);
  const members = Object.fromEntries(many.map((_, i) => [`name-${i}`, i]));
  const schemas = [
    [{ uniqueItems: true }, many],
    [{ items: { $ref: '#/$defs/a' }, $defs: { a: { type: 'string' } } }, many],
    [{ contains: { const: 2 } }, many],
    [{ unevaluatedItems: false }, many],
    [{ unevaluatedProperties: false }, members],
    [{ propertyNames: { pattern: '^x' } }, members],
  ] as const;
  for (const [schema, value] of schemas) {
    const report = new Report(4 * many.length);
    compileSchema(schema)(value, report, null);
    assert.equal(report.isSpent, false, JSON.stringify(schema));
  }
});

test('agrees with another implementation on whatever both know', () => {
  const leaf = fc.oneof(fc.integer({ min: -2, max: 6 }), fc.constantFrom('', 'a', 'ab', 'abc', true, false, null));
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 3 }, leaf, fc.array(tie('value'), { maxLength: 4 }), membersOf(tie('value'))),
  }));
  const { schema } = fc.letrec((tie) => ({
    schema: fc.oneof({ maxDepth: 4 }, fc.boolean(), keyword(leaf, tie('schema')), keyword(leaf, tie('schema'))),
  }));
  fc.assert(
    fc.property(
      schema as fc.Arbitrary<object | boolean>,
      fc.array(value, { minLength: 1, maxLength: 8 }),
      (written, values) => {
        const other = Compile(written as object);
        const check = compileSchema(written);
        for (const one of values) {
          assert.equal(check(one, new Report(plenty), null), other.Check(one), JSON.stringify(one));
        }
      },
    ),
    { numRuns: 1_500 },
  );
});

function membersOf<T>(value: fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> {
  return fc.dictionary(fc.constantFrom('a', 'b', 'c'), value, { maxKeys: 3 });
}

/** A schema of one to three keywords. */
function keyword(leaf: fc.Arbitrary<unknown>, schema: fc.Arbitrary<unknown>): fc.Arbitrary<object> {
  const count = fc.integer({ min: 0, max: 3 });
  const name = fc.constantFrom('a', 'b', 'c');
  const some = fc.array(schema, { minLength: 1, maxLength: 3 });
  const one = fc.oneof(
    fc.record({ type: fc.constantFrom('string', 'number', 'integer', 'boolean', 'object', 'array', 'null') }),
    fc.record({ enum: fc.array(leaf, { minLength: 1, maxLength: 3 }) }),
    fc.record({ minimum: count }),
    fc.record({ exclusiveMaximum: count }),
    fc.record({ maxLength: count }),
    fc.record({ pattern: fc.constantFrom('^a', 'b$', '^.?$') }),
    fc.record({ items: schema }),
    fc.record({ prefixItems: some }),
    fc.record({ contains: schema }),
    fc.record({ minItems: count }),
    fc.record({ uniqueItems: fc.boolean() }),
    fc.record({ properties: membersOf(schema) }),
    fc.record({ patternProperties: fc.dictionary(fc.constantFrom('^a', '[bc]'), schema, { maxKeys: 2 }) }),
    fc.record({ additionalProperties: schema }),
    fc.record({ required: fc.uniqueArray(name, { maxLength: 2 }) }),
    fc.record({ maxProperties: count }),
    fc.record({ dependentRequired: fc.dictionary(name, fc.uniqueArray(name, { maxLength: 2 }), { maxKeys: 2 }) }),
    fc.record({ allOf: some }),
    fc.record({ anyOf: some }),
    fc.record({ oneOf: some }),
    fc.record({ not: schema }),
    fc.record({ if: schema, then: schema, else: schema }),
  );
  return fc.array(one, { minLength: 1, maxLength: 3 }).map((parts) => Object.assign({}, ...parts) as object);
}

function violationsOf(schema: object, value: unknown): readonly object[] {
  const report = new Report(plenty);
  compileSchema(schema)(value, report, null);
  return report.violations;
}
