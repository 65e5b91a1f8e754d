/** A config file as a parsed YAML document that knows where each of its values stands. Nothing is judged here but the YAML itself. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml';
import { describeFileError } from './interpolate.ts';
import { formatPath, type KeyPath, type Problem, showText } from './problem.ts';

export interface Source {
  /** As the user named it. */
  readonly file: string;
  /** What relative paths in the file start from. */
  readonly folder: string;
  /** Files that its content has had read, by their absolute paths: filled in while it is judged. */
  readonly reads: Set<string>;
  readonly root: Node;
  /** The same as plain data, with nothing settled in it; a reader that knows the shape does better. */
  readonly plain: () => unknown;
  readonly lines: LineCounter;
  /** What each alias stands for. An anchor may be set again, so the place of the alias counts. */
  readonly aliases: ReadonlyMap<Alias, Node>;
}

export type ReadResult =
  | { readonly ok: true; readonly source: Source }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Reads and parses a file; everything that keeps it from being YAML with the right root is a problem. */
export function readConfigFile(
  file: string,
  roots: readonly ('map' | 'list')[] = ['map'],
  adviceWhenEmpty = roots.includes('list') ? emptyList : emptyConfig,
): ReadResult {
  let text: string;
  try {
    text = readText(file);
  } catch (error) {
    return fail(file, { line: 1, column: 1 }, `can't be read: ${describeFileError(error)}`);
  }
  return parseConfigText(file, text, roots, adviceWhenEmpty);
}

const emptyList = '[] says that there is nothing';
const emptyConfig = 'write at least "routes" and "upstreams", as in config/proxy.yml';

/** The byte order mark stays: the YAML parser knows it, and columns count it. */
function readText(file: string): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(file));
}

/** As `readConfigFile`, of a text at hand. `file` is for messages and for relative paths. */
export function parseConfigText(
  file: string,
  text: string,
  roots: readonly ('map' | 'list')[],
  adviceWhenEmpty = roots.includes('list') ? emptyList : emptyConfig,
): ReadResult {
  const lines = countLines(text);
  const document = parseDocument(text, { prettyErrors: false, logLevel: 'error' });
  const complaints = describeYamlErrors(file, text, lines, [...document.errors, ...document.warnings]);
  if (complaints.length > 0) return { ok: false, problems: complaints };
  const root = document.contents;
  if (root === null || (isScalar(root) && root.value === null)) {
    return fail(file, { line: 1, column: 1 }, `is empty; ${adviceWhenEmpty}`);
  }
  const isRoot = (roots.includes('map') && isMap(root)) || (roots.includes('list') && isSeq(root));
  if (!isRoot) {
    const place = placeAt(lines, root.range?.[0] ?? 0);
    return fail(
      file,
      place,
      `holds ${describeKind(root)}; expected ${roots.map((kind) => `a ${kind}`).join(' or ')} of settings`,
    );
  }
  const aliases = text.includes('&') ? findAliases(root) : new Map<Alias, Node>();
  const plain = (): unknown => document.toJS({ maxAliasCount: 100 });
  const folder = dirname(resolve(file));
  return { ok: true, source: { file, folder, reads: new Set(), root, plain, lines, aliases } };
}

/** Left to itself, yaml misses those inside of texts of several lines that stand where it expects none. */
function countLines(text: string): LineCounter {
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lines.addNewLine(at + 1);
  return lines;
}

/** Where the value of a key stands, or the key itself; for a key that is not there, where the map that lacks it begins. */
export function locate(source: Source, path: KeyPath, what: 'key' | 'value' = 'value'): Place {
  const found = walkTo(source, path);
  const node = what === 'key' && found.missing === 0 ? (found.key ?? found.node) : found.node;
  return placeAt(source.lines, node.range?.[0] ?? 0);
}

/** The node at a path, with aliases resolved; null when it is not there. */
export function nodeAt(source: Source, path: KeyPath): Node | null {
  const found = walkTo(source, path);
  return found.missing === 0 ? resolveAlias(source, found.node) : null;
}

export function resolveAlias(source: Source, node: Node): Node {
  return isAlias(node) ? (source.aliases.get(node) ?? node) : node;
}

/** The text of a key; null for keys that are lists, maps or aliases. */
export function keyText(pair: Pair): string | null {
  if (!isScalar(pair.key)) return null;
  const { source, value } = pair.key;
  return typeof value === 'string' ? value : (source ?? String(value as number));
}

/** "a map", "a list", "nothing", or the scalar as it is written, text in quotes. */
export function describeKind(node: Node): string {
  if (isMap(node)) return 'a map';
  if (isSeq(node)) return 'a list';
  if (isAlias(node)) return showText(`*${node.source}`);
  if (!isScalar(node)) return 'something else';
  if (node.value === null) return 'nothing';
  return typeof node.value === 'string' ? showText(node.value) : (node.source ?? String(node.value as number));
}

export function placeAt(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

interface Walk {
  /** The node itself, or the last one on the way to it. */
  readonly node: Node;
  readonly key: Node | null;
  /** Steps of the path that could not be taken. */
  readonly missing: number;
}

function walkTo(source: Source, path: KeyPath): Walk {
  let node: Node = source.root;
  let key: Node | null = null;
  for (const [i, step] of path.entries()) {
    const inside = resolveAlias(source, node);
    const next = childAt(inside, step);
    if (next === null) return { node, key, missing: path.length - i };
    node = next.value;
    key = next.key;
  }
  return { node, key, missing: 0 };
}

function childAt(node: Node, step: string | number): { key: Node | null; value: Node } | null {
  if (isSeq(node) && typeof step === 'number') {
    const item = node.items[step] as Node | null | undefined;
    return item === undefined || item === null ? null : { key: null, value: item };
  }
  if (!isMap(node)) return null;
  const pair = node.items.find((candidate) => keyText(candidate) === step);
  if (pair === undefined) return null;
  const key = pair.key as Node;
  // A key without a value ("a" in "{ a }") has no node of its own.
  return { key, value: (pair.value as Node | null) ?? key };
}

/** One pass over the document; asking yaml for each alias would walk all of it every time. */
function findAliases(root: Node): Map<Alias, Node> {
  const anchors = new Map<string, Node>();
  const aliases = new Map<Alias, Node>();
  visit(root, {
    Node: (_, node) => {
      if (isAlias(node)) {
        const target = anchors.get(node.source);
        if (target !== undefined) aliases.set(node, target);
      } else if (node.anchor !== undefined) {
        anchors.set(node.anchor, node as Node);
      }
    },
  });
  return aliases;
}

function fail(file: string, place: Place, message: string): ReadResult {
  return { ok: false, problems: [problemAt(file, place, message)] };
}

function problemAt(file: string, place: Place, message: string, expected: string | null = null): Problem {
  return { severity: 'error', file, ...place, path: formatPath([]), value: null, message, expected };
}

/** The first one of each line: what follows on it is mostly its consequence. */
function describeYamlErrors(file: string, text: string, lines: LineCounter, errors: readonly YAMLError[]): Problem[] {
  const byLine = new Map<number, Problem>();
  for (const error of errors.slice(0, 100)) {
    const place = placeAt(lines, error.pos[0]);
    if (byLine.has(place.line)) continue;
    const what = explainYamlError(error, lineOf(text, lines, place.line));
    byLine.set(place.line, problemAt(file, place, `is not valid YAML: ${what}`));
  }
  return [...byLine.values()];
}

function lineOf(text: string, lines: LineCounter, line: number): string {
  return text.slice(lines.lineStarts[line - 1] ?? 0, lines.lineStarts[line] ?? text.length);
}

function explainYamlError({ code, message }: YAMLError, line: string): string {
  if (code === 'UNEXPECTED_TOKEN' && line.includes('${')) return 'inside { } and [ ], put quotes around "${NAME}"';
  return yamlErrors[code] ?? plain(message);
}

const yamlErrors: Readonly<Record<string, string>> = {
  TAG_RESOLVE_FAILED:
    'a text that begins with "!" needs quotes; YAML takes it for a tag, and tags have no meaning here',
  DUPLICATE_KEY: 'this key is already there in the same map; remove one of the two',
  MULTIPLE_DOCS: 'a second document begins here ("---"); keep the config in one',
  TAB_AS_INDENT: "a tab can't indent; use spaces",
  BAD_ALIAS: 'a "*" at the beginning of a text needs quotes: "*"',
  RESOURCE_EXHAUSTION: 'it is nested too deeply',
  BAD_INDENT: 'this line is indented by more or fewer spaces than the keys that belong with it',
  MISSING_CHAR:
    'something is missing here: a "-", a closing bracket or a quote, or the line is indented by too few spaces',
  BLOCK_AS_IMPLICIT_KEY:
    'this key has no place here: it is indented too far, its "-" is missing, or a text with ": " needs quotes',
  MULTILINE_IMPLICIT_KEY: 'a key and its value are expected on this line: is there a space behind the colon?',
  BLOCK_IN_FLOW: 'inside { } and [ ], a text with ": " needs quotes',
};

/** In the middle of a sentence, and without anything quoted from the file: it could be a secret. */
function plain(message: string): string {
  const text = message.replace(/: "[\s\S]*$/, '').replace(/\s+/g, ' ');
  return text.charAt(0).toLowerCase() + text.slice(1);
}
