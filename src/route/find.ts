/** Which route a request belongs to, once every way to read its path agrees. */
import type { RouteAnswer } from '../contracts/route.ts';
import { withoutFinalDot } from './host.ts';
import { collectMethods, type Entry, findEntry, type Node } from './trie.ts';

/** All routes by host. Written by the table that owns it, while it grows. */
export interface HostTries<R> {
  readonly exact: Map<string, Node<R>>;
  /** By suffix: `.example.com`. */
  readonly wildcard: Map<string, Node<R>>;
  longestSuffix: number;
  readonly any: Node<R>;
}

/** See RouteTable.find. Nothing is allocated for a request that finds its route. */
export function findRoute<R>(
  tries: HostTries<R>,
  method: string,
  sentHost: string,
  path: string,
  rawHeaders: readonly string[],
  otherPaths: readonly string[],
): RouteAnswer<R> {
  const host = withoutFinalDot(sentHost);
  const entry = findBest(tries, method, host, path, rawHeaders);
  for (const other of otherPaths) {
    // An upstream may read the path the other way: what this route's policy let through would be what another was meant
    // to decide on. Where no other route was written, an encoded slash is data, as in a package name `@scope%2Fname`.
    const otherEntry = findBest(tries, method, host, other, rawHeaders);
    if (otherEntry !== null && otherEntry !== entry) return ambiguous;
  }
  if (entry !== null) return entry.match;
  const allow = allowedMethods(tries, host, path, rawHeaders);
  return allow.length === 0 ? none : { kind: 'method', allow };
}

const ambiguous = { kind: 'ambiguous' } as const;
const none = { kind: 'none' } as const;

/** Exact host before wildcard (the longest suffix first) before none; each is asked whole before the next. */
function findBest<R>(
  tries: HostTries<R>,
  method: string,
  host: string,
  path: string,
  rawHeaders: readonly string[],
): Entry<R> | null {
  if (tries.exact.size > 0) {
    const trie = tries.exact.get(host);
    const found = trie === undefined ? null : findEntry(trie, path, 0, method, rawHeaders);
    if (found !== null) return found;
  }
  if (tries.wildcard.size > 0) {
    for (let at = suffixStart(tries, host); at !== -1; at = host.indexOf('.', at + 1)) {
      const trie = tries.wildcard.get(host.slice(at));
      const found = trie === undefined ? null : findEntry(trie, path, 0, method, rawHeaders);
      if (found !== null) return found;
    }
  }
  return findEntry(tries.any, path, 0, method, rawHeaders);
}

/** The first dot of the host that can begin a suffix in the table; a host of a thousand dots costs no thousand lookups. */
function suffixStart(tries: HostTries<unknown>, host: string): number {
  return host.indexOf('.', Math.max(1, host.length - tries.longestSuffix));
}

function allowedMethods<R>(tries: HostTries<R>, host: string, path: string, rawHeaders: readonly string[]): string[] {
  const methods = new Set<string>();
  const add = (trie: Node<R> | undefined) => {
    if (trie !== undefined) collectMethods(trie, path, 0, rawHeaders, methods);
  };
  add(tries.exact.get(host));
  for (let at = suffixStart(tries, host); at !== -1; at = host.indexOf('.', at + 1))
    add(tries.wildcard.get(host.slice(at)));
  add(tries.any);
  return [...methods].sort();
}
