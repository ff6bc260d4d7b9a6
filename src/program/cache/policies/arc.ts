import { grownWords } from '../columns.ts';
import type { CachePolicy, ObjectBatch, PolicyEntry } from '../policy.ts';
import { SlotLists } from '../slot-lists.ts';

const ABSENT = 0;

/** The paper's lists: seen once and seen again, each in the cache (T) and remembered by name only (B). */
const T1 = 0;
const T2 = 1;
const B1 = 2;
const B2 = 3;
const LISTS = 4;

/**
 * ARC (Megiddo and Modha, FAST 2003): one LRU list for what was seen once and one for what was seen again. A request for
 * what has just left one of them shifts the target between the two in its favour.
 */
class Arc implements CachePolicy {
  readonly capacity: number;
  /** Slot of each object on any list. */
  #slots = new Int32Array(0);
  readonly #lists: SlotLists;
  readonly #length = new Int32Array(LISTS);
  /** The paper's p: how long T1 should be. A fraction, since it moves by the quotient of two lengths. */
  #target = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#lists = new SlotLists(LISTS, capacity * 2);
  }

  access(batch: ObjectBatch): number {
    this.#slots = grownWords(this.#slots, batch.footprint);
    const { objects, count } = batch;
    const slots = this.#slots;
    const length = this.#length;
    let misses = 0;
    for (let i = 0; i < count; i++) {
      const object = objects[i];
      const slot = slots[object];
      const list = this.#lists.listOf(slot);
      if (slot === ABSENT) {
        misses++;
        if (length[T1] + length[T2] === this.capacity) this.#makeRoom();
        slots[object] = this.#lists.add(T1, object);
        length[T1]++;
      } else if (list === T2) {
        this.#lists.move(T2, slot);
      } else if (list === T1) {
        this.#place(slot, T2);
      } else {
        misses++;
        this.#comeBack(slot, list);
      }
    }
    return misses;
  }

  /** A request for a ghost (cases II and III of the paper): adapts, and takes it back as seen again. */
  #comeBack(slot: number, ghosts: number): void {
    const once = this.#length[B1];
    const again = this.#length[B2];
    this.#target =
      ghosts === B1
        ? Math.min(this.#target + Math.max(again / once, 1), this.capacity)
        : Math.max(this.#target - Math.max(once / again, 1), 0);
    // The ghost leaves its list first: then there is a slot for the object that becomes one.
    const object = this.#lists.objectIn(slot);
    this.#forget(slot, ghosts);
    this.#replace(ghosts === B2);
    this.#slots[object] = this.#lists.add(T2, object);
    this.#length[T2]++;
  }

  /** A request for an unknown object in a full cache (case IV). */
  #makeRoom(): void {
    const length = this.#length;
    if (length[T1] + length[B1] < this.capacity) {
      if (this.#lists.used === this.capacity * 2) this.#forget(this.#lists.oldest(B2), B2);
      this.#replace(false);
    } else if (length[B1] > 0) {
      this.#forget(this.#lists.oldest(B1), B1);
      this.#replace(false);
    } else {
      this.#forget(this.#lists.oldest(T1), T1);
    }
  }

  /** The paper's REPLACE: the oldest of T1 or of T2 leaves the cache and becomes a ghost. */
  #replace(favoured: boolean): void {
    const once = this.#length[T1];
    const fromT1 = once > 0 && (once > this.#target || (favoured && once === this.#target));
    if (fromT1 || this.#length[T2] === 0) this.#place(this.#lists.oldest(T1), B1);
    else this.#place(this.#lists.oldest(T2), B2);
  }

  #place(slot: number, to: number): void {
    this.#length[this.#lists.listOf(slot)]--;
    this.#length[to]++;
    this.#lists.move(to, slot);
  }

  #forget(slot: number, list: number): void {
    this.#length[list]--;
    this.#slots[this.#lists.objectIn(slot)] = ABSENT;
    this.#lists.free(slot);
  }
}

export const arc: PolicyEntry = {
  name: 'arc',
  summary: 'two LRU lists, seen once and seen again, whose sizes adapt to what is missed',
  needsFuture: false,
  create: (capacity) => new Arc(capacity),
};
