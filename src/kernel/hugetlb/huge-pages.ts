import { type Pfn, pfn } from '../../hardware/units.ts';
import type { PageCore } from '../core.ts';
import { PG_HEAD, PG_HUGETLB, PG_TAIL, PG_UPTODATE } from '../frames/frame-table.ts';
import { MAX_ORDER, MIGRATE_MOVABLE } from '../frames/zone.ts';
import { HTLB_BUDDY_ALLOC_FAIL, HTLB_BUDDY_ALLOC_SUCCESS, NR_HUGETLB, PGALLOC_NORMAL, PGFREE } from '../vmstat.ts';
import type { HugePageSource } from './hstate.ts';

/** How often a request for memory of the pool reclaims before it gives up (MAX_RECLAIM_RETRIES in mm/internal.h). */
const MAX_RECLAIM_RETRIES = 16;

/**
 * Memory of the pools (alloc_fresh_hugetlb_folio): a block of the buddy allocator, or for pages larger than its largest
 * block neighbouring free blocks (alloc_contig_pages). It is on no LRU list and is nobody's resident page.
 */
export class HugePages implements HugePageSource {
  readonly #core: PageCore;
  readonly #reclaim: () => number;

  /** @param reclaim frees some memory and answers how many pages it was */
  constructor(core: PageCore, reclaim: () => number) {
    this.#core = core;
    this.#reclaim = reclaim;
  }

  allocate(pages: number): Pfn | -1 {
    const { vmstat, table } = this.#core;
    const head = this.#find(pages);
    if (head < 0) {
      vmstat.count(HTLB_BUDDY_ALLOC_FAIL);
      return -1;
    }
    vmstat.count(HTLB_BUDDY_ALLOC_SUCCESS);
    vmstat.count(PGALLOC_NORMAL, pages);
    table.flags.fill(PG_HUGETLB | PG_TAIL, head, head + pages);
    table.flags[head] = PG_HUGETLB | PG_HEAD | PG_UPTODATE;
    for (const column of [table.mapcount, table.mapping, table.index]) column.fill(0, head, head + pages);
    table.memcg.fill(0, head, head + pages);
    return head;
  }

  #find(pages: number): Pfn | -1 {
    const { allocator } = this.#core;
    if (pages > 1 << MAX_ORDER) return allocator.allocateContiguous(pages);
    for (let tries = 0; ; tries++) {
      const head = allocator.allocateAboveLow(Math.log2(pages), MIGRATE_MOVABLE);
      if (head >= 0 || tries === MAX_RECLAIM_RETRIES || this.#reclaim() === 0) return head;
    }
  }

  release(head: Pfn, pages: number): void {
    const { allocator, table, vmstat } = this.#core;
    this.clear(head, pages);
    table.flags.fill(0, head, head + pages);
    const block = Math.min(pages, 1 << MAX_ORDER);
    for (let i = 0; i < pages; i += block) allocator.release(pfn(head + i), Math.log2(block));
    vmstat.count(PGFREE, pages);
  }

  used(_head: Pfn, pages: number): void {
    this.#core.vmstat.count(NR_HUGETLB, pages);
  }

  unused(head: Pfn, pages: number): void {
    const { table, vmstat } = this.#core;
    table.flags[head] = PG_HUGETLB | PG_HEAD | PG_UPTODATE;
    table.mapping[head] = 0;
    vmstat.count(NR_HUGETLB, -pages);
  }

  /** Makes a huge page read as zeros (folio_zero_user). */
  clear(head: Pfn, pages: number): void {
    for (let i = 0; i < pages; i++) this.#core.memory.clear(pfn(head + i));
  }

  copy(from: Pfn, to: Pfn, pages: number): void {
    if (this.#core.contents === 'none') return;
    for (let i = 0; i < pages; i++) this.#core.memory.copy(pfn(from + i), pfn(to + i));
  }
}
