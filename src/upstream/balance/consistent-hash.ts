/**
 * The same key goes to the same target, from every worker and node. Each target owns many points on a ring, by its
 * weight; a key belongs to the first usable target at or after its place. When a target goes, only its own keys move,
 * spread over all others; when it comes back they return. The ring itself never changes.
 */
import type { Exchange } from '../../contracts/exchange.ts';
import type { Target } from '../../contracts/upstream.ts';
import { hashText } from '../../core/hash.ts';
import type { HashKey } from '../../core/hash-key.ts';
import type { Balancer, Candidate } from './balancer.ts';

/** Points per target on average: shares are off by some 6 % (one in sixteen). */
const pointsPerTarget = 256;
/** Beyond that building the ring would hold up requests for more than some 20 ms. */
const maxPoints = 65_536;
/** A point is its place on the ring times this, plus the index of its target: one number, so that they sort natively. */
const indexRange = 2 ** 20;

export class ConsistentHashBalancer implements Balancer {
  readonly #key: HashKey;
  readonly #places: Uint32Array;
  readonly #owners: Uint32Array;
  readonly #targets: readonly Target[];
  #usable: ReadonlySet<Target> = new Set();

  /** `all`: every target of the config with a weight, usable or not. */
  constructor(key: HashKey, all: readonly Candidate[]) {
    this.#key = key;
    this.#targets = all.map(({ target }) => target);
    const points = Float64Array.from(placePoints(all)).sort();
    this.#places = Uint32Array.from(points, (point) => Math.floor(point / indexRange));
    this.#owners = Uint32Array.from(points, (point) => point % indexRange);
  }

  /** Weights are those of the ring: a target that warms up would send keys away only to take them back. */
  update(usable: readonly Candidate[]): void {
    this.#usable = new Set(usable.map(({ target }) => target));
  }

  pick(x: Exchange, avoid: readonly Target[]): Target | null {
    const size = this.#places.length;
    const start = this.#firstAtOrAfter(hashText(this.#key(x)));
    for (let i = 0; i < size; i++) {
      const target = this.#targets[this.#owners[(start + i) % size] as number] as Target;
      if (this.#usable.has(target) && !avoid.includes(target)) return target;
    }
    return null;
  }

  #firstAtOrAfter(place: number): number {
    const places = this.#places;
    let low = 0;
    let high = places.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((places[middle] as number) >= place) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function* placePoints(all: readonly Candidate[]): Generator<number> {
  const sum = all.reduce((total, { weight }) => total + weight, 0);
  const points = Math.min(maxPoints, pointsPerTarget * all.length);
  for (const [index, { target, weight }] of all.entries()) {
    const own = Math.max(1, Math.round((points * weight) / sum));
    for (let i = 0; i < own; i++) yield hashText(`${target.label} ${i}`, ringSeed) * indexRange + index;
  }
}

/** Points and keys must not be alike by chance. */
const ringSeed = 1;
