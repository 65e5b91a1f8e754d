/** The keywords that ask about any value: `type`, `enum`, `const`. */
import type { SchemaObject } from './keywords.ts';
import type { Check } from './report.ts';
import { textOf } from './same-value.ts';

export type TypeName = 'string' | 'number' | 'integer' | 'boolean' | 'object' | 'array' | 'null';

const tests: { readonly [T in TypeName]: (value: unknown) => boolean } = {
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  integer: (value) => Number.isInteger(value),
  boolean: (value) => typeof value === 'boolean',
  object: isObject,
  array: Array.isArray,
  null: (value) => value === null,
};

const articles: { readonly [T in TypeName]: string } = {
  string: 'a string',
  number: 'a number',
  integer: 'an integer',
  boolean: 'true or false',
  object: 'an object',
  array: 'an array',
  null: 'null',
};

export const typeNames = Object.keys(tests) as readonly TypeName[];

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function checkValue(schema: SchemaObject): Check[] {
  const checks: Check[] = [];
  if (Object.hasOwn(schema, 'type')) checks.push(checkType(schema['type'] as TypeName | readonly TypeName[]));
  if (Object.hasOwn(schema, 'enum')) checks.push(checkAmong(schema['enum'] as readonly unknown[]));
  if (Object.hasOwn(schema, 'const')) checks.push(checkAmong([schema['const']]));
  return checks;
}

function checkType(type: TypeName | readonly TypeName[]): Check {
  const types = typeof type === 'string' ? [type] : type;
  const message = `must be ${types.map((name) => articles[name]).join(' or ')}`;
  const [only] = types;
  if (types.length === 1 && only !== undefined) {
    const test = tests[only];
    return (value, report) => test(value) || report.fail(message);
  }
  const some = types.map((name) => tests[name]);
  return (value, report) => some.some((test) => test(value)) || report.fail(message);
}

/** The allowed values are not told: a `const` may be a shared secret. */
function checkAmong(allowed: readonly unknown[]): Check {
  const texts = new Set(allowed.map(textOf));
  const hasCompound = allowed.some(isCompound);
  const message = allowed.length === 1 ? 'is not the allowed value' : 'is none of the allowed values';
  // A large object is not written out to be compared with words.
  return (value, report) => {
    if (!isCompound(value)) return texts.has(textOf(value)) || report.fail(message);
    if (!hasCompound) return report.fail(message);
    const text = textOf(value);
    return report.step(text.length) && (texts.has(text) || report.fail(message));
  };
}

function isCompound(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
