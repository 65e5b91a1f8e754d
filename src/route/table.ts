/** The route table of one config: a trie of paths per host, asked from the exact host to none. */
import type { RouteAnswer, RouteSpec, RouteTable } from '../contracts/route.ts';
import { findRoute, type HostTries } from './find.ts';
import { parseHostPattern } from './host.ts';
import { parsePathPattern } from './pattern.ts';
import { createNode, type Entry, insertEntry, type Node } from './trie.ts';

/** A table that is not in force yet: 5,000 routes are added a few at a time, between requests. */
export interface GrowingRouteTable<R> extends RouteTable<R> {
  /** In the order of the file. Throws what parsePathPattern and parseHostPattern throw. */
  addRoute(spec: RouteSpec<R>): void;
}

export function createRouteTable<R>(): GrowingRouteTable<R> {
  const tries: HostTries<R> = { exact: new Map(), wildcard: new Map(), longestSuffix: 0, any: createNode() };
  return {
    addRoute: (spec) => insertEntry(trieOf(tries, spec.host), parsePathPattern(spec.path), compileEntry(spec)),
    find: (method, host, path, rawHeaders, otherPaths): RouteAnswer<R> =>
      findRoute(tries, method, host, path, rawHeaders, otherPaths),
  };
}

/** For few routes, or where nothing waits. */
export function compileRouteTable<R>(specs: readonly RouteSpec<R>[]): RouteTable<R> {
  const table = createRouteTable<R>();
  for (const spec of specs) table.addRoute(spec);
  return table;
}

/** GET includes HEAD (RFC 9110, section 9.3.2: the same without the body). */
export function withHead(methods: readonly string[] | null): readonly string[] | null {
  if (methods === null || !methods.includes('GET') || methods.includes('HEAD')) return methods;
  return [...methods, 'HEAD'];
}

function trieOf<R>(tries: HostTries<R>, host: string | null): Node<R> {
  if (host === null) return tries.any;
  const { kind, text } = parseHostPattern(host);
  if (kind === 'wildcard') tries.longestSuffix = Math.max(tries.longestSuffix, text.length);
  const byHost = kind === 'exact' ? tries.exact : tries.wildcard;
  let trie = byHost.get(text);
  if (trie === undefined) byHost.set(text, (trie = createNode()));
  return trie;
}

function compileEntry<R>({ methods, headers, route }: RouteSpec<R>): Entry<R> {
  return {
    match: { kind: 'match', route },
    methods: withHead(methods),
    headers,
    conditions: countConditions(methods, headers),
  };
}

/** The methods count as one condition, like each header. */
export function countConditions(methods: readonly string[] | null, headers: readonly unknown[]): number {
  return (methods === null ? 0 : 1) + headers.length;
}
