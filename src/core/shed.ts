/** The refusals of overload protection. Others say `overloaded` too: these are told apart by identity. */
import type { Refusal } from '../contracts/refusal.ts';
import { refusal } from './refusals.ts';

/** The worker has more to do than it can bear. */
export const gatewayOverloaded = refusal('overloaded', 'the gateway has more to do than it can take; try again later');

/** The upstream has as many requests under way as it answers in good time (`overload.adaptive`). */
export const upstreamSaturated = refusal(
  'overloaded',
  'the upstream has as much to do as it can take; try again later',
);

/** Nobody who matters less waits for the upstream, and no place is left (`maxPending`). */
export const upstreamBusy = refusal('overloaded', 'too many requests wait for the upstream; try again later');

/** Whether it was refused by the priority of its route. */
export function isShed(refused: Refusal): boolean {
  return refused === gatewayOverloaded || refused === upstreamSaturated || refused === upstreamBusy;
}
