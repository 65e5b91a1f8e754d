/** How a try at an upstream may end, as small numbers: the values of `upstream_requests_total{outcome}`. */
import type { TryOutcome } from '../contracts/upstream.ts';

const indexes: { readonly [O in TryOutcome]: number } = {
  success: 0,
  server_error: 1,
  unreachable: 2,
  reset: 3,
  timeout: 4,
  protocol_error: 5,
  blocked: 6,
  canceled: 7,
};

export const upstreamOutcomes = Object.keys(indexes) as readonly TryOutcome[];

export function outcomeIndex(outcome: TryOutcome): number {
  return indexes[outcome];
}
