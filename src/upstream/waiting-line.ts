/**
 * Those who wait for a connection to one target: whoever matters more goes first, and among equals whoever came first.
 * Each step takes the same time, however many wait.
 */
import type { Dispatcher } from 'undici';
import type { Priority } from '../contracts/config.ts';
import type { Attempt } from '../contracts/upstream.ts';
import { risingPriorities } from '../core/priorities.ts';

export interface Waiting {
  readonly options: Dispatcher.DispatchOptions;
  readonly attempt: Attempt;
}

/** Places are taken away from the lowest first, connections are given in the other order. */
const fallingPriorities: readonly Priority[] = risingPriorities.toReversed();

export class WaitingLine {
  readonly #places = new Map<Attempt, Place>();
  readonly #equals: { readonly [P in Priority]: Equals } = {
    low: new Equals(),
    normal: new Equals(),
    high: new Equals(),
  };

  get length(): number {
    return this.#places.size;
  }

  countOf(priority: Priority): number {
    return this.#equals[priority].count;
  }

  add(options: Dispatcher.DispatchOptions, attempt: Attempt): void {
    const place = new Place(options, attempt);
    this.#places.set(attempt, place);
    this.#equals[attempt.priority].append(place);
  }

  /** Whose turn it is, who waits no more then; null: nobody waits. */
  takeFirst(): Waiting | null {
    if (this.#places.size === 0) return null;
    for (const priority of fallingPriorities) {
      const { first } = this.#equals[priority];
      if (first !== null) return this.#take(first);
    }
    return null;
  }

  /** Whoever came last of those with this priority. */
  takeLast(priority: Priority): Waiting | null {
    const { last } = this.#equals[priority];
    return last === null ? null : this.#take(last);
  }

  /** Somebody waits who matters less. */
  hasBelow(priority: Priority): boolean {
    return this.#lowestBelow(priority) !== null;
  }

  /** Whoever came last of those who matter least, and less than this. */
  takeLastBelow(priority: Priority): Waiting | null {
    const lowest = this.#lowestBelow(priority);
    return lowest === null ? null : this.takeLast(lowest);
  }

  /** False: it does not wait here. */
  remove(attempt: Attempt): boolean {
    const place = this.#places.get(attempt);
    if (place === undefined) return false;
    this.#take(place);
    return true;
  }

  #lowestBelow(priority: Priority): Priority | null {
    for (const lower of risingPriorities) {
      if (lower === priority) return null;
      if (this.#equals[lower].count > 0) return lower;
    }
    return null;
  }

  #take(place: Place): Waiting {
    this.#places.delete(place.attempt);
    this.#equals[place.attempt.priority].remove(place);
    return place;
  }
}

class Place implements Waiting {
  readonly options: Dispatcher.DispatchOptions;
  readonly attempt: Attempt;
  before: Place | null = null;
  behind: Place | null = null;

  constructor(options: Dispatcher.DispatchOptions, attempt: Attempt) {
    this.options = options;
    this.attempt = attempt;
  }
}

/** Those of one priority: a list that is linked both ways, since some leave from its middle. */
class Equals {
  count = 0;
  first: Place | null = null;
  last: Place | null = null;

  append(place: Place): void {
    place.before = this.last;
    if (this.last === null) this.first = place;
    else this.last.behind = place;
    this.last = place;
    this.count++;
  }

  remove({ before, behind }: Place): void {
    if (before === null) this.first = behind;
    else before.behind = behind;
    if (behind === null) this.last = before;
    else behind.before = before;
    this.count--;
  }
}
