/**
 * Whether more specific paths leave anything to a trailing "*". They do, except in one case: beside `/a/*` stand
 * `/a`, `/a/` and `/a/:x/*` (or what amounts to it, one level further down). What is left then, such as `/a//b`, is
 * refused as ambiguous, since it reads as `/a/b` too.
 */
import type { Candidate, Shapes } from './problems.ts';

/** Index of a route that takes part of what `prefix` + "/*" would have got, when nothing is left; else null. */
export function findWildcardCover(shapes: Shapes, prefix: string, candidate: Candidate): number | null {
  let cover: number | null = null;
  for (const method of candidate.methods ?? [null]) {
    // The root is no path of its own: every request's path begins with "/".
    if (prefix !== '' && findTaker(shapes, prefix, candidate, method) === null) return null;
    if (findTaker(shapes, `${prefix}/`, candidate, method) === null) return null;
    cover = findTakerBelow(shapes, `${prefix}/:`, candidate, method);
    if (cover === null) return null;
  }
  return cover;
}

/** Who takes `prefix` and everything below it: a "*" of its own, or again the three that leave nothing. */
function findTakerBelow(shapes: Shapes, prefix: string, candidate: Candidate, method: string | null): number | null {
  const taker = findTaker(shapes, `${prefix}/*`, candidate, method);
  if (taker !== null) return taker;
  if (findTaker(shapes, prefix, candidate, method) === null) return null;
  if (findTaker(shapes, `${prefix}/`, candidate, method) === null) return null;
  return findTakerBelow(shapes, `${prefix}/:`, candidate, method);
}

/** A route of this shape that takes every request of `method` (null: of all methods) that the candidate wants. */
function findTaker(shapes: Shapes, shape: string, candidate: Candidate, method: string | null): number | null {
  for (const { index, methods, headers } of shapes.get(shape) ?? []) {
    if (methods !== null && (method === null || !methods.includes(method))) continue;
    if (headers.every(({ name, value }) => wants(candidate, name, value))) return index;
  }
  return null;
}

function wants(candidate: Candidate, name: string, value: string): boolean {
  return candidate.headers.some((header) => header.name === name && header.value === value);
}
