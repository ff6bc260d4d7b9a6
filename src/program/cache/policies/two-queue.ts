import { grownBytes, grownWords } from '../columns.ts';
import type { CachePolicy, ObjectBatch, PolicyEntry } from '../policy.ts';
import { Ring } from '../ring.ts';
import { SlotLists } from '../slot-lists.ts';

/** Shares of the capacity: Kin and Kout of the paper, as it recommends them. */
const IN_SHARE = 0.25;
const OUT_SHARE = 0.5;

const ABSENT = 0;
/** Only the name is kept, in A1out. */
const OUT = 1;
/** In the cache, in A1in. */
const NEW = 2;
/** In the cache, in Am. */
const PROVEN = 3;

/** Lists of slots: A1out and Am. */
const A1OUT = 0;
const AM = 1;

/**
 * 2Q (Johnson and Shasha, VLDB 1994), the full version: newcomers pass through A1in, first in, first out, and are
 * remembered in A1out when they have left; who is asked for from there joins Am, which is least recently used.
 */
class TwoQueue implements CachePolicy {
  readonly capacity: number;
  #states = new Uint8Array(0);
  /** Slot of each object in A1out or Am; stale for all others. */
  #slots = new Int32Array(0);
  readonly #a1in: Ring;
  readonly #inSize: number;
  readonly #outSize: number;
  readonly #lists: SlotLists;
  #out = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#inSize = Math.trunc(capacity * IN_SHARE);
    this.#outSize = Math.trunc(capacity * OUT_SHARE);
    this.#a1in = new Ring(capacity);
    this.#lists = new SlotLists(2, capacity + this.#outSize);
  }

  access(batch: ObjectBatch): number {
    this.#states = grownBytes(this.#states, batch.footprint);
    this.#slots = grownWords(this.#slots, batch.footprint);
    const { objects, count } = batch;
    const states = this.#states;
    const slots = this.#slots;
    const lists = this.#lists;
    let misses = 0;
    for (let i = 0; i < count; i++) {
      const object = objects[i];
      const state = states[object];
      if (state === PROVEN) {
        lists.move(AM, slots[object]);
        continue;
      }
      if (state === NEW) continue;
      misses++;
      if (state === OUT) {
        lists.free(slots[object]);
        this.#out--;
      }
      if (this.#a1in.length + lists.used - this.#out === this.capacity) this.#evict();
      if (state === OUT) {
        slots[object] = lists.add(AM, object);
        states[object] = PROVEN;
      } else {
        this.#a1in.push(object);
        states[object] = NEW;
      }
    }
    return misses;
  }

  /** Takes one object out of the full cache: from A1in while it has more than its share, else from Am. */
  #evict(): void {
    if (this.#a1in.length > this.#inSize) this.#remember(this.#a1in.shift());
    else this.#drop(this.#lists.oldest(AM));
  }

  #remember(object: number): void {
    this.#states[object] = ABSENT;
    if (this.#outSize === 0) return;
    if (this.#out === this.#outSize) {
      this.#drop(this.#lists.oldest(A1OUT));
      this.#out--;
    }
    this.#states[object] = OUT;
    this.#slots[object] = this.#lists.add(A1OUT, object);
    this.#out++;
  }

  #drop(slot: number): void {
    this.#states[this.#lists.objectIn(slot)] = ABSENT;
    this.#lists.free(slot);
  }
}

export const twoQueue: PolicyEntry = {
  name: '2q',
  summary: 'newcomers go first in, first out; who comes back is kept by last use',
  needsFuture: false,
  create: (capacity) => new TwoQueue(capacity),
};
