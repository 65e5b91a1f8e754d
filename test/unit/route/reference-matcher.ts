/** The contract's rule for routes, written as plainly as possible: what the trie is held against. */
import type { RouteSpec } from '../../../src/contracts/route.ts';

export interface Request {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly rawHeaders: readonly string[];
}

export type Spec = RouteSpec<number>;

/** The route that wins, or the methods that would have been allowed. */
export function findByReference(specs: readonly Spec[], request: Request): number | readonly string[] {
  const standing = specs.filter(
    (spec) =>
      hostRank(spec.host, request.host) > 0 && matchesPath(spec.path, request.path) && matchesHeaders(spec, request),
  );
  const [best] = standing.filter(({ methods }) => wantsMethod(methods, request.method)).sort(byRank(request));
  if (best !== undefined) return best.route;
  const allow = new Set(standing.flatMap(({ methods }) => methods ?? []));
  if (allow.has('GET')) allow.add('HEAD');
  return [...allow].sort((a, b) => (a < b ? -1 : 1));
}

function byRank(request: Request): (a: Spec, b: Spec) => number {
  return (a, b) =>
    hostRank(b.host, request.host) - hostRank(a.host, request.host) ||
    comparePaths(a.path, b.path) ||
    conditions(b) - conditions(a) ||
    a.route - b.route;
}

/** 0: no match; then none, wildcards by length, exact. */
function hostRank(pattern: string | null, host: string): number {
  if (pattern === null) return 1;
  if (pattern === host) return 1_000;
  const suffix = pattern.slice(1);
  return pattern.startsWith('*.') && host.endsWith(suffix) && host.length > suffix.length ? 1 + suffix.length : 0;
}

function matchesPath(pattern: string, path: string): boolean {
  const wanted = pattern.split('/').slice(1);
  const sent = path.split('/').slice(1);
  const below = wanted.at(-1) === '*';
  if (below) wanted.pop();
  if (below ? sent.length < wanted.length : sent.length !== wanted.length) return false;
  return wanted.every((word, i) => (word.startsWith(':') ? sent[i] !== '' : sent[i] === word));
}

/** Both match one path, so that where they differ one is a literal, a parameter or "*" and the other is more general. */
function comparePaths(a: string, b: string): number {
  const left = a.split('/').slice(1);
  const right = b.split('/').slice(1);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = generality(left[i]) - generality(right[i]);
    if (difference !== 0) return difference;
  }
  return 0;
}

function generality(word: string | undefined): number {
  if (word === '*') return 2;
  return word?.startsWith(':') === true ? 1 : 0;
}

function matchesHeaders({ headers }: Spec, { rawHeaders }: Request): boolean {
  return headers.every(({ name, value }) =>
    rawHeaders.some((text, i) => i % 2 === 0 && text.toLowerCase() === name && rawHeaders[i + 1] === value),
  );
}

function wantsMethod(methods: readonly string[] | null, method: string): boolean {
  return methods === null || methods.includes(method) || (method === 'HEAD' && methods.includes('GET'));
}

function conditions({ methods, headers }: Spec): number {
  return Number(methods !== null) + headers.length;
}
