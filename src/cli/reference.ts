/** docs/configuration.md, written from the schema: what can't go stale is not written by hand. */
import { readFileSync } from 'node:fs';
import { ConfigFileSchema } from '../config/schema.ts';
import { formatDuration } from '../core/units.ts';

/** The whole page. `introduction`: the prose at its top. */
export function formatReference(introduction: string): string {
  const sections = Object.entries((ConfigFileSchema as unknown as Shape).properties ?? {});
  return [introduction.trimEnd(), ...sections.map(([name, shape]) => formatSection(name, shape)), ''].join('\n\n');
}

export function readIntroduction(): string {
  return readFileSync(new URL('reference-introduction.md', import.meta.url), 'utf8');
}

interface Shape {
  readonly description?: string;
  readonly default?: unknown;
  readonly type?: unknown;
  readonly anyOf?: readonly Shape[];
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  readonly patternProperties?: Readonly<Record<string, Shape>>;
  readonly items?: Shape;
  readonly expected?: string;
  readonly leaf?: string;
  readonly anyShape?: boolean;
}

interface Row {
  readonly key: string;
  readonly values: string;
  readonly initial: string;
  readonly description: string;
}

function formatSection(name: string, shape: Shape): string {
  const [inner] = (shape.anyOf ?? []).filter(({ type }) => type !== 'null');
  const isList = inner?.type === 'array';
  const rows = rowsOf(isList ? (inner.items ?? {}) : (inner ?? {}), '');
  const about = isList ? `${shape.description ?? ''} A list; each entry has these keys.` : (shape.description ?? '');
  return [
    `## ${name}`,
    '',
    about,
    '',
    '| key | value | default | what it does |',
    '| --- | --- | --- | --- |',
    ...rows.map(formatRow),
  ].join('\n');
}

/** A row for each key, and below a map the rows of its own keys. */
function rowsOf(shape: Shape, prefix: string): Row[] {
  return Object.entries(shape.properties ?? {}).flatMap(([name, inner]) => {
    const key = prefix + name;
    const row = {
      key,
      values: describeValues(inner),
      initial: describeDefault(inner, shape.required?.includes(name) === true),
      description: inner.description ?? '',
    };
    return [row, ...innerRows(inner, key)];
  });
}

function innerRows(shape: Shape, key: string): Row[] {
  if (shape.properties !== undefined) return rowsOf(shape, `${key}.`);
  if (shape.items !== undefined) return innerRows(shape.items, `${key}[]`);
  if (shape.leaf !== undefined) return [];
  return (shape.anyOf ?? []).flatMap((branch) => innerRows(branch, key));
}

function describeValues(shape: Shape): string {
  if (shape.expected !== undefined) return shape.expected.replace(/ such as (250ms|64kb).*?(?:milliseconds|bytes)/, '');
  if (shape.anyShape === true) return 'a JSON Schema, or the path of a file with one';
  if (shape.type === 'null') return 'null';
  if (shape.anyOf !== undefined) return shape.anyOf.map(describeValues).join(', or ');
  if (shape.items !== undefined)
    return shape.items.properties === undefined ? `a list: ${describeValues(shape.items)}` : 'a list of maps';
  return shape.patternProperties === undefined ? 'a map' : 'a map of names and values';
}

function describeDefault(shape: Shape, isRequired: boolean): string {
  if (isRequired) return 'required';
  if (!('default' in shape) || shape.default === '') return '';
  if (shape.leaf === 'duration') return `\`${formatDuration(Number(shape.default))}\``;
  return `\`${JSON.stringify(shape.default).replaceAll('"', '').replaceAll(',', ', ')}\``;
}

function formatRow({ key, values, initial, description }: Row): string {
  return `| ${[`\`${key}\``, values, initial, description].map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
