import { grownBytes } from '../columns.ts';
import type { CachePolicy, ObjectBatch, PolicyEntry } from '../policy.ts';

const ABSENT = 0;
const CACHED = 1;
const REFERENCED = 2;

/**
 * Second chance with one reference bit (Corbató, 1968): a hit sets the object's bit; the hand goes round the ring, clears
 * the bits that it finds set, and takes the first object without one. Its place is the newcomer's.
 */
class Clock implements CachePolicy {
  readonly capacity: number;
  #states = new Uint8Array(0);
  readonly #ring: Int32Array;
  #used = 0;
  #hand = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#ring = new Int32Array(capacity);
  }

  access(batch: ObjectBatch): number {
    this.#states = grownBytes(this.#states, batch.footprint);
    const { objects, count } = batch;
    const states = this.#states;
    const ring = this.#ring;
    const capacity = this.capacity;
    let hand = this.#hand;
    let misses = 0;
    for (let i = 0; i < count; i++) {
      const object = objects[i];
      if (states[object] !== ABSENT) {
        states[object] = REFERENCED;
        continue;
      }
      misses++;
      if (this.#used < capacity) {
        this.#used++;
      } else {
        while (states[ring[hand]] === REFERENCED) {
          states[ring[hand]] = CACHED;
          if (++hand === capacity) hand = 0;
        }
        states[ring[hand]] = ABSENT;
      }
      ring[hand] = object;
      states[object] = CACHED;
      if (++hand === capacity) hand = 0;
    }
    this.#hand = hand;
    return misses;
  }
}

export const clock: PolicyEntry = {
  name: 'clock',
  summary: 'the first object that was not used since the hand last passed goes',
  needsFuture: false,
  create: (capacity) => new Clock(capacity),
};
