/**
 * The paths of one host as a trie: one step per segment, so that a lookup costs by the depth of the path and not by
 * the number of routes. A node is reached by one way only, so trying the next best after a dead end visits no node
 * twice: the worst config costs as much as a scan of it, and no request can cost more.
 */
import type { RouteMatch, RouteSpec } from '../contracts/route.ts';
import type { PathPattern } from './pattern.ts';

export interface Node<R> {
  literals: Map<string, Node<R>> | null;
  param: Node<R> | null;
  /** Routes whose path ends here, best first. */
  exact: Entry<R>[] | null;
  /** Routes whose "*" stands below this node, best first. */
  wildcard: Entry<R>[] | null;
}

/** What is left to compare when a route's host and path have matched. */
export interface Entry<R> {
  /** Built once: a match allocates nothing. */
  readonly match: RouteMatch<R>;
  /** HEAD included where GET is; null: all. */
  readonly methods: readonly string[] | null;
  readonly headers: RouteSpec<R>['headers'];
  readonly conditions: number;
}

export function createNode<R>(): Node<R> {
  return { literals: null, param: null, exact: null, wildcard: null };
}

/** Called in the order of the file: of entries with as many conditions the earlier stays ahead. */
export function insertEntry<R>(root: Node<R>, pattern: PathPattern, entry: Entry<R>): void {
  let node = root;
  for (const segment of pattern.segments) {
    node = segment.kind === 'param' ? (node.param ??= createNode()) : literalChild(node, segment.text);
  }
  const entries = pattern.hasWildcard ? (node.wildcard ??= []) : (node.exact ??= []);
  const at = entries.findIndex(({ conditions }) => conditions < entry.conditions);
  entries.splice(at === -1 ? entries.length : at, 0, entry);
}

/**
 * The best entry that wants the request: segment by segment from the left a literal before a parameter before "*".
 * `at` is the index of the slash before the next segment, or path.length.
 */
export function findEntry<R>(
  node: Node<R>,
  path: string,
  at: number,
  method: string,
  rawHeaders: readonly string[],
): Entry<R> | null {
  if (at === path.length) {
    return firstWanting(node.exact, method, rawHeaders) ?? firstWanting(node.wildcard, method, rawHeaders);
  }
  if (node.literals !== null || node.param !== null) {
    const end = segmentEnd(path, at);
    if (node.literals !== null) {
      const child = node.literals.get(path.slice(at + 1, end));
      const found = child === undefined ? null : findEntry(child, path, end, method, rawHeaders);
      if (found !== null) return found;
    }
    // A parameter stands for something: `/users/` is not a user.
    if (node.param !== null && end > at + 1) {
      const found = findEntry(node.param, path, end, method, rawHeaders);
      if (found !== null) return found;
    }
  }
  return firstWanting(node.wildcard, method, rawHeaders);
}

/** Adds the methods of all routes that would want the request if only its method were another. */
export function collectMethods<R>(
  node: Node<R>,
  path: string,
  at: number,
  rawHeaders: readonly string[],
  methods: Set<string>,
): void {
  if (at === path.length) {
    addMethods(node.exact, rawHeaders, methods);
  } else {
    const end = segmentEnd(path, at);
    const child = node.literals?.get(path.slice(at + 1, end));
    if (child !== undefined) collectMethods(child, path, end, rawHeaders, methods);
    if (node.param !== null && end > at + 1) collectMethods(node.param, path, end, rawHeaders, methods);
  }
  addMethods(node.wildcard, rawHeaders, methods);
}

function literalChild<R>(node: Node<R>, text: string): Node<R> {
  node.literals ??= new Map();
  let child = node.literals.get(text);
  if (child === undefined) node.literals.set(text, (child = createNode()));
  return child;
}

function segmentEnd(path: string, at: number): number {
  const end = path.indexOf('/', at + 1);
  return end === -1 ? path.length : end;
}

function firstWanting<R>(
  entries: readonly Entry<R>[] | null,
  method: string,
  rawHeaders: readonly string[],
): Entry<R> | null {
  if (entries === null) return null;
  for (const entry of entries) {
    if (entry.methods !== null && !entry.methods.includes(method)) continue;
    if (hasHeaders(entry.headers, rawHeaders)) return entry;
  }
  return null;
}

function addMethods<R>(entries: readonly Entry<R>[] | null, rawHeaders: readonly string[], methods: Set<string>): void {
  if (entries === null) return;
  for (const entry of entries) {
    if (entry.methods === null || !hasHeaders(entry.headers, rawHeaders)) continue;
    for (const method of entry.methods) methods.add(method);
  }
}

function hasHeaders(wanted: Entry<unknown>['headers'], rawHeaders: readonly string[]): boolean {
  for (const { name, value } of wanted) if (!hasField(rawHeaders, name, value)) return false;
  return true;
}

/** A field that was sent several times has each of its values. */
function hasField(rawHeaders: readonly string[], name: string, value: string): boolean {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const sent = rawHeaders[i] as string;
    if (sent.length === name.length && rawHeaders[i + 1] === value && sent.toLowerCase() === name) return true;
  }
  return false;
}
