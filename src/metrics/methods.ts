/** Methods as small numbers, so that a request finds its series without comparing text. */

/** Values of the label `method`: RFC 9110 and PATCH; whatever else a client invents is OTHER, or series would be endless. */
export const methodLabels = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'CONNECT',
  'OTHER',
] as const;

const other = methodLabels.length - 1;
const indexes: ReadonlyMap<string, number> = new Map(
  methodLabels.slice(0, other).map((label, index) => [label, index]),
);

/** Index into methodLabels. Methods are case-sensitive: `get` is OTHER. */
export function methodIndex(method: string): number {
  return indexes.get(method) ?? other;
}
