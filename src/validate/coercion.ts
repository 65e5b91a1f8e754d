/**
 * Texts out of a query or header as the types that a schema asks for: there, everything is a text. Only what reads as a
 * JSON number, `true` or `false` becomes one; anything else stays a text, and the schema says what it wants instead.
 */
import type { Parameters, ParameterValue } from './parameters.ts';
import { surveySchema } from './schema/problems.ts';
import { isObject, type TypeName } from './schema/value-checks.ts';

/** Changes the values in place. */
export type Coerce = (parameters: Parameters) => void;

type CoerceValue = (value: ParameterValue) => unknown;

/** `comma`: how a list is written in one text; null: each item comes with the name again. */
export function compileCoercion(schema: unknown, comma: ',' | null): Coerce {
  const targets = surveySchema(schema).targets;
  const parts = applying([schema], targets);
  const named = new Map<string, CoerceValue>();
  for (const name of new Set(parts.flatMap((part) => Object.keys(mapAt(part, 'properties'))))) {
    const schemas = parts.flatMap((part) =>
      Object.hasOwn(mapAt(part, 'properties'), name) ? [mapAt(part, 'properties')[name]] : [],
    );
    named.set(name, coerceBy(schemas, targets, comma));
  }
  const patterns = parts.flatMap((part) =>
    Object.entries(mapAt(part, 'patternProperties')).map(
      ([pattern, of]) => [new RegExp(pattern, 'u'), coerceBy([of], targets, comma)] as const,
    ),
  );
  const others = coerceBy(
    parts.flatMap((part) => part['additionalProperties'] ?? []),
    targets,
    comma,
  );
  return (parameters) => {
    const values: Record<string, unknown> = parameters;
    for (const name of Object.keys(parameters)) {
      const coerce = named.get(name) ?? patterns.find(([pattern]) => pattern.test(name))?.[1] ?? others;
      values[name] = coerce(parameters[name] as ParameterValue);
    }
  };
}

type Schema = Readonly<Record<string, unknown>>;

/** These schemas, and all that they hold the same value against. */
function applying(schemas: readonly unknown[], targets: ReadonlyMap<string, unknown>): Schema[] {
  const found = new Set<Schema>();
  const visit = (schema: unknown): void => {
    if (!isObject(schema) || found.has(schema)) return;
    found.add(schema);
    for (const key of ['$ref', '$dynamicRef', '$recursiveRef']) visit(targets.get(schema[key] as string));
    for (const key of ['allOf', 'anyOf', 'oneOf']) for (const part of listAt(schema, key)) visit(part);
    for (const key of ['if', 'then', 'else']) visit(schema[key]);
  };
  for (const schema of schemas) visit(schema);
  return [...found];
}

function coerceBy(schemas: readonly unknown[], targets: ReadonlyMap<string, unknown>, comma: ',' | null): CoerceValue {
  const parts = applying(schemas, targets);
  const types = new Set(parts.flatMap((part) => (part['type'] as TypeName | TypeName[] | undefined) ?? []));
  const scalar = coerceScalar(types);
  if (!types.has('array')) return (value) => (typeof value === 'string' ? scalar(value) : value);
  const items = applying(
    parts.flatMap((part) => [part['items'], ...listAt(part, 'prefixItems')]),
    targets,
  );
  const item = coerceScalar(
    new Set(items.flatMap((part) => (part['type'] as TypeName | TypeName[] | undefined) ?? [])),
  );
  return (value) => {
    if (typeof value !== 'string') return value.map(item);
    if (types.has('string')) return value;
    return (comma === null ? [value] : value.split(comma).map((text) => text.trim())).map(item);
  };
}

function coerceScalar(types: ReadonlySet<TypeName>): (text: string) => unknown {
  const wantsNumber = types.has('number') || types.has('integer');
  const wantsBoolean = types.has('boolean');
  const wantsNull = types.has('null');
  if (types.has('string') || !(wantsNumber || wantsBoolean || wantsNull)) return (text) => text;
  return (text) => {
    if (wantsNumber && jsonNumber.test(text) && Number.isFinite(Number(text))) return Number(text);
    if (wantsBoolean && (text === 'true' || text === 'false')) return text === 'true';
    return wantsNull && text === '' ? null : text;
  };
}

const jsonNumber = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

function mapAt(schema: Schema, key: string): Schema {
  const value = schema[key];
  return isObject(value) ? value : {};
}

function listAt(schema: Schema, key: string): readonly unknown[] {
  const value = schema[key];
  return Array.isArray(value) ? value : [];
}
