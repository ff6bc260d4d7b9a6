import { grownWords } from '../columns.ts';
import type { CachePolicy, ObjectBatch, PolicyEntry } from '../policy.ts';
import { SlotLists } from '../slot-lists.ts';

/** Segments of equal size, the default of libCacheSim. */
const SEGMENTS = 4;
const LOWEST = 0;
const HIGHEST = SEGMENTS - 1;
const ABSENT = 0;

/**
 * Segmented LRU: a stack of LRU lists. A hit lifts an object to the segment above; what is too much there falls back to the
 * newest end of the segment below. A newcomer takes the lowest segment with room, and the oldest of the lowest goes.
 */
class SegmentedLru implements CachePolicy {
  readonly capacity: number;
  #slots = new Int32Array(0);
  readonly #lists: SlotLists;
  readonly #length = new Int32Array(SEGMENTS);
  readonly #room = new Int32Array(SEGMENTS);

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#lists = new SlotLists(SEGMENTS, capacity);
    const share = Math.trunc(capacity / SEGMENTS);
    this.#room.fill(share);
    // What cannot be divided is for newcomers.
    this.#room[LOWEST] = capacity - share * HIGHEST;
  }

  access(batch: ObjectBatch): number {
    this.#slots = grownWords(this.#slots, batch.footprint);
    const { objects, count } = batch;
    const slots = this.#slots;
    const lists = this.#lists;
    let misses = 0;
    for (let i = 0; i < count; i++) {
      const object = objects[i];
      const slot = slots[object];
      if (slot !== ABSENT) {
        this.#lift(slot);
        continue;
      }
      misses++;
      if (lists.used === this.capacity) this.#evict();
      let segment = LOWEST;
      while (this.#length[segment] === this.#room[segment]) segment++;
      slots[object] = lists.add(segment, object);
      this.#length[segment]++;
    }
    return misses;
  }

  /** A hit: one segment up; when that is full, its oldest one comes down instead. */
  #lift(slot: number): void {
    const lists = this.#lists;
    const from = lists.listOf(slot);
    const to = from + 1;
    // The three upper segments of a cache of less than four objects have no room at all.
    if (from === HIGHEST || this.#room[to] === 0) {
      lists.move(from, slot);
      return;
    }
    if (this.#length[to] === this.#room[to]) {
      lists.move(from, lists.oldest(to));
    } else {
      this.#length[from]--;
      this.#length[to]++;
    }
    lists.move(to, slot);
  }

  /** A full cache has filled every segment, the lowest too. */
  #evict(): void {
    const slot = this.#lists.oldest(LOWEST);
    this.#slots[this.#lists.objectIn(slot)] = ABSENT;
    this.#lists.free(slot);
    this.#length[LOWEST]--;
  }
}

export const slru: PolicyEntry = {
  name: 'slru',
  summary: 'LRU in four segments: each hit lifts an object by one, the oldest of the lowest goes',
  needsFuture: false,
  create: (capacity) => new SegmentedLru(capacity),
};
