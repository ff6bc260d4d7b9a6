/** Words of a node: the slots that follow and precede it on its list, its object, and its list. */
const WORDS = 4;
const FOLLOWING = 0;
const PRECEDING = 1;
const OBJECT = 2;
const LIST = 3;

/**
 * Doubly linked lists over the places ("slots") of a cache. The lists' own heads are the first nodes, so that every list
 * is a ring through its head and no end needs a special case; what follows a head is the newest slot of its list, what
 * precedes it the oldest.
 *
 * A slot in use is on one list. It is named by the index of its node's first word, never 0, so that 0 can mean "no slot" in a
 * policy's columns. A node is 16 bytes in one place: what costs time are lines that are in no cache of the processor, and
 * to move a slot touches its own and its two neighbours'.
 */
export class SlotLists {
  /** Slots in use, on all lists together. */
  used = 0;
  readonly #nodes: Int32Array;
  /** The first of the free slots, which are chained by FOLLOWING; 0 when there is none. */
  #free: number;

  /**
   * @param lists how many, at least 1; they are numbered from 0
   * @param slots how many may be in use
   */
  constructor(lists: number, slots: number) {
    const end = (lists + slots) * WORDS;
    this.#nodes = new Int32Array(end);
    for (let head = 0; head < lists * WORDS; head += WORDS) {
      this.#nodes[head + FOLLOWING] = head;
      this.#nodes[head + PRECEDING] = head;
    }
    this.#free = slots > 0 ? lists * WORDS : 0;
    for (let slot = lists * WORDS; slot < end - WORDS; slot += WORDS) this.#nodes[slot + FOLLOWING] = slot + WORDS;
  }

  isEmpty(list: number): boolean {
    return this.#nodes[list * WORDS + FOLLOWING] === list * WORDS;
  }

  /** The oldest slot of a list that is not empty. */
  oldest(list: number): number {
    return this.#nodes[list * WORDS + PRECEDING];
  }

  objectIn(slot: number): number {
    return this.#nodes[slot + OBJECT];
  }

  listOf(slot: number): number {
    return this.#nodes[slot + LIST];
  }

  /** Gives an object a free slot, which there must be, at the newest end of a list. @returns the slot */
  add(list: number, object: number): number {
    const slot = this.#free;
    this.#free = this.#nodes[slot + FOLLOWING];
    this.used++;
    this.#nodes[slot + OBJECT] = object;
    this.#link(list, slot);
    return slot;
  }

  /** Takes a slot from its list and frees it. */
  free(slot: number): void {
    this.#unlink(slot);
    this.#nodes[slot + FOLLOWING] = this.#free;
    this.#free = slot;
    this.used--;
  }

  /** Moves a slot from wherever it is to the newest end of a list. */
  move(list: number, slot: number): void {
    this.#unlink(slot);
    this.#link(list, slot);
  }

  #unlink(slot: number): void {
    const nodes = this.#nodes;
    const after = nodes[slot + FOLLOWING];
    const before = nodes[slot + PRECEDING];
    nodes[before + FOLLOWING] = after;
    nodes[after + PRECEDING] = before;
  }

  #link(list: number, slot: number): void {
    const nodes = this.#nodes;
    const head = list * WORDS;
    const newest = nodes[head + FOLLOWING];
    nodes[slot + FOLLOWING] = newest;
    nodes[slot + PRECEDING] = head;
    nodes[slot + LIST] = list;
    nodes[head + FOLLOWING] = slot;
    nodes[newest + PRECEDING] = slot;
  }
}
