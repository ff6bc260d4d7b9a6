import { grownBytes, grownWords } from '../columns.ts';
import type { CachePolicy, ObjectBatch, PolicyEntry } from '../policy.ts';
import { Ring } from '../ring.ts';
import { SlotLists } from '../slot-lists.ts';

/** Shares of the capacity, and uses in the small queue that earn a place in the main one: the defaults of libCacheSim. */
const SMALL_SHARE = 0.1;
const GHOST_SHARE = 0.9;
const MOVE_TO_MAIN = 2;

/** States of an object; from UNUSED on it is in the cache, and the state counts its uses since it joined its queue. */
const ABSENT = 0;
const GHOST = 1;
const UNUSED = 2;
/** Uses count up to three. */
const MOST_USED = UNUSED + 3;

const GHOSTS = 0;

/**
 * S3-FIFO (Yang et al., SOSP 2023): newcomers join a small queue; at its end the often used move to the main queue, the
 * others leave and only their names are kept for a while, as ghosts; who is asked for while a ghost joins the main queue
 * at once. The main queue gives one more round for each use.
 */
class S3Fifo implements CachePolicy {
  readonly capacity: number;
  #states = new Uint8Array(0);
  /** Slot of each ghost; stale for all others. */
  #ghostSlots = new Int32Array(0);
  readonly #small: Ring;
  readonly #main: Ring;
  readonly #mainSize: number;
  readonly #ghosts: SlotLists;
  readonly #ghostSize: number;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#mainSize = capacity - Math.max(1, Math.trunc(capacity * SMALL_SHARE));
    this.#small = new Ring(capacity);
    this.#main = new Ring(capacity);
    this.#ghostSize = Math.trunc(capacity * GHOST_SHARE);
    this.#ghosts = new SlotLists(1, this.#ghostSize);
  }

  access(batch: ObjectBatch): number {
    this.#states = grownBytes(this.#states, batch.footprint);
    this.#ghostSlots = grownWords(this.#ghostSlots, batch.footprint);
    const { objects, count } = batch;
    const states = this.#states;
    let misses = 0;
    for (let i = 0; i < count; i++) {
      const object = objects[i];
      const state = states[object];
      if (state >= UNUSED) {
        if (state < MOST_USED) states[object] = state + 1;
        continue;
      }
      misses++;
      // Its ghost makes room before the object that has to leave becomes one.
      if (state === GHOST) this.#ghosts.free(this.#ghostSlots[object]);
      if (this.#small.length + this.#main.length === this.capacity) this.#evict();
      (state === GHOST ? this.#main : this.#small).push(object);
      states[object] = UNUSED;
    }
    return misses;
  }

  /** Takes one object out of the cache. */
  #evict(): void {
    if (this.#main.length > this.#mainSize || !this.#evictSmall()) this.#evictMain();
  }

  /** @returns false when every object of the small queue has earned its place in the main one */
  #evictSmall(): boolean {
    while (this.#small.length > 0) {
      const object = this.#small.shift();
      if (this.#states[object] < UNUSED + MOVE_TO_MAIN) {
        this.#remember(object);
        return true;
      }
      this.#main.push(object);
      this.#states[object] = UNUSED;
    }
    return false;
  }

  #evictMain(): void {
    let object = this.#main.shift();
    while (this.#states[object] > UNUSED) {
      this.#states[object]--;
      this.#main.push(object);
      object = this.#main.shift();
    }
    this.#states[object] = ABSENT;
  }

  /** Makes an object a ghost; when there are too many, the oldest is forgotten. */
  #remember(object: number): void {
    const ghosts = this.#ghosts;
    this.#states[object] = ABSENT;
    if (this.#ghostSize === 0) return;
    if (ghosts.used === this.#ghostSize) {
      const oldest = ghosts.oldest(GHOSTS);
      this.#states[ghosts.objectIn(oldest)] = ABSENT;
      ghosts.free(oldest);
    }
    this.#states[object] = GHOST;
    this.#ghostSlots[object] = ghosts.add(GHOSTS, object);
  }
}

export const s3Fifo: PolicyEntry = {
  name: 's3-fifo',
  summary: 'of the newcomers the seldom used go first (a small and a main queue, with ghosts)',
  needsFuture: false,
  create: (capacity) => new S3Fifo(capacity),
};
