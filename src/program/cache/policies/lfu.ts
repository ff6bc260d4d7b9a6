import { grownWords } from '../columns.ts';
import type { CachePolicy, ObjectBatch, PolicyEntry } from '../policy.ts';
import { SlotLists } from '../slot-lists.ts';

const ABSENT = 0;
/** Begin and end of the chain of groups; no object is in it. */
const CHAIN = 0;

/**
 * Least frequently used, without ageing: who was used least since it came goes; among equals, who has had its number of
 * uses longest. Objects with one number of uses form a group, and groups are chained in the order of their numbers; a use
 * moves an object to the group behind, which is made when it is not there.
 */
class Lfu implements CachePolicy {
  readonly capacity: number;
  #slots = new Int32Array(0);
  /** Every list is a group. There is one more than objects: a use may need a new group before the old one is empty. */
  readonly #groups: SlotLists;
  /** Uses of each group's objects. */
  readonly #uses: Uint32Array;
  readonly #behind: Int32Array;
  readonly #before: Int32Array;
  /** The first of the groups that are not in the chain; they are linked by `behind`. */
  #freeGroup = 1;

  constructor(capacity: number) {
    this.capacity = capacity;
    const groups = capacity + 2;
    this.#groups = new SlotLists(groups, capacity);
    this.#uses = new Uint32Array(groups);
    this.#behind = new Int32Array(groups);
    this.#before = new Int32Array(groups);
    for (let group = 1; group < groups - 1; group++) this.#behind[group] = group + 1;
  }

  access(batch: ObjectBatch): number {
    this.#slots = grownWords(this.#slots, batch.footprint);
    const { objects, count } = batch;
    const slots = this.#slots;
    let misses = 0;
    for (let i = 0; i < count; i++) {
      const object = objects[i];
      const slot = slots[object];
      if (slot !== ABSENT) {
        this.#use(slot);
        continue;
      }
      misses++;
      if (this.#groups.used === this.capacity) this.#evict();
      slots[object] = this.#groups.add(this.#groupBehind(CHAIN), object);
    }
    return misses;
  }

  #use(slot: number): void {
    const from = this.#groups.listOf(slot);
    const to = this.#groupBehind(from);
    this.#groups.move(to, slot);
    this.#endIfEmpty(from);
  }

  #evict(): void {
    const group = this.#behind[CHAIN];
    const slot = this.#groups.oldest(group);
    this.#slots[this.#groups.objectIn(slot)] = ABSENT;
    this.#groups.free(slot);
    this.#endIfEmpty(group);
  }

  /** The group of one use more than `group`, made if there is none. */
  #groupBehind(group: number): number {
    const uses = this.#uses[group] + 1;
    const behind = this.#behind[group];
    if (behind !== CHAIN && this.#uses[behind] === uses) return behind;
    const made = this.#freeGroup;
    this.#freeGroup = this.#behind[made];
    this.#uses[made] = uses;
    this.#behind[made] = behind;
    this.#before[made] = group;
    this.#behind[group] = made;
    this.#before[behind] = made;
    return made;
  }

  #endIfEmpty(group: number): void {
    if (!this.#groups.isEmpty(group)) return;
    const before = this.#before[group];
    const behind = this.#behind[group];
    this.#behind[before] = behind;
    this.#before[behind] = before;
    this.#behind[group] = this.#freeGroup;
    this.#freeGroup = group;
  }
}

export const lfu: PolicyEntry = {
  name: 'lfu',
  summary: 'the least often used object goes; counts do not age',
  needsFuture: false,
  create: (capacity) => new Lfu(capacity),
};
