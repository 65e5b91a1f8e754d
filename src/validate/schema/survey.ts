/** Walks over a JSON Schema as it is written: what is wrong with it, where its schemas stand, and what refers to what. */
import {
  type Dialect,
  dialectOf,
  dialects,
  formatNames,
  insteadOf,
  isExtension,
  keywords,
  refStandsAlone,
  type SchemaObject,
  type Shape,
  translations,
} from './keywords.ts';
import { isRisky } from './risky-pattern.ts';
import { isObject, type TypeName, typeNames } from './value-checks.ts';

export type SchemaPath = readonly (string | number)[];

export interface SchemaProblem {
  readonly severity: 'error' | 'warning';
  readonly path: SchemaPath;
  readonly at: 'key' | 'value';
  readonly message: string;
  readonly expected: string | null;
  /** A word that is not known, and those that are: one of them may be meant. */
  readonly unknown: { readonly word: string; readonly known: readonly string[] } | null;
}

export interface Reference {
  readonly path: SchemaPath;
  readonly text: string;
  /** The schema that refers. */
  readonly from: SchemaObject;
}

export class Survey {
  readonly problems: SchemaProblem[] = [];
  /** Every schema in the document, by its JSON Pointer. */
  readonly schemas = new Map<string, unknown>();
  readonly anchors = new Map<string, SchemaObject>();
  readonly references: Reference[] = [];
  /** `$id` of the document; empty: none. */
  id = '';
  readonly dialect: Dialect;
  /** Some text may take it very long. */
  hasRiskyPattern = false;

  constructor(root: unknown) {
    this.dialect = dialectOf(root);
    this.readSchema(root, []);
  }

  readSchema(schema: unknown, path: SchemaPath): void {
    this.schemas.set(fullPointer(path), schema);
    if (typeof schema === 'boolean') return;
    if (!isObject(schema)) {
      this.error(path, 'is no schema', 'a map of keywords, true, or false');
      return;
    }
    if (path.length > longestPath) {
      this.error(path, 'is nested too deeply');
      return;
    }
    for (const [keyword, value] of Object.entries(schema)) {
      const shape = keywords.get(keyword);
      if (shape === undefined) this.#unknownKeyword(keyword, path);
      else readers[shape](this, value, [...path, keyword], schema);
      const instead = insteadOf(keyword, this.dialect);
      if (instead !== null) this.#wrongKeyword(keyword, path, `is no keyword of ${this.dialect}`, instead);
    }
    if (Object.hasOwn(schema, '$ref') && refStandsAlone(this.dialect)) this.#checkAlone(schema, path);
  }

  error(path: SchemaPath, message: string, expected: string | null = null): void {
    this.problems.push({ severity: 'error', path, at: 'value', message, expected, unknown: null });
  }

  warn(path: SchemaPath, message: string, known: { word: string; known: readonly string[] } | null = null): void {
    this.problems.push({ severity: 'warning', path, at: 'value', message, expected: null, unknown: known });
  }

  unknownWord(path: SchemaPath, word: string, what: string, known: readonly string[]): void {
    const message = `${JSON.stringify(word)} is ${what}`;
    this.problems.push({
      severity: 'error',
      path,
      at: 'value',
      message,
      expected: `one of ${known.join(', ')}`,
      unknown: { word, known },
    });
  }

  #unknownKeyword(keyword: string, path: SchemaPath): void {
    if (isExtension(keyword)) return;
    const translation = translations.get(keyword);
    const expected = translation ?? 'a keyword, or a name that begins with "x-"';
    const unknown = translation === undefined ? { word: keyword, known: [...keywords.keys()] } : null;
    this.#wrongKeyword(keyword, path, 'is no keyword of JSON Schema', expected, unknown);
  }

  #wrongKeyword(
    keyword: string,
    path: SchemaPath,
    why: string,
    expected: string,
    unknown: SchemaProblem['unknown'] = null,
  ): void {
    const message = `${JSON.stringify(keyword)} ${why}`;
    this.problems.push({ severity: 'error', path: [...path, keyword], at: 'key', message, expected, unknown });
  }

  #checkAlone(schema: SchemaObject, path: SchemaPath): void {
    for (const keyword of Object.keys(schema)) {
      const shape = keywords.get(keyword);
      if (shape === undefined || shape === 'text' || silentBesideRef.has(keyword)) continue;
      this.warn([...path, keyword], `is not read beside $ref: ${this.dialect} says so; use allOf, or a newer $schema`);
    }
  }
}

/** Twice per schema in a schema: deeper than anybody writes, and no danger to the stack. */
const longestPath = 400;

const silentBesideRef: ReadonlySet<string> = new Set([
  '$ref',
  '$id',
  '$schema',
  '$defs',
  'definitions',
  'default',
  'examples',
]);

/** JSON Pointer with nothing left out. */
export function fullPointer(path: SchemaPath): string {
  return path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

type Reader = (survey: Survey, value: unknown, path: SchemaPath, schema: SchemaObject) => void;

const readers: { readonly [S in Shape]: Reader } = {
  schema: (survey, value, path) => survey.readSchema(value, path),
  'list of schemas': (survey, value, path) => {
    if (!Array.isArray(value) || value.length === 0)
      survey.error(path, 'is no list of schemas', 'a list with at least one schema');
    else for (const [i, schema] of value.entries()) survey.readSchema(schema, [...path, i]);
  },
  'map of schemas': readMap((survey, value, path) => survey.readSchema(value, path)),
  'map of patterns': readMap((survey, value, path) => {
    readPattern(survey, path.at(-1), path);
    survey.readSchema(value, path);
  }),
  'schema or list of schemas': (survey, value, path, schema) => {
    if (!Array.isArray(value)) return survey.readSchema(value, path);
    if (survey.dialect === '2020-12')
      return survey.error(path, 'is a list', 'one schema; in 2020-12 a list is written as prefixItems');
    return readers['list of schemas'](survey, value, path, schema);
  },
  'map of schemas or names': readMap((survey, value, path, schema) => {
    readers[Array.isArray(value) ? 'names' : 'schema'](survey, value, path, schema);
  }),
  'map of names': readMap((survey, value, path, schema) => readers.names(survey, value, path, schema)),
  names: (survey, value, path) => {
    if (Array.isArray(value) && value.every((name) => typeof name === 'string') && isDistinct(value)) return;
    survey.error(path, 'is no list of names', 'a list of different names');
  },
  types: (survey, value, path) => {
    const types: readonly unknown[] = Array.isArray(value) ? value : [value];
    for (const [i, type] of types.entries()) {
      const at = Array.isArray(value) ? [...path, i] : path;
      if (typeNames.includes(type as TypeName)) continue;
      if (typeof type === 'string') survey.unknownWord(at, type, 'no type', typeNames);
      else
        survey.error(
          at,
          type === null ? 'is empty; the type is written "null", in quotes' : 'is no type',
          `one of ${typeNames.join(', ')}`,
        );
    }
    if (types.length === 0 || !isDistinct(types))
      survey.error(path, 'is no list of types', 'at least one type, each once');
  },
  values: (survey, value, path) => {
    if (!Array.isArray(value) || value.length === 0)
      survey.error(path, 'is no list of values', 'a list with at least one value');
  },
  number: (survey, value, path) => {
    if (typeof value === 'boolean') survey.error(path, 'is true or false, as in draft 4', 'the bound itself');
    else if (!Number.isFinite(value)) survey.error(path, 'is no number', 'a number');
  },
  'positive number': (survey, value, path) => {
    if (!Number.isFinite(value) || (value as number) <= 0)
      survey.error(path, 'is no number above 0', 'a number above 0');
  },
  count: (survey, value, path) => {
    if (!Number.isSafeInteger(value) || (value as number) < 0)
      survey.error(path, 'is no count', 'a whole number from 0 on');
  },
  flag: (survey, value, path) => {
    if (typeof value !== 'boolean') survey.error(path, 'does not fit here', 'true or false');
  },
  text: (survey, value, path) => {
    if (typeof value !== 'string') survey.error(path, 'is no text', 'a text');
  },
  pattern: readPattern,
  format: (survey, value, path) => {
    if (typeof value !== 'string') survey.error(path, 'is no text', 'the name of a format');
    else if (!(formatNames as readonly string[]).includes(value)) {
      survey.warn(path, `the format ${JSON.stringify(value)} is not known and not checked`, {
        word: value,
        known: formatNames,
      });
    }
  },
  reference: (survey, value, path, schema) => {
    if (typeof value !== 'string') survey.error(path, 'is no reference', 'a text such as "#/$defs/item"');
    else survey.references.push({ path, text: value, from: schema });
  },
  identifier: (survey, value, path, schema) => {
    if (typeof value !== 'string') survey.error(path, 'is no text', 'a URI');
    // Before 2019-09 this is how an anchor was written.
    else if (value.startsWith('#')) readers.anchor(survey, value.slice(1), path, schema);
    else if (path.length === 1) survey.id = value.replace(/#$/, '');
    else survey.error(path, 'a schema inside of another can not have an $id', '$anchor, or no name at all');
  },
  anchor: (survey, value, path, schema) => {
    if (typeof value !== 'string' || value === '') survey.error(path, 'is no name', 'a name');
    else if (survey.anchors.has(value)) survey.error(path, 'is the name of another schema too', 'a name of its own');
    else survey.anchors.set(value, schema);
  },
  dialect: (survey, value, path) => {
    if (path.length > 1) survey.error(path, 'has its place at the top of the schema');
    else if (typeof value !== 'string' || !dialects.has(value.replace(/#$/, ''))) {
      survey.error(
        path,
        'is not a version of JSON Schema that is known here',
        `one of ${[...dialects.keys()].join(', ')}`,
      );
    }
  },
  anything: () => {},
};

function readMap(read: Reader): Reader {
  return (survey, value, path, schema) => {
    if (!isObject(value)) survey.error(path, 'is no map', 'a map of names');
    else for (const [name, inner] of Object.entries(value)) read(survey, inner, [...path, name], schema);
  };
}

function readPattern(survey: Survey, value: unknown, path: SchemaPath): void {
  if (typeof value !== 'string') {
    survey.error(path, 'is no text', 'a regular expression');
    return;
  }
  try {
    new RegExp(value, 'u');
  } catch (error) {
    const reason = (error as Error).message.replace(/^[\s\S]*: /, '').toLowerCase();
    survey.error(path, `is no regular expression: ${reason}`, 'an expression that JavaScript knows with its "u" flag');
    return;
  }
  if (isRisky(value)) {
    survey.hasRiskyPattern = true;
    survey.warn(path, 'repeats something that is itself repeated: some texts will take very long to be checked');
  }
}

function isDistinct(list: readonly unknown[]): boolean {
  return new Set(list).size === list.length;
}
