/** What is wrong with the routes of a config taken together: routes without a difference, out of reach, or in a tie. */
import { parseHostPattern } from './host.ts';
import { type PathPattern, parsePathPattern } from './pattern.ts';
import { countConditions, withHead } from './table.ts';
import { findTie, type TieIndex } from './ties.ts';
import { findWildcardCover } from './wildcard-cover.ts';

export interface RouteConditions {
  readonly path: string;
  readonly host: string | null;
  /** Upper case; null: all. */
  readonly methods: readonly string[] | null;
  /** Lower-case names. */
  readonly headers: readonly { readonly name: string; readonly value: string }[];
}

export interface RouteProblem {
  /** The route that the problem is with, and the one that it is a problem with. */
  readonly index: number;
  readonly other: number | null;
  readonly severity: 'error' | 'warning';
  /** Names neither route, so that the caller can put both places beside it. */
  readonly message: string;
}

export interface Candidate {
  readonly index: number;
  /** HEAD included where GET is. */
  readonly methods: readonly string[] | null;
  readonly headers: RouteConditions['headers'];
  /** Header conditions in one order: equal for routes that want the same headers. */
  readonly headerKey: string;
  readonly conditions: number;
}

/**
 * Routes with one host and one shape of path, by that shape: parameters without their names, since `/a/:id` and
 * `/a/:name` match the same paths. In the order of the file.
 */
export type Shapes = ReadonlyMap<string, readonly Candidate[]>;

/** In the order of the file. Routes whose path or host can't be parsed are left out: they have errors of their own. */
export function findRouteProblems(routes: readonly RouteConditions[]): RouteProblem[] {
  const problems: RouteProblem[] = [];
  for (const shapes of groupRoutes(routes).values()) {
    for (const [shape, candidates] of shapes) judgeShape(shapes, shape, candidates, problems);
  }
  return problems.sort((a, b) => a.index - b.index);
}

function groupRoutes(routes: readonly RouteConditions[]): Map<string, Map<string, Candidate[]>> {
  const hosts = new Map<string, Map<string, Candidate[]>>();
  routes.forEach((route, index) => {
    const place = placeOf(route);
    if (place === null) return;
    const shapes = getOrAdd(hosts, place.host, () => new Map<string, Candidate[]>());
    getOrAdd(shapes, place.shape, () => []).push(describe(route, index));
  });
  return hosts;
}

function placeOf({ host, path }: RouteConditions): { host: string; shape: string } | null {
  try {
    const pattern = host === null ? null : parseHostPattern(host);
    return {
      host: pattern === null ? '' : `${pattern.kind} ${pattern.text}`,
      shape: shapeOf(parsePathPattern(path)),
    };
  } catch {
    return null;
  }
}

/** A literal can't be mistaken for the ":" of a parameter: no literal segment begins with one. */
function shapeOf({ segments, hasWildcard }: PathPattern): string {
  const shape = segments.map((segment) => (segment.kind === 'param' ? '/:' : `/${segment.text}`)).join('');
  return hasWildcard ? `${shape}/*` : shape;
}

function describe({ methods, headers }: RouteConditions, index: number): Candidate {
  return {
    index,
    methods: withHead(methods),
    headers,
    headerKey: JSON.stringify(headers.map(({ name, value }) => `${name}: ${value}`).sort(compareText)),
    conditions: countConditions(methods, headers),
  };
}

function judgeShape(shapes: Shapes, shape: string, candidates: readonly Candidate[], problems: RouteProblem[]): void {
  const taken = new Map<string, Taken>();
  const ties: TieIndex = new Map();
  for (const candidate of candidates) {
    const same = getOrAdd(taken, candidate.headerKey, () => ({ all: null, byMethod: new Map() }));
    const error = findTwin(candidate, same) ?? findCover(shapes, shape, candidate);
    if (error !== null) {
      problems.push(error);
      continue;
    }
    take(candidate, same);
    const tie = findTie(candidate, ties);
    if (tie !== null) {
      const message =
        'takes some of the same requests as another route with as many conditions: the first in the file wins';
      problems.push({ index: candidate.index, other: tie, severity: 'warning', message });
    }
  }
}

/** What the routes so far take of one shape and one set of header conditions: who takes every method, or each one. */
interface Taken {
  all: Candidate | null;
  readonly byMethod: Map<string, Candidate>;
}

/**
 * Among routes of one shape only those with the same header conditions can take all of another's requests: more
 * conditions leave some over, and fewer lose.
 */
function findTwin(candidate: Candidate, { all, byMethod }: Taken): RouteProblem | null {
  const { index, methods } = candidate;
  if (methods === null) {
    return all === null ? null : { index, other: all.index, severity: 'error', message: noDifference };
  }
  let owner: Candidate | null = null;
  for (const method of methods) {
    const taker = byMethod.get(method);
    if (taker === undefined) return null;
    if (owner === null || taker.index > owner.index) owner = taker;
  }
  if (owner === null) return null;
  const isTwin = sameMethods(owner.methods, methods);
  return { index, other: owner.index, severity: 'error', message: isTwin ? noDifference : allTaken };
}

function take(candidate: Candidate, taken: Taken): void {
  if (candidate.methods === null) {
    taken.all = candidate;
    return;
  }
  for (const method of candidate.methods) {
    if (!taken.byMethod.has(method)) taken.byMethod.set(method, candidate);
  }
}

function findCover(shapes: Shapes, shape: string, candidate: Candidate): RouteProblem | null {
  if (!shape.endsWith('/*')) return null;
  const cover = findWildcardCover(shapes, shape.slice(0, -2), candidate);
  if (cover === null) return null;
  return { index: candidate.index, other: cover, severity: 'error', message: allBelowTaken };
}

const noDifference =
  'can never be told apart from another route: same host, path, methods and headers, so that it never gets a request';
const allTaken = 'can never be reached: other routes with the same host, path and headers take all of its methods';
const allBelowTaken = 'can never be reached: routes with more specific paths take every request below it';

function sameMethods(a: readonly string[] | null, b: readonly string[]): boolean {
  return a !== null && new Set(a).size === new Set(b).size && a.every((method) => b.includes(method));
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = create()));
  return value;
}
