/** The known name that a mistyped one most likely meant. Twenty lines of our own: a package would be larger than its use. */

/** Null when none is near: at most a third of the longer one's letters may differ. Case does not count. */
export function findNearest(typed: string, known: Iterable<string>): string | null {
  const wanted = typed.toLowerCase();
  if (wanted.length > longestName) return null;
  let nearest: string | null = null;
  let best = Number.POSITIVE_INFINITY;
  for (const name of known) {
    const longer = Math.max(wanted.length, name.length);
    const allowed = Math.min(best - 1, Math.ceil(longer / 3));
    if (name.length > longestName || Math.abs(name.length - wanted.length) > allowed) continue;
    const distance = editDistance(wanted, name.toLowerCase());
    if (distance > allowed || distance === longer) continue;
    nearest = name;
    best = distance;
  }
  return nearest;
}

const longestName = 100;

/** Letters to insert, remove, replace or swap with their neighbour (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (isSame ? 0 : 1));
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
