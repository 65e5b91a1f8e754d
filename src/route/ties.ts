/** Which routes of one shape are equals: as many conditions, and requests that satisfy both, so that the file decides. */
import type { Candidate } from './problems.ts';

/** The routes seen so far, by the number of conditions and the names of their headers. */
export type TieIndex = Map<string, SameNames>;

interface SameNames {
  readonly conditions: number;
  readonly names: ReadonlySet<string>;
  readonly all: Candidate[];
  readonly byHeaders: Map<string, Candidate[]>;
}

/** Index of the earliest route that ties with the candidate, else null. The candidate is then among those seen. */
export function findTie(candidate: Candidate, seen: TieIndex): number | null {
  let earliest: number | null = null;
  for (const group of seen.values()) {
    if (group.conditions !== candidate.conditions) continue;
    const rival = rivals(candidate, group).find((other) => overlap(candidate, other));
    if (rival !== undefined && (earliest === null || rival.index < earliest)) earliest = rival.index;
  }
  remember(candidate, seen);
  return earliest;
}

/** Thousands of routes may differ by the value of one header: those with another value are no rivals. */
function rivals(candidate: Candidate, group: SameNames): readonly Candidate[] {
  const sameNames =
    candidate.headers.length === group.names.size && candidate.headers.every(({ name }) => group.names.has(name));
  return sameNames ? (group.byHeaders.get(candidate.headerKey) ?? []) : group.all;
}

function overlap(a: Candidate, b: Candidate): boolean {
  if (a.methods !== null && b.methods !== null && !a.methods.some((method) => b.methods?.includes(method)))
    return false;
  return a.headers.every(({ name, value }) => b.headers.every((other) => other.name !== name || other.value === value));
}

function remember(candidate: Candidate, seen: TieIndex): void {
  const names = candidate.headers.map(({ name }) => name).sort();
  const key = `${candidate.conditions} ${names.join(' ')}`;
  let group = seen.get(key);
  if (group === undefined) {
    group = { conditions: candidate.conditions, names: new Set(names), all: [], byHeaders: new Map() };
    seen.set(key, group);
  }
  group.all.push(candidate);
  const same = group.byHeaders.get(candidate.headerKey);
  if (same === undefined) group.byHeaders.set(candidate.headerKey, [candidate]);
  else same.push(candidate);
}
