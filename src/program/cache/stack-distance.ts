import { grownWords } from './columns.ts';
import type { ObjectBatch } from './policy.ts';

/**
 * Exact stack distances (Mattson et al., 1970): how many distinct objects were asked for since the last request for the
 * same one. One pass gives the misses of an LRU cache of every size.
 *
 * The time of each object's last request is a mark in a Fenwick tree; a distance is the number of marks behind one. When
 * times run out, the marks are numbered anew without gaps, so that memory follows the footprint and not the length.
 */
export class StackDistances {
  requests = 0;
  /** How many requests had each distance, which is at least 1; requests for what was never seen are in no cell. */
  histogram = new Int32Array(0);
  #footprint = 0;
  /** Time of each object's last request, from 1; 0: never. */
  #last = new Int32Array(0);
  #tree = new Int32Array(2);
  /** The object of each time. */
  #objects = new Int32Array(2);
  #time = 0;

  add(batch: ObjectBatch): void {
    const { objects, count, footprint } = batch;
    this.#footprint = footprint;
    this.#last = grownWords(this.#last, footprint);
    this.histogram = grownWords(this.histogram, footprint + 1);
    for (let i = 0; i < count; i++) {
      if (this.#time === this.#tree.length - 1) this.#renumber();
      const object = objects[i];
      const last = this.#last[object];
      if (last !== 0) {
        this.histogram[this.#marks(this.#time) - this.#marks(last - 1)]++;
        this.#mark(last, -1);
      }
      this.#time++;
      this.#objects[this.#time] = object;
      this.#last[object] = this.#time;
      this.#mark(this.#time, 1);
    }
    this.requests += count;
  }

  /** Misses of an LRU cache of `capacity` objects. */
  misses(capacity: number): number {
    let hits = 0;
    for (let distance = 1; distance <= Math.min(capacity, this.#footprint); distance++)
      hits += this.histogram[distance];
    return this.requests - hits;
  }

  /** Marks at times up to and including `time`. */
  #marks(time: number): number {
    let sum = 0;
    for (let at = time; at > 0; at -= at & -at) sum += this.#tree[at];
    return sum;
  }

  #mark(time: number, by: number): void {
    for (let at = time; at < this.#tree.length; at += at & -at) this.#tree[at] += by;
  }

  /** Gives the objects times 1, 2, ... in the order that they have, with as many times again free. */
  #renumber(): void {
    const kept = this.#objects.subarray(1, this.#time + 1).filter((object, i) => this.#last[object] === i + 1);
    const times = kept.length * 2 + 1024;
    this.#objects = new Int32Array(times + 1);
    this.#objects.set(kept, 1);
    this.#tree = new Int32Array(times + 1);
    kept.forEach((object, i) => {
      this.#last[object] = i + 1;
      this.#tree[i + 1] = 1;
    });
    // Each node adds itself to its parent once: the whole tree in one pass.
    for (let at = 1; at <= times; at++) {
      const parent = at + (at & -at);
      if (parent <= times) this.#tree[parent] += this.#tree[at];
    }
    this.#time = kept.length;
  }
}
