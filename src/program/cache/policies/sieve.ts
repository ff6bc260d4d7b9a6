import { grownBytes } from '../columns.ts';
import type { CachePolicy, ObjectBatch, PolicyEntry } from '../policy.ts';

const ABSENT = 0;
const CACHED = 1;
const VISITED = 2;
/** Before the oldest slot of the queue, and where the hand is when it has to begin anew. */
const END = 0;

/**
 * SIEVE (Zhang et al., NSDI 2024): a queue in order of arrival. The hand goes from old to new, clears the marks of visited
 * objects and takes the first one without; survivors keep their places, newcomers join at the new end.
 *
 * The queue is linked from old to new only: the hand remembers the slot behind it, which is all that a removal needs.
 */
class Sieve implements CachePolicy {
  readonly capacity: number;
  #states = new Uint8Array(0);
  /** The next newer slot of each slot, END behind the newest; of END, the oldest. */
  readonly #newer: Int32Array;
  readonly #object: Int32Array;
  #used = 0;
  #newest = END;
  /** The last slot that the hand has passed; the hand itself is on the one that follows. */
  #passed = END;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#newer = new Int32Array(capacity + 1);
    this.#object = new Int32Array(capacity + 1);
  }

  access(batch: ObjectBatch): number {
    this.#states = grownBytes(this.#states, batch.footprint);
    const { objects, count } = batch;
    const states = this.#states;
    let misses = 0;
    for (let i = 0; i < count; i++) {
      const object = objects[i];
      if (states[object] !== ABSENT) {
        states[object] = VISITED;
        continue;
      }
      misses++;
      const slot = this.#used < this.capacity ? ++this.#used : this.#evict();
      this.#object[slot] = object;
      states[object] = CACHED;
      this.#newer[slot] = END;
      this.#newer[this.#newest] = slot;
      this.#newest = slot;
    }
    return misses;
  }

  /** Takes an object out of the full queue. @returns its slot */
  #evict(): number {
    const newer = this.#newer;
    const object = this.#object;
    const states = this.#states;
    let passed = this.#passed;
    let slot = newer[passed];
    while (states[object[slot]] === VISITED) {
      states[object[slot]] = CACHED;
      // Past the newest comes the oldest again.
      passed = slot === this.#newest ? END : slot;
      slot = newer[passed];
    }
    states[object[slot]] = ABSENT;
    newer[passed] = newer[slot];
    if (slot === this.#newest) {
      // The hand has left the queue: it begins at the oldest again, not at the object that comes in now.
      this.#newest = passed;
      passed = END;
    }
    this.#passed = passed;
    return slot;
  }
}

export const sieve: PolicyEntry = {
  name: 'sieve',
  summary: 'the first object that was not visited since the hand last passed goes, the others keep their places',
  needsFuture: false,
  create: (capacity) => new Sieve(capacity),
};
