/** Path patterns of which every one that matches counts, not only the best: what limits on paths are looked up in. */
import { parsePathPattern } from './pattern.ts';
import { createNode, insertEntry, type Node } from './trie.ts';

export interface PathSet<T> {
  /** Nothing is in it. */
  readonly isEmpty: boolean;
  /**
   * Every value whose pattern matches one of the readings of a path, in the order of the list that the set was made of. A
   * server that reads `%2F` or `//` in its own way must not be a way around what it matches.
   */
  find(path: string, otherPaths: readonly string[]): readonly T[];
}

/** Throws what parsePathPattern throws. */
export function compilePathSet<T>(items: readonly { readonly path: string; readonly value: T }[]): PathSet<T> {
  const root = createNode<number>();
  for (const [i, { path }] of items.entries()) {
    const entry = { match: { kind: 'match', route: i }, methods: null, headers: [], conditions: 0 } as const;
    insertEntry(root, parsePathPattern(path), entry);
  }
  return {
    isEmpty: items.length === 0,
    find(path, otherPaths) {
      const found: number[] = [];
      collect(root, path, 0, found);
      for (const other of otherPaths) collect(root, other, 0, found);
      if (found.length === 0) return none;
      const ordered = found.length === 1 ? found : [...new Set(found)].sort((a, b) => a - b);
      return ordered.map((i) => (items[i] as { value: T }).value);
    },
  };
}

/** `at` is the index of the slash before the next segment, or path.length. */
function collect(node: Node<number>, path: string, at: number, found: number[]): void {
  if (node.wildcard !== null) for (const { match } of node.wildcard) found.push(match.route);
  if (at === path.length) {
    if (node.exact !== null) for (const { match } of node.exact) found.push(match.route);
    return;
  }
  if (node.literals === null && node.param === null) return;
  const slash = path.indexOf('/', at + 1);
  const end = slash === -1 ? path.length : slash;
  const child = node.literals?.get(path.slice(at + 1, end));
  if (child !== undefined) collect(child, path, end, found);
  // A parameter stands for something: `/users/` is not a user.
  if (node.param !== null && end > at + 1) collect(node.param, path, end, found);
}

const none: readonly never[] = [];
