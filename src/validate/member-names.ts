/**
 * The names of the members of the objects that a scan is inside of, to tell when one comes twice. Most objects have few
 * members: their names are compared where they stand, without making texts of them. From the next member on the names are
 * kept in a Set, whose hashes nobody outside can foresee.
 */

/** So many are compared one by one. */
const fewMembers = 12;
/** More than a scan goes. */
const depths = 128;

// Made once, since making them costs as much as a small scan, which runs to its end before another one begins.
/** By depth: how many members the object has so far. */
const counts = new Int32Array(depths);
/** By depth: the last name, from quote to quote, and whether it has no escapes. */
const lastStarts = new Int32Array(depths);
const lastEnds = new Int32Array(depths);
const lastPlain = new Uint8Array(depths);
/** By depth, the first names; negative ends: the name has escapes. */
const starts = new Int32Array(depths * fewMembers);
const ends = new Int32Array(depths * fewMembers);

export class MemberNames {
  readonly #bytes: Buffer;
  /** By depth, of objects with many members; null: there was none. */
  #many: (Set<string> | null)[] | null = null;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** An object begins at this depth. */
  begin(depth: number): void {
    counts[depth] = 0;
    lastEnds[depth] = 0;
    if (this.#many !== null) this.#many[depth] = null;
  }

  /** `start` and `end`: from the opening quote to behind the closing one. False: the object has this name already. */
  add(depth: number, start: number, end: number, isPlain: boolean): boolean {
    lastStarts[depth] = start;
    lastEnds[depth] = end;
    lastPlain[depth] = isPlain ? 1 : 0;
    const count = counts[depth] as number;
    counts[depth] = count + 1;
    const first = depth * fewMembers;
    const many = this.#many === null ? null : (this.#many[depth] ?? null);
    if (many !== null) return addTo(many, textAt(this.#bytes, start, end, isPlain));
    for (let i = first; i < first + count; i++) if (this.#isSame(i, start, end, isPlain)) return false;
    if (count < fewMembers) {
      starts[first + count] = start;
      ends[first + count] = isPlain ? end : -end;
      return true;
    }
    const set = new Set<string>();
    for (let i = first; i < first + count; i++) {
      const other = ends[i] as number;
      set.add(textAt(this.#bytes, starts[i] as number, Math.abs(other), other > 0));
    }
    this.#many ??= [];
    this.#many[depth] = set;
    return addTo(set, textAt(this.#bytes, start, end, isPlain));
  }

  /** The last name that was added at this depth. */
  last(depth: number): string {
    const end = lastEnds[depth] as number;
    return end === 0 ? '' : textAt(this.#bytes, lastStarts[depth] as number, end, lastPlain[depth] === 1);
  }

  /** Whether that name is `name`, which is ASCII. */
  is(depth: number, name: string): boolean {
    const start = lastStarts[depth] as number;
    const end = lastEnds[depth] as number;
    if (lastPlain[depth] === 0) return this.last(depth) === name;
    if (end - start - 2 !== name.length) return false;
    for (let i = 0; i < name.length; i++) if (this.#bytes[start + 1 + i] !== name.charCodeAt(i)) return false;
    return true;
  }

  #isSame(i: number, start: number, end: number, isPlain: boolean): boolean {
    const otherStart = starts[i] as number;
    const otherEnd = ends[i] as number;
    if (!isPlain || otherEnd < 0) {
      const other = textAt(this.#bytes, otherStart, Math.abs(otherEnd), otherEnd > 0);
      return other === textAt(this.#bytes, start, end, isPlain);
    }
    if (otherEnd - otherStart !== end - start) return false;
    for (let k = start, o = otherStart; k < end; k++, o++) if (this.#bytes[k] !== this.#bytes[o]) return false;
    return true;
  }
}

function textAt(bytes: Buffer, start: number, end: number, isPlain: boolean): string {
  if (isPlain) return bytes.toString('utf8', start + 1, end - 1);
  return JSON.parse(bytes.toString('utf8', start, end)) as string;
}

function addTo(set: Set<string>, name: string): boolean {
  const before = set.size;
  set.add(name);
  return set.size > before;
}
