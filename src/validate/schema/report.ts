/** What becomes of checking one value: the violations with their places, and how much checking may still cost. */
import type { Violation } from '../../contracts/refusal.ts';

/** `evaluated`: where to note what has been looked at, for `unevaluated…`; null: nobody asks. False: it does not fit. */
export type Check = (value: unknown, report: Report, evaluated: Evaluated | null) => boolean;

/** Nobody reads more. */
export const mostViolations = 100;
/** A name in a path comes from the request. */
const longestName = 64;

export class Report {
  readonly violations: Violation[] = [];
  /** There are more violations than are kept. */
  hasMore = false;
  /** Nothing more needs to be looked at, or may be. */
  isOver = false;
  /** The value would take too long. */
  isSpent = false;
  #stepsLeft: number;
  /** Inside of a question such as `anyOf`, whose answers are no violations by themselves. */
  #questions = 0;
  readonly #path: (string | number)[] = [];

  constructor(mostSteps: number) {
    this.#stepsLeft = mostSteps;
  }

  /** No answer beyond yes or no is wanted. */
  get isAsked(): boolean {
    return this.#questions > 0;
  }

  /** Called for each schema that a value is held against, and for other work as it comes; false: give up. */
  step(count = 1): boolean {
    if (this.isOver) return false;
    this.#stepsLeft -= count;
    if (this.#stepsLeft >= 0) return true;
    this.isOver = true;
    this.isSpent = true;
    return false;
  }

  enter(key: string | number): void {
    this.#path.push(key);
  }

  leave(): void {
    this.#path.pop();
  }

  /** Answers whether the value fits, and notes no violation. */
  ask(check: Check, value: unknown, evaluated: Evaluated | null): boolean {
    this.#questions++;
    const fits = check(value, this, evaluated);
    this.#questions--;
    return fits;
  }

  /** Always false, so that a check can return it. */
  fail(message: string): false {
    if (this.#questions > 0 || this.isOver) return false;
    if (this.violations.length < mostViolations) {
      this.violations.push({ path: pointerTo(this.#path), message });
      return false;
    }
    this.hasMore = true;
    this.isOver = true;
    return false;
  }

  failAt(key: string | number, message: string): false {
    this.#path.push(key);
    this.fail(message);
    this.#path.pop();
    return false;
  }
}

/** Names and items of one value that some schema has looked at (JSON Schema 2020-12, section 11). */
export class Evaluated {
  readonly names = new Set<string>();
  readonly indexes = new Set<number>();
  /** All items before this one. */
  firstItems = 0;

  get size(): number {
    return this.names.size + this.indexes.size;
  }

  add(other: Evaluated): void {
    for (const name of other.names) this.names.add(name);
    for (const index of other.indexes) this.indexes.add(index);
    this.firstItems = Math.max(this.firstItems, other.firstItems);
  }
}

export function pointerTo(path: readonly (string | number)[]): string {
  let pointer = '';
  for (const key of path) {
    const name = String(key);
    const shown = name.length > longestName ? `${name.slice(0, longestName)}…` : name;
    pointer += `/${shown.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  }
  return pointer;
}
