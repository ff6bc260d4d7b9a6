import { grownWords } from '../columns.ts';
import type { CachePolicy, ObjectBatch, PolicyEntry } from '../policy.ts';

const ABSENT = 0;
const ROOT = 1;

/**
 * Belady's MIN (1966): who is needed last goes. No policy that always takes the newcomer in misses less; it has to know
 * the future, so it is the bound that the others are measured against.
 *
 * A binary heap over the next accesses, the latest at its root.
 */
class Belady implements CachePolicy {
  readonly capacity: number;
  /** Place in the heap of each object in the cache. */
  #places = new Int32Array(0);
  /** Object and next access at each place, from ROOT. */
  readonly #heap: Int32Array;
  readonly #next: Float64Array;
  #used = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#heap = new Int32Array(capacity + 1);
    this.#next = new Float64Array(capacity + 1);
  }

  access(batch: ObjectBatch): number {
    this.#places = grownWords(this.#places, batch.footprint);
    const { objects, next, count } = batch;
    const places = this.#places;
    let misses = 0;
    for (let i = 0; i < count; i++) {
      const object = objects[i];
      const place = places[object];
      if (place !== ABSENT) {
        // Its next access was this one, the earliest of all; now it is later.
        this.#rise(place, object, next[i]);
        continue;
      }
      misses++;
      if (this.#used < this.capacity) {
        this.#rise(++this.#used, object, next[i]);
      } else {
        places[this.#heap[ROOT]] = ABSENT;
        this.#sink(object, next[i]);
      }
    }
    return misses;
  }

  /** Puts an object at `place` or above, below the first that is needed later. */
  #rise(place: number, object: number, next: number): void {
    let at = place;
    while (at > ROOT && this.#next[at >>> 1] < next) {
      this.#put(at, this.#heap[at >>> 1], this.#next[at >>> 1]);
      at >>>= 1;
    }
    this.#put(at, object, next);
  }

  /** Puts an object at the root or below, above all that are needed earlier. */
  #sink(object: number, next: number): void {
    let at = ROOT;
    for (let child = at * 2; child <= this.#used; child = at * 2) {
      if (child < this.#used && this.#next[child + 1] > this.#next[child]) child++;
      if (this.#next[child] <= next) break;
      this.#put(at, this.#heap[child], this.#next[child]);
      at = child;
    }
    this.#put(at, object, next);
  }

  #put(at: number, object: number, next: number): void {
    this.#heap[at] = object;
    this.#next[at] = next;
    this.#places[object] = at;
  }
}

export const belady: PolicyEntry = {
  name: 'belady',
  summary: 'the object that is needed last goes (the bound: it knows the future)',
  needsFuture: true,
  create: (capacity) => new Belady(capacity),
};
