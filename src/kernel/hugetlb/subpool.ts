import { ENOMEM } from '../errno.ts';
import type { Hstate } from './hstate.ts';

/**
 * The limits of one hugetlbfs mount, in huge pages (struct hugepage_subpool in mm/hugetlb.c): `size=` is the most that it
 * may use, reserved pages included; `min_size=` is kept reserved for it from the beginning.
 */
export class Subpool {
  /** Names it in a snapshot. */
  readonly id: number;
  readonly hstate: Hstate;
  /** -1: no limit. */
  readonly max: number;
  /** -1: nothing is kept. */
  readonly min: number;
  /** Counted against `max` only. */
  used = 0;
  /** Reservations of the pool that stand for the rest of `min`. */
  reserved: number;

  /** The caller has reserved `min` pages of the pool already. */
  constructor(id: number, hstate: Hstate, max: number, min: number) {
    this.id = id;
    this.hstate = hstate;
    this.max = max;
    this.min = min;
    this.reserved = Math.max(0, min);
  }

  /**
   * Wants `pages` more for the mount (hugepage_subpool_get_pages).
   * @returns how many of them the pool itself must still reserve, or -ENOMEM beyond the limit
   */
  get(pages: number): number {
    if (this.max >= 0) {
      if (this.used + pages > this.max) return -ENOMEM;
      this.used += pages;
    }
    if (this.min < 0) return pages;
    const own = Math.min(pages, this.reserved);
    this.reserved -= own;
    return pages - own;
  }

  /** Gives pages back (hugepage_subpool_put_pages). @returns how many reservations the pool gets back; the rest is kept */
  put(pages: number): number {
    if (this.max >= 0) this.used -= pages;
    if (this.min < 0 || this.used >= this.min) return pages;
    const kept = Math.min(pages, this.min - this.reserved);
    this.reserved += kept;
    return pages - kept;
  }

  /** The pool could not reserve the `fromPool` pages that `get(pages)` had left to it: as if nothing had been wanted. */
  undo(pages: number, fromPool: number): void {
    if (this.max >= 0) this.used -= pages;
    this.reserved += pages - fromPool;
  }
}

/** `Subpool.get` where there may be none: the pool itself has to reserve everything. */
export const takeFrom = (subpool: Subpool | undefined, pages: number): number => subpool?.get(pages) ?? pages;
export const giveTo = (subpool: Subpool | undefined, pages: number): number => subpool?.put(pages) ?? pages;
