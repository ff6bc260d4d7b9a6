import type { Pfn } from '../../hardware/units.ts';
import { ENOMEM } from '../errno.ts';
import { panic } from '../panic.ts';
import { giveTo, type Subpool } from './subpool.ts';

/** Where the memory of huge pages comes from and goes to. */
export interface HugePageSource {
  /** A huge page of `pages` frames, fresh from the buddy allocator: its first frame, or -1. */
  allocate(pages: number): Pfn | -1;
  release(head: Pfn, pages: number): void;
  /** A page leaves the pool for somebody, or comes back to it. */
  used(head: Pfn, pages: number): void;
  unused(head: Pfn, pages: number): void;
}

/** What is known of a huge page that somebody uses. */
export interface HugeFolio {
  /** Its reservation comes back when it is freed (HPageRestoreReserve): it was taken but never shown to anybody. */
  restoreReserve: boolean;
  readonly subpool: Subpool | undefined;
}

/**
 * The pool of huge pages of one size (struct hstate, mm/hugetlb.c). Of its pages some are free, and of the free ones some
 * are reserved: promised to mappings that have not touched them yet. Surplus pages are those beyond what the administrator
 * asked for; they go back to the buddy allocator as soon as they are free.
 */
export class Hstate {
  /** 4 KiB frames of a huge page: 512 or 262144. */
  readonly pages: number;
  /** Level of the page-table entry that maps one: 2 (PMD) or 3 (PUD). */
  readonly level: number;
  /** All pages of the pool, surplus ones included (nr_huge_pages). */
  total = 0;
  /** Promised, not used yet (resv_huge_pages). */
  reserved = 0;
  surplus = 0;
  /** nr_overcommit_hugepages: the most surplus pages that mappings may cause. */
  overcommit = 0;
  /** The most pages that were used or promised at once. */
  mostWanted = 0;
  /** What the administrator asked for, as far as it could be had (max_huge_pages). */
  max = 0;
  /** First frames of the free pages; the last one is used next (hugepage_freelists). */
  readonly free: Pfn[] = [];
  /** Pages in use by their first frame. */
  readonly inUse = new Map<Pfn, HugeFolio>();
  readonly #source: HugePageSource;

  constructor(pages: number, level: number, source: HugePageSource) {
    this.pages = pages;
    this.level = level;
    this.#source = source;
  }

  /** Too large for the buddy allocator (hstate_is_gigantic): no surplus pages of this size. */
  get isGigantic(): boolean {
    return this.pages > 1 << 10;
  }

  /** Pages that belong to the pool for good. */
  get persistent(): number {
    return this.total - this.surplus;
  }

  /** Free and not promised to anybody (available_huge_pages). */
  get available(): number {
    return this.free.length - this.reserved;
  }

  /**
   * nr_hugepages (set_max_huge_pages): surplus pages become the pool's own first, then new ones are made while memory can
   * be had. A pool that shrinks gives up what is free and not reserved; the rest becomes surplus.
   */
  resize(count: number): void {
    while (this.surplus > 0 && count > this.persistent) this.surplus--;
    while (count > this.persistent) {
      const head = this.#source.allocate(this.pages);
      if (head < 0) break;
      this.total++;
      this.free.push(head as Pfn);
    }
    const least = Math.max(count, this.reserved + this.total - this.free.length);
    while (least < this.persistent && this.#removeFree(false));
    while (count < this.persistent && this.surplus < this.total) this.surplus++;
    this.max = this.persistent;
  }

  /**
   * Promises pages, or takes promises back when negative (hugetlb_acct_memory). What the free pages cannot cover is made
   * as surplus pages, all of it or nothing. @returns 0 or -ENOMEM
   */
  reserve(delta: number): number {
    if (delta < 0) this.#returnReserves(-delta);
    else if (delta > 0 && !this.#gatherSurplus(delta)) return -ENOMEM;
    // Only when more was given back than promised can this be (allowed_mems_nr).
    if (delta > this.free.length) {
      this.#returnReserves(delta);
      return -ENOMEM;
    }
    this.#noteWanted();
    return 0;
  }

  /** gather_surplus_pages: false when there is neither a free page nor leave to make one. */
  #gatherSurplus(delta: number): boolean {
    const needed = this.reserved + delta - this.free.length;
    const made: Pfn[] = [];
    while (made.length < needed) {
      const head = this.makeSurplus();
      if (head < 0) break;
      made.push(head as Pfn);
    }
    const enough = made.length >= needed;
    if (enough) this.reserved += delta;
    for (const head of made) {
      if (enough) this.free.push(head);
      else this.#forget(head, true);
    }
    return enough;
  }

  /** return_unused_surplus_pages: promises go, and with them as many surplus pages as are free. */
  #returnReserves(unused: number): void {
    this.reserved -= unused;
    for (let left = Math.min(unused, this.surplus); left > 0; left--) if (!this.#removeFree(true)) return;
  }

  /** One page more than the pool's own (alloc_surplus_hugetlb_folio), not on the free list; -1 when that may not be. */
  makeSurplus(): Pfn | -1 {
    if (this.isGigantic || this.surplus >= this.overcommit) return -1;
    const head = this.#source.allocate(this.pages);
    if (head < 0) return -1;
    this.surplus++;
    this.total++;
    return head;
  }

  /**
   * A page for somebody (dequeue_hugetlb_folio_vma, alloc_buddy_hugetlb_folio_with_mpol).
   * @param reserved it was promised: a free one is there. Else a free one that nobody was promised, or a surplus page
   * @returns its first frame, or -1
   */
  take(reserved: boolean, subpool: Subpool | undefined): Pfn | -1 {
    const fromPool = this.free.length > 0 && (reserved || this.available > 0);
    const head = fromPool ? (this.free.pop() as Pfn) : this.makeSurplus();
    if (head < 0) return -1;
    if (reserved) this.reserved--;
    this.inUse.set(head as Pfn, { restoreReserve: reserved, subpool });
    this.#source.used(head as Pfn, this.pages);
    this.#noteWanted();
    return head;
  }

  /** The page is nobody's any more (free_huge_folio). */
  release(head: Pfn): void {
    const folio = this.folio(head);
    // Nothing for the pool means that the mount keeps the reservation for its min_size.
    const restores = folio.restoreReserve || giveTo(folio.subpool, 1) === 0;
    this.inUse.delete(head);
    this.#source.unused(head, this.pages);
    if (restores) this.reserved++;
    if (this.surplus > 0) this.#forget(head, true);
    else this.free.push(head);
  }

  #noteWanted(): void {
    this.mostWanted = Math.max(this.mostWanted, this.inUse.size + this.reserved);
  }

  folio(head: Pfn): HugeFolio {
    return this.inUse.get(head) ?? panic(`hugetlb: frame ${head} is no huge page in use`);
  }

  /** Gives a free page back to the buddy allocator (remove_pool_hugetlb_folio). */
  #removeFree(fromSurplus: boolean): boolean {
    if (fromSurplus && this.surplus === 0) return false;
    const head = this.free.pop();
    if (head === undefined) return false;
    this.#forget(head, fromSurplus);
    return true;
  }

  #forget(head: Pfn, fromSurplus: boolean): void {
    if (fromSurplus) this.surplus--;
    this.total--;
    this.#source.release(head, this.pages);
  }
}
