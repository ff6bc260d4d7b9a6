import { grownWords } from '../columns.ts';
import type { CachePolicy, ObjectBatch, PolicyEntry } from '../policy.ts';
import { SlotLists } from '../slot-lists.ts';

const ABSENT = 0;
const RECENT = 0;

/** Least recently used: one list in order of use; the object at its old end goes. */
class Lru implements CachePolicy {
  readonly capacity: number;
  /** Slot of each object in the cache. */
  #slots = new Int32Array(0);
  readonly #lists: SlotLists;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#lists = new SlotLists(1, capacity);
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
        lists.move(RECENT, slot);
        continue;
      }
      misses++;
      if (lists.used === this.capacity) {
        const victim = lists.oldest(RECENT);
        slots[lists.objectIn(victim)] = ABSENT;
        lists.free(victim);
      }
      slots[object] = lists.add(RECENT, object);
    }
    return misses;
  }
}

export const lru: PolicyEntry = {
  name: 'lru',
  summary: 'the least recently used object goes',
  needsFuture: false,
  create: (capacity) => new Lru(capacity),
};
