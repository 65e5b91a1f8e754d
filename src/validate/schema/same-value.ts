/** When JSON Schema takes two values for equal: one text for all values that are. */

export function textOf(value: unknown): string {
  if (typeof value === 'string') return `"${value}`;
  // -0 and 0 are one number.
  if (typeof value === 'number') return String(value + 0);
  return JSON.stringify(sorted(value));
}

/** Names in one order, all the way down. A list of pairs, since a name may be `__proto__` and numbers sort themselves. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value === 'number') return value + 0;
  if (typeof value !== 'object' || value === null) return value;
  const members = value as Readonly<Record<string, unknown>>;
  const names = Object.keys(members).sort();
  return { members: names.map((name) => [name, sorted(members[name])]) };
}
