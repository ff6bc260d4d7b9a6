import { grownBytes } from '../columns.ts';
import type { CachePolicy, ObjectBatch, PolicyEntry } from '../policy.ts';

/** First in, first out: a ring in order of arrival. A hit changes nothing. */
class Fifo implements CachePolicy {
  readonly capacity: number;
  /** 1 for each object that is in the cache. */
  #cached = new Uint8Array(0);
  readonly #ring: Int32Array;
  #used = 0;
  /** The oldest object of a full ring, and the place of the next one. */
  #hand = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#ring = new Int32Array(capacity);
  }

  access(batch: ObjectBatch): number {
    this.#cached = grownBytes(this.#cached, batch.footprint);
    const { objects, count } = batch;
    const cached = this.#cached;
    const ring = this.#ring;
    let hand = this.#hand;
    let misses = 0;
    for (let i = 0; i < count; i++) {
      const object = objects[i];
      if (cached[object] !== 0) continue;
      misses++;
      if (this.#used < this.capacity) this.#used++;
      else cached[ring[hand]] = 0;
      ring[hand] = object;
      cached[object] = 1;
      if (++hand === this.capacity) hand = 0;
    }
    this.#hand = hand;
    return misses;
  }
}

export const fifo: PolicyEntry = {
  name: 'fifo',
  summary: 'the object that came first goes',
  needsFuture: false,
  create: (capacity) => new Fifo(capacity),
};
