/**
 * The names of the members of the objects that a scan is inside of, to tell when one comes twice. Most objects have few
 * members: their names are compared where they stand, without making texts of them. From the next member on the names are
 * kept in a Set, whose hashes nobody outside can foresee.
 */

/** So many are compared one by one. */
const fewMembers = 12;

export class MemberNames {
  readonly #bytes: Buffer;
  /** By depth: how many members the object has so far. */
  readonly #counts: Int32Array;
  /** By depth: the last name, from quote to quote, and whether it has no escapes. */
  readonly #lastStart: Int32Array;
  readonly #lastEnd: Int32Array;
  readonly #lastPlain: Uint8Array;
  /** By depth, of objects with many members. */
  readonly #many: (Set<string> | null)[] = [];

  constructor(bytes: Buffer, depth: number) {
    this.#bytes = bytes;
    this.#counts = new Int32Array(depth + 1);
    this.#lastStart = new Int32Array(depth + 1);
    this.#lastEnd = new Int32Array(depth + 1);
    this.#lastPlain = new Uint8Array(depth + 1);
  }

  /** An object begins at this depth. */
  begin(depth: number): void {
    this.#counts[depth] = 0;
    this.#lastEnd[depth] = 0;
    this.#many[depth] = null;
  }

  /** `start` and `end`: from the opening quote to behind the closing one. False: the object has this name already. */
  add(depth: number, start: number, end: number, isPlain: boolean): boolean {
    this.#lastStart[depth] = start;
    this.#lastEnd[depth] = end;
    this.#lastPlain[depth] = isPlain ? 1 : 0;
    const count = this.#counts[depth] as number;
    this.#counts[depth] = count + 1;
    const first = depth * fewMembers;
    const many = this.#many[depth];
    if (many !== null && many !== undefined) return addTo(many, textAt(this.#bytes, start, end, isPlain));
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
    this.#many[depth] = set;
    return addTo(set, textAt(this.#bytes, start, end, isPlain));
  }

  /** The last name that was added at this depth. */
  last(depth: number): string {
    const end = this.#lastEnd[depth] as number;
    return end === 0 ? '' : textAt(this.#bytes, this.#lastStart[depth] as number, end, this.#lastPlain[depth] === 1);
  }

  /** Whether that name is `name`, which is ASCII. */
  is(depth: number, name: string): boolean {
    const start = this.#lastStart[depth] as number;
    const end = this.#lastEnd[depth] as number;
    if (this.#lastPlain[depth] === 0) return this.last(depth) === name;
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

/** One scan at a time uses them; negative ends: the name has escapes. */
const starts = new Int32Array(128 * fewMembers);
const ends = new Int32Array(128 * fewMembers);

function textAt(bytes: Buffer, start: number, end: number, isPlain: boolean): string {
  if (isPlain) return bytes.toString('utf8', start + 1, end - 1);
  return JSON.parse(bytes.toString('utf8', start, end)) as string;
}

function addTo(set: Set<string>, name: string): boolean {
  const before = set.size;
  set.add(name);
  return set.size > before;
}
