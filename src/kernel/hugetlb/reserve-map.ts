import { PageRanges } from '../page-cache/page-ranges.ts';

/**
 * Which huge pages of a file are reserved, or of a private mapping have used their reservation up (struct resv_map in
 * mm/hugetlb.c). Indexes count huge pages. Several pieces of one private mapping share one map.
 */
export class ReserveMap {
  /** Names it in a snapshot; 0 for the map of a file. */
  readonly id: number;
  /** Mappings that hold it. */
  references = 1;
  readonly #regions = new PageRanges();

  constructor(id: number) {
    this.id = id;
  }

  /** How many of [from, to) are not in the map: what an `add` would add (region_chg). */
  missing(from: number, to: number): number {
    return to - from - this.count(from, to);
  }

  /** @returns how many of [from, to) were not in the map before (region_add) */
  add(from: number, to: number): number {
    const missing = this.missing(from, to);
    this.#regions.add(from, to);
    return missing;
  }

  /** Takes [from, to) out; `to` may be Infinity. @returns how many were in the map (region_del) */
  remove(from: number, to: number): number {
    const there = this.count(from, to);
    this.#regions.remove(from, to);
    return there;
  }

  /** How many of [from, to) are in the map (region_count). */
  count(from: number, to: number): number {
    return this.#regions.count(from, to);
  }

  /** The regions in order, as [from, to). */
  ranges(): [from: number, to: number][] {
    return this.#regions.ranges();
  }
}
