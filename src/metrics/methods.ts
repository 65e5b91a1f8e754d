/** Methods as small numbers, so that a request finds its series without comparing text. */
import { knownMethods } from '../core/known-methods.ts';

/** Values of the label `method`. */
export const methodLabels = [...knownMethods, 'OTHER'] as const;

const other = methodLabels.length - 1;
const indexes: ReadonlyMap<string, number> = new Map(knownMethods.map((label, index) => [label, index]));

/** Index into methodLabels. Methods are case-sensitive: `get` is OTHER. */
export function methodIndex(method: string): number {
  return indexes.get(method) ?? other;
}
