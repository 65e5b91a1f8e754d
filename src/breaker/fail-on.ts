/** What counts as a failed try to a breaker, from the config's `failOn`. A 4xx never does: it is the client's doing. */
import type { TryOutcome } from '../contracts/upstream.ts';

export interface FailOn {
  readonly outcomes: ReadonlySet<TryOutcome>;
  readonly statuses: ReadonlySet<number>;
}

const outcomes: ReadonlyMap<string, TryOutcome> = new Map([
  ['connect', 'unreachable'],
  ['reset', 'reset'],
  ['timeout', 'timeout'],
  ['protocol', 'protocol_error'],
]);

export function compileFailOn(failOn: readonly string[]): FailOn {
  return {
    outcomes: new Set(failOn.flatMap((name) => outcomes.get(name) ?? [])),
    statuses: new Set(failOn.flatMap(statusesOf)),
  };
}

function statusesOf(name: string): number[] {
  if (name === '5xx') return Array.from({ length: 100 }, (_, i) => 500 + i);
  return /^5\d\d$/.test(name) ? [Number(name)] : [];
}
