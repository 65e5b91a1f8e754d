/**
 * Reads a parsed document along the schema: settles references and units, and reports every key and value that does
 * not fit. A value that does not fit is left out of the result, so that the checks of meaning can go on beside it.
 */
import { isAlias, isMap, isScalar, isSeq, type Node, type Pair, Scalar, type YAMLMap, type YAMLSeq } from 'yaml';
import type { Findings } from './findings.ts';
import { type Environment, interpolate } from './interpolate.ts';
import { findBrokenLimit, isSecret, type LeafNotes, readLeaf, type Written } from './leaves.ts';
import { findNearest } from './nearest.ts';
import { type KeyPath, showText } from './problem.ts';
import { describeKind, keyText, resolveAlias } from './read.ts';

/** The part of JSON Schema that the config's schema is made of. */
interface Shape extends Partial<LeafNotes> {
  readonly type?: unknown;
  readonly anyOf?: readonly Shape[];
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  readonly patternProperties?: Readonly<Record<string, Shape>>;
  readonly items?: Shape;
  readonly minItems?: number;
  /** Any value goes: a JSON Schema in the config. */
  readonly anyShape?: boolean;
}

/** A checked value of type T in which whatever did not fit is missing; lists keep a hole in its place. */
export type Loose<T> = T extends readonly (infer Item)[]
  ? readonly (Loose<Item> | undefined)[]
  : T extends object
    ? { readonly [K in keyof T]?: Loose<T[K]> | undefined }
    : T;

/** The value that the document means, with holes where `findings` got an error. */
export function readShape(schema: object, findings: Findings, environment: Environment): unknown {
  return readNode({ findings, environment, nodes: 0, suggestions: 0 }, schema as Shape, findings.source.root, []);
}

interface Reading {
  readonly findings: Findings;
  readonly environment: Environment;
  nodes: number;
  suggestions: number;
}

/** Ten times a config of 5,000 full routes: only aliases that repeat aliases get there. */
const mostNodes = 3_000_000;
/** Finding the nearest name is slow, and nobody reads more. */
const mostSuggestions = 200;
const deepestValue = 64;

function readNode(reading: Reading, shape: Shape, written: Node, path: KeyPath): unknown {
  const node = resolveAlias(reading.findings.source, written);
  if (!countNode(reading, path)) return undefined;
  if (isAlias(node)) return rejectAlias(reading, shape, node, path);
  const branch = chooseBranch(shape, node);
  if (branch === null) return rejectKind(reading, shape, node, path);
  if (branch.anyShape === true) return readAnything(reading, node, path, 0);
  if (branch.leaf !== undefined) return readScalar(reading, branch as LeafNotes, node, path);
  if (isSeq(node)) return readList(reading, branch, node, path);
  if (isMap(node))
    return branch.properties === undefined
      ? readRecord(reading, branch, node, path)
      : readMap(reading, branch, node, path);
  return null;
}

/** The alternative that this kind of node can be: the format has at most one for each kind. */
function chooseBranch(shape: Shape, node: Node): Shape | null {
  if (shape.leaf === undefined && shape.anyOf !== undefined) {
    return shape.anyOf.find((branch) => chooseBranch(branch, node) !== null) ?? null;
  }
  return fits(shape, node) ? shape : null;
}

function fits(shape: Shape, node: Node): boolean {
  if (shape.type === 'null') return isEmpty(node);
  if (isEmpty(node)) return false;
  if (shape.anyShape === true) return true;
  if (isSeq(node)) return shape.type === 'array';
  if (isMap(node)) return shape.type === 'object';
  return isScalar(node) && shape.leaf !== undefined;
}

/** Mostly a host such as *.example.com without quotes; it may as well be a secret. */
function rejectAlias(reading: Reading, shape: Shape, node: Node, path: KeyPath): undefined {
  const shown = mayShow(shape) ? describeKind(node) : 'a text that begins with "*"';
  reading.findings.error(
    path,
    `${shown} needs quotes; without them YAML takes it for an alias, of which there is none`,
    mayShow(shape) ? {} : { value: null },
  );
}

function rejectKind(reading: Reading, shape: Shape, node: Node, path: KeyPath): undefined {
  const found = isMap(node) || isSeq(node) ? `${describeKind(node)} does not fit here` : wrongScalar(shape, node);
  reading.findings.error(path, found, {
    expected: describeExpected(shape),
    ...(mayShow(shape) ? {} : { value: null }),
  });
}

function wrongScalar(shape: Shape, node: Node): string {
  if (isEmpty(node)) return 'is empty';
  return mayShow(shape) ? `${describeKind(node)} does not fit here` : 'does not fit here';
}

function readMap(reading: Reading, shape: Shape, map: YAMLMap, path: KeyPath): unknown {
  const { properties = {}, required = [] } = shape;
  const value = Object.create(null) as Record<string, unknown>;
  const seen = new Set<string>();
  const meant = new Set<string | null>();
  for (const pair of map.items) {
    const name = readKey(reading, pair, seen, path);
    if (name === null) continue;
    const inner = Object.hasOwn(properties, name) ? properties[name] : undefined;
    // A mistyped required key is one mistake, not two.
    if (inner === undefined) meant.add(reportUnknownKey(reading, Object.keys(properties), name, path));
    else set(value, name, readNode(reading, inner, valueOf(pair), [...path, name]));
  }
  for (const name of required) {
    if (seen.has(name) || meant.has(name)) continue;
    reading.findings.error([...path, name], 'is missing', { expected: describeExpected(properties[name] ?? {}) });
  }
  return value;
}

function readRecord(reading: Reading, shape: Shape, map: YAMLMap, path: KeyPath): unknown {
  const inner = Object.values(shape.patternProperties ?? {})[0] ?? {};
  const value = Object.create(null) as Record<string, unknown>;
  const seen = new Set<string>();
  for (const pair of map.items) {
    const name = readKey(reading, pair, seen, path);
    if (name !== null) set(value, name, readNode(reading, inner, valueOf(pair), [...path, name]));
  }
  return value;
}

function readKey(reading: Reading, pair: Pair, seen: Set<string>, path: KeyPath): string | null {
  const name = keyText(pair);
  if (name === null) {
    reading.findings.error(path, 'has a key that is no plain text', { expected: 'a name, a colon, and a value' });
    return null;
  }
  if (seen.has(name)) {
    reading.findings.error([...path, name], `the key ${showText(name)} is there twice`, { at: 'key', value: name });
    return null;
  }
  seen.add(name);
  return name;
}

function reportUnknownKey(reading: Reading, known: readonly string[], name: string, path: KeyPath): string | null {
  const suggestion = suggest(reading, name, known);
  const message =
    name === '<<' ? 'merging with "<<" is not supported; repeat the keys' : `unknown key ${showText(name)}`;
  reading.findings.error([...path, name], message, {
    at: 'key',
    value: showText(name),
    expected: name === '<<' ? null : `one of ${known.join(', ')}`,
    suggestion,
  });
  return suggestion;
}

function suggest(reading: Reading, name: string, known: readonly string[]): string | null {
  if (reading.suggestions >= mostSuggestions) return null;
  reading.suggestions++;
  return findNearest(name, known);
}

function readList(reading: Reading, shape: Shape, list: YAMLSeq, path: KeyPath): unknown {
  const { items = {}, minItems = 0 } = shape;
  if (list.items.length < minItems) {
    reading.findings.error(path, 'is an empty list', { expected: 'at least one entry' });
    return undefined;
  }
  return list.items.map((item, i) => readNode(reading, items, item as Node, [...path, i]));
}

function readScalar(reading: Reading, leaf: LeafNotes, node: Node, path: KeyPath): unknown {
  if (!isScalar(node)) return undefined;
  const written = settle(reading, node.value, node.source, path);
  if (written === null) return undefined;
  const value = readLeaf(leaf, written);
  if (value !== undefined) return value;
  const limit = findBrokenLimit(leaf, written);
  reading.findings.error(
    path,
    limit === null ? describeWrong(leaf, node, written) : `${showNumber(node, written)} is too ${limit.is}`,
    {
      expected: limit?.expected ?? leaf.expected,
      ...(isSecret(leaf.leaf) ? { value: null } : {}),
      suggestion:
        typeof written.value === 'string' && !written.substituted
          ? suggest(reading, written.value, leaf.choices ?? [])
          : null,
    },
  );
  return undefined;
}

function settle(reading: Reading, value: unknown, source: string | undefined, path: KeyPath): Written | null {
  if (typeof value !== 'string') return { value, text: source ?? String(value as number), substituted: false };
  const found = interpolate(value, reading.environment, reading.findings.source);
  if (found.ok) return { value: found.text, text: found.text, substituted: found.substituted };
  reading.findings.error(path, found.message);
  return null;
}

function showNumber(node: Node, written: Written): string {
  return written.substituted ? `what ${describeKind(node)} gives` : describeKind(node);
}

function describeWrong(leaf: LeafNotes, node: Node, written: Written): string {
  if (written.value === '') return written.substituted ? `${describeKind(node)} gives an empty text` : 'is empty';
  if (isSecret(leaf.leaf)) return 'does not fit here';
  if (written.substituted) return `${showNumber(node, written)} does not fit here`;
  const wantsText = leaf.leaf === 'text' || leaf.leaf === 'freeText';
  return wantsText
    ? `${describeKind(node)} is a ${typeof written.value}; put text in quotes`
    : `${describeKind(node)} does not fit here`;
}

const anyShape: Shape = { anyShape: true };

/** A JSON Schema inside the config: plain data, with references in its strings settled. */
function readAnything(reading: Reading, written: Node, path: KeyPath, depth: number): unknown {
  const node = resolveAlias(reading.findings.source, written);
  if (!countNode(reading, path)) return undefined;
  if (isAlias(node)) return rejectAlias(reading, anyShape, node, path);
  if (depth > deepestValue) {
    reading.findings.error(path, 'is nested too deeply', { value: null });
    return undefined;
  }
  if (isSeq(node)) return node.items.map((item, i) => readAnything(reading, item as Node, [...path, i], depth + 1));
  if (isMap(node)) return readAnyMap(reading, node, path, depth);
  if (!isScalar(node)) return undefined;
  return settle(reading, node.value, node.source, path)?.value;
}

function readAnyMap(reading: Reading, map: YAMLMap, path: KeyPath, depth: number): unknown {
  const value = Object.create(null) as Record<string, unknown>;
  const seen = new Set<string>();
  for (const pair of map.items) {
    const name = readKey(reading, pair, seen, path);
    if (name !== null) set(value, name, readAnything(reading, valueOf(pair), [...path, name], depth + 1));
  }
  return value;
}

/** False from the point on where aliases in aliases would make a small file endless. */
function countNode(reading: Reading, path: KeyPath): boolean {
  reading.nodes++;
  if (reading.nodes === mostNodes) reading.findings.error(path, 'aliases repeat too much of the file', { value: null });
  return reading.nodes < mostNodes;
}

/** What may stand here, in words. */
function describeExpected(shape: Shape): string {
  if (shape.expected !== undefined) return shape.expected;
  if (shape.anyOf !== undefined) {
    return shape.anyOf
      .filter((branch) => branch.type !== 'null')
      .map(describeExpected)
      .join(', or ');
  }
  if (shape.anyShape === true) return 'a JSON Schema, or the path of a file that holds one';
  if (shape.type === 'array')
    return shape.items?.properties === undefined
      ? 'a list'
      : `a list of entries, each ${describeExpected(shape.items)}`;
  if (shape.properties === undefined) return 'a map of names and values';
  return `a map with ${listSome(Object.keys(shape.properties))}`;
}

function listSome(names: readonly string[]): string {
  return names.length > 8 ? `${names.slice(0, 7).join(', ')}, …` : names.join(', ');
}

/** What stands in the place of a map or list may be the secret that belongs into it: `admin: TOKEN`. */
function mayShow({ leaf, anyOf, properties, items }: Shape): boolean {
  if (leaf !== undefined) return !isSecret(leaf);
  const inner = [...(anyOf ?? []), ...Object.values(properties ?? {}), ...(items === undefined ? [] : [items])];
  return inner.every(mayShow);
}

function isEmpty(node: Node): boolean {
  return isScalar(node) && node.value === null;
}

/** A key without a value has no node of its own. */
function valueOf(pair: Pair): Node {
  return (pair.value ?? new Scalar(null)) as Node;
}

function set(value: Record<string, unknown>, name: string, found: unknown): void {
  if (found !== undefined) value[name] = found;
}
