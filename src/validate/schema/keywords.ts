/**
 * Every keyword of JSON Schema that is known here, from draft 6 to 2020-12, and what may stand behind it. A keyword that
 * is not in this table is taken for a mistake.
 */

export type SchemaObject = Readonly<Record<string, unknown>>;

/** What may stand behind a keyword. */
export type Shape =
  | 'schema'
  | 'list of schemas'
  | 'map of schemas'
  | 'map of patterns'
  | 'schema or list of schemas'
  | 'map of schemas or names'
  | 'map of names'
  | 'names'
  | 'types'
  | 'values'
  | 'number'
  | 'positive number'
  | 'count'
  | 'flag'
  | 'text'
  | 'pattern'
  | 'format'
  | 'reference'
  | 'identifier'
  | 'anchor'
  | 'dialect'
  | 'anything';

export const keywords: ReadonlyMap<string, Shape> = new Map<string, Shape>([
  ['$schema', 'dialect'],
  ['$id', 'identifier'],
  ['$anchor', 'anchor'],
  ['$dynamicAnchor', 'anchor'],
  ['$recursiveAnchor', 'flag'],
  ['$ref', 'reference'],
  ['$dynamicRef', 'reference'],
  ['$recursiveRef', 'reference'],
  ['$defs', 'map of schemas'],
  ['definitions', 'map of schemas'],

  ['type', 'types'],
  ['enum', 'values'],
  ['const', 'anything'],

  ['minimum', 'number'],
  ['maximum', 'number'],
  ['exclusiveMinimum', 'number'],
  ['exclusiveMaximum', 'number'],
  ['multipleOf', 'positive number'],

  ['minLength', 'count'],
  ['maxLength', 'count'],
  ['pattern', 'pattern'],
  ['format', 'format'],

  ['items', 'schema or list of schemas'],
  ['additionalItems', 'schema'],
  ['prefixItems', 'list of schemas'],
  ['contains', 'schema'],
  ['minContains', 'count'],
  ['maxContains', 'count'],
  ['minItems', 'count'],
  ['maxItems', 'count'],
  ['uniqueItems', 'flag'],
  ['unevaluatedItems', 'schema'],

  ['properties', 'map of schemas'],
  ['patternProperties', 'map of patterns'],
  ['additionalProperties', 'schema'],
  ['propertyNames', 'schema'],
  ['required', 'names'],
  ['minProperties', 'count'],
  ['maxProperties', 'count'],
  ['dependencies', 'map of schemas or names'],
  ['dependentRequired', 'map of names'],
  ['dependentSchemas', 'map of schemas'],
  ['unevaluatedProperties', 'schema'],

  ['allOf', 'list of schemas'],
  ['anyOf', 'list of schemas'],
  ['oneOf', 'list of schemas'],
  ['not', 'schema'],
  ['if', 'schema'],
  ['then', 'schema'],
  ['else', 'schema'],

  // Said for people and other programs; nothing is checked by them.
  ['$comment', 'text'],
  ['$vocabulary', 'anything'],
  ['title', 'text'],
  ['description', 'text'],
  ['default', 'anything'],
  ['examples', 'anything'],
  ['example', 'anything'],
  ['deprecated', 'flag'],
  ['readOnly', 'flag'],
  ['writeOnly', 'flag'],
  ['contentEncoding', 'text'],
  ['contentMediaType', 'text'],
  ['contentSchema', 'schema'],
]);

/** Values of `format` that are checked (formats.ts). */
export const formatNames = [
  'date-time',
  'date',
  'time',
  'duration',
  'email',
  'idn-email',
  'hostname',
  'idn-hostname',
  'ipv4',
  'ipv6',
  'uri',
  'uri-reference',
  'uri-template',
  'iri',
  'iri-reference',
  'uuid',
  'json-pointer',
  'relative-json-pointer',
  'regex',
] as const;

export type FormatName = (typeof formatNames)[number];

/** Extensions, as OpenAPI has them, say nothing to us. */
export function isExtension(keyword: string): boolean {
  return keyword.startsWith('x-');
}

/** Keywords of other languages, and how they are said here. */
export const translations: ReadonlyMap<string, string> = new Map([
  ['nullable', 'add "null" to type'],
  ['id', 'write $id'],
  ['discriminator', 'write oneOf'],
]);

export type Dialect = '2020-12' | '2019-09' | 'draft-07' | 'draft-06';

const versions: readonly Dialect[] = ['draft-06', 'draft-07', '2019-09', '2020-12'];

/** Keywords that check something, by the version that brought them: programs that go by an older one pass over them. */
const broughtBy: ReadonlyMap<string, Dialect> = new Map<string, Dialect>([
  ['if', 'draft-07'],
  ['then', 'draft-07'],
  ['else', 'draft-07'],
  ['minContains', '2019-09'],
  ['maxContains', '2019-09'],
  ['dependentRequired', '2019-09'],
  ['dependentSchemas', '2019-09'],
  ['unevaluatedItems', '2019-09'],
  ['unevaluatedProperties', '2019-09'],
  ['prefixItems', '2020-12'],
  ['$dynamicRef', '2020-12'],
]);

/** Those that 2020-12 has no more, and what it has instead. (`dependencies` is gone too, and still read by all.) */
const renamed: ReadonlyMap<string, string> = new Map([
  ['additionalItems', 'items'],
  ['$recursiveRef', '$dynamicRef'],
  ['$recursiveAnchor', '$dynamicAnchor'],
]);

/** What to write instead of a keyword of another version, which this one does not check; null: it does. */
export function insteadOf(keyword: string, dialect: Dialect): string | null {
  const since = broughtBy.get(keyword);
  if (since !== undefined && versions.indexOf(since) > versions.indexOf(dialect)) return `a $schema from ${since} on`;
  return dialect === '2020-12' ? (renamed.get(keyword) ?? null) : null;
}

/** By `$schema` without a trailing "#". */
export const dialects: ReadonlyMap<string, Dialect> = new Map([
  ['https://json-schema.org/draft/2020-12/schema', '2020-12'],
  ['https://json-schema.org/draft/2019-09/schema', '2019-09'],
  ['http://json-schema.org/draft-07/schema', 'draft-07'],
  ['http://json-schema.org/draft-06/schema', 'draft-06'],
]);

/** Without a `$schema`, or with one that is not known, the newest. */
export function dialectOf(root: unknown): Dialect {
  const named = typeof root === 'object' && root !== null ? (root as SchemaObject)['$schema'] : undefined;
  return (typeof named === 'string' ? dialects.get(named.replace(/#$/, '')) : undefined) ?? '2020-12';
}

/** Before 2019-09 what stands beside `$ref` is not read. */
export function refStandsAlone(dialect: Dialect): boolean {
  return dialect === 'draft-07' || dialect === 'draft-06';
}
