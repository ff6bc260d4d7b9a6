import { type Pfn, pfn } from '../../hardware/units.ts';
import type { FrameTable } from './frame-table.ts';

/**
 * Doubly linked lists of frames through the `next` and `prev` columns of the frame table: the buddy allocator's free
 * lists and the LRU lists. A frame is on one list at most; 0 ends a list, as frame 0 is never given out.
 */
export class FrameLists {
  readonly #next: Int32Array;
  readonly #prev: Int32Array;
  readonly #heads: Int32Array;
  readonly #tails: Int32Array;
  /** Entries of each list. */
  readonly sizes: Int32Array;

  /** @param lists how many lists there are, numbered from 0 */
  constructor(table: Pick<FrameTable, 'next' | 'prev'>, lists: number) {
    this.#next = table.next;
    this.#prev = table.prev;
    this.#heads = new Int32Array(lists);
    this.#tails = new Int32Array(lists);
    this.sizes = new Int32Array(lists);
  }

  /** The first entry of a list, or 0. */
  head(list: number): number {
    return this.#heads[list] as number;
  }

  /** The last entry of a list, or 0. */
  tail(list: number): number {
    return this.#tails[list] as number;
  }

  addHead(frame: Pfn, list: number): void {
    const first = this.#heads[list] as number;
    this.#next[frame] = first;
    this.#prev[frame] = 0;
    this.#heads[list] = frame;
    if (first === 0) this.#tails[list] = frame;
    else this.#prev[first] = frame;
    (this.sizes[list] as number)++;
  }

  addTail(frame: Pfn, list: number): void {
    const last = this.#tails[list] as number;
    this.#next[frame] = 0;
    this.#prev[frame] = last;
    this.#tails[list] = frame;
    if (last === 0) this.#heads[list] = frame;
    else this.#next[last] = frame;
    (this.sizes[list] as number)++;
  }

  /** Takes a frame off the list that it is on. */
  remove(frame: Pfn, list: number): void {
    const after = this.#next[frame] as number;
    const before = this.#prev[frame] as number;
    if (before === 0) this.#heads[list] = after;
    else this.#next[before] = after;
    if (after === 0) this.#tails[list] = before;
    else this.#prev[after] = before;
    (this.sizes[list] as number)--;
  }

  /** The entries of a list from first to last. */
  *frames(list: number): Generator<Pfn> {
    for (let frame = this.#heads[list] as number; frame !== 0; frame = this.#next[frame] as number) yield pfn(frame);
  }

  /** The ends of the lists; the links between are in the frame table. */
  save(): FrameListsState {
    return { heads: this.#heads.slice(), tails: this.#tails.slice(), sizes: this.sizes.slice() };
  }

  restore(state: FrameListsState): void {
    this.#heads.set(state.heads);
    this.#tails.set(state.tails);
    this.sizes.set(state.sizes);
  }
}

export interface FrameListsState {
  readonly heads: Int32Array;
  readonly tails: Int32Array;
  readonly sizes: Int32Array;
}
