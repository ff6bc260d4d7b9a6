/**
 * Doubly linked lists over the places ("slots") of a cache, in columns. The lists' own heads are the first slots, so that
 * every list is a ring through its head and no end needs a special case:
 *
 *     heads 0 .. lists-1, then one slot for each object that the policy remembers
 *
 * A slot in use is on one list; `following` a head is the newest of its slots, `preceding` it the oldest.
 */
export class SlotLists {
  /** The object in each slot. */
  readonly object: Int32Array;
  /** Slots in use, on all lists together. */
  used = 0;
  readonly #following: Int32Array;
  readonly #preceding: Int32Array;
  /** The first of the free slots, which are chained by `following`; 0 when there is none. */
  #free: number;

  /**
   * @param lists how many, at least 1: slot 0 is a head, and 0 can mean "no slot" in a policy's columns
   * @param slots how many may be in use
   */
  constructor(lists: number, slots: number) {
    const end = lists + slots;
    this.object = new Int32Array(end);
    this.#following = new Int32Array(end);
    this.#preceding = new Int32Array(end);
    for (let list = 0; list < lists; list++) {
      this.#following[list] = list;
      this.#preceding[list] = list;
    }
    this.#free = slots > 0 ? lists : 0;
    for (let slot = lists; slot < end - 1; slot++) this.#following[slot] = slot + 1;
  }

  /** The oldest slot of a list; the list itself when it is empty. */
  oldest(list: number): number {
    return this.#preceding[list];
  }

  /** Gives an object a free slot, which there must be, at the newest end of a list. @returns the slot */
  add(list: number, object: number): number {
    const slot = this.#free;
    this.#free = this.#following[slot];
    this.used++;
    this.object[slot] = object;
    this.#link(list, slot);
    return slot;
  }

  /** Takes a slot from wherever it is and frees it. */
  free(slot: number): void {
    this.#unlink(slot);
    this.#following[slot] = this.#free;
    this.#free = slot;
    this.used--;
  }

  /** Moves a slot from wherever it is to the newest end of a list. */
  move(list: number, slot: number): void {
    this.#unlink(slot);
    this.#link(list, slot);
  }

  #unlink(slot: number): void {
    const after = this.#following[slot];
    const before = this.#preceding[slot];
    this.#following[before] = after;
    this.#preceding[after] = before;
  }

  #link(list: number, slot: number): void {
    const newest = this.#following[list];
    this.#following[slot] = newest;
    this.#preceding[slot] = list;
    this.#following[list] = slot;
    this.#preceding[newest] = slot;
  }
}
