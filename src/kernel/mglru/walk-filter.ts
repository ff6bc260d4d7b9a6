import type { Mm } from '../address-space/mm.ts';

/** Pages that the last table of a walk maps. */
const TABLE_PAGES = 512;
/** Tables of an address space at most, so that its number can stand above them. */
const MOST_TABLES = 2 ** 27;
/** Entries in a line of the cache. */
const LINE_ENTRIES = 8;

/** Whether a table is worth another walk: one used entry in each line of the cache on average (suitable_to_scan). */
export const isDense = (total: number, young: number): boolean => young * LINE_ENTRIES >= total;

/**
 * Tables that were found densely used, by walks and by eviction's look around (the Bloom filters of mm/vmscan.c): the next walk
 * visits only them. Two sets take turns, one for each walk. The kernel's may take a table for another; this one does not.
 */
export class WalkFilter {
  /** By walk modulo 2; undefined before the first walk, which visits all. */
  #sets: [Set<number> | undefined, Set<number> | undefined] = [undefined, undefined];

  /** A walk begins: what it finds is for the next (reset_bloom_filter). @param seq its generation */
  begin(seq: number): void {
    this.#sets[(seq + 1) % 2] = new Set();
  }

  has(seq: number, mm: Mm, page: number): boolean {
    return this.#sets[seq % 2]?.has(keyOf(mm, page)) ?? true;
  }

  add(seq: number, mm: Mm, page: number): void {
    this.#sets[seq % 2]?.add(keyOf(mm, page));
  }

  save(): WalkFilterState {
    return this.#sets.map((set) => set && new Set(set));
  }

  restore(state: WalkFilterState): void {
    const [even, odd] = state;
    this.#sets = [even && new Set(even), odd && new Set(odd)];
  }
}

const keyOf = (mm: Mm, page: number): number => mm.id * MOST_TABLES + Math.floor(page / TABLE_PAGES);

export type WalkFilterState = readonly (ReadonlySet<number> | undefined)[];
