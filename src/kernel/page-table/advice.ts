/** What madvise(2) and mincore(2) do to single pages (mm/madvise.c, mm/mincore.c). */
import { entryFrame, PTE_ACCESSED, PTE_DIRTY } from '../../hardware/paging/entry.ts';
import { type Pfn, type Vpn, vpn } from '../../hardware/units.ts';
import type { Mm } from '../address-space/mm.ts';
import type { AdviceOps } from '../address-space/page-ops.ts';
import { VM_DROPPABLE } from '../address-space/vm-flags.ts';
import { indexOf, type Vma } from '../address-space/vma.ts';
import type { PageCore } from '../core.ts';
import { ENOMEM } from '../errno.ts';
import { PG_DIRTY, PG_LRU, PG_RECLAIM, PG_REFERENCED, PG_SWAPBACKED, PG_UNEVICTABLE } from '../frames/frame-table.ts';
import type { Task } from '../process/process.ts';
import { PGLAZYFREE, PGLAZYFREED } from '../vmstat.ts';
import { guardEntryLo, isGuard, isMapped, isNone, PTE_SPECIAL } from './soft-entry.ts';
import { dropPage, zapRange } from './zap.ts';

const TABLE_PAGES = 512;

export class PageAdvice implements AdviceOps {
  readonly #core: PageCore;

  constructor(core: PageCore) {
    this.#core = core;
  }

  /** madvise_free_pte_range: the pages are clean from now on and stand on the list of file pages (folio_mark_lazyfree). */
  free(vma: Vma, start: Vpn, end: Vpn): void {
    const { pageTables, table, lru, vmstat, tlb } = this.#core;
    lru.drain();
    this.#forEachPage(vma, start, end, (slot, lo, frame) => {
      if (!table.isAnonymous(frame)) return;
      table.clear(frame, PG_DIRTY);
      pageTables.set(slot, lo & ~(PTE_ACCESSED | PTE_DIRTY), pageTables.hi(slot));
      if (!table.has(frame, PG_SWAPBACKED) || !table.has(frame, PG_LRU) || table.has(frame, PG_UNEVICTABLE)) return;
      lru.makeLazyFree(frame);
      vmstat.count(PGLAZYFREE);
    });
    tlb.flushRange(vma.mm, start, end);
  }

  /** madvise_cold_or_pageout_pte_range with MADV_COLD. Pages that others map too are left alone. */
  cold(vma: Vma, start: Vpn, end: Vpn): void {
    const { lru } = this.#core;
    lru.drain();
    this.#forEachOwnPage(vma, start, end, (_slot, _lo, frame) => lru.deactivate(frame));
  }

  /**
   * MADV_PAGEOUT: what can go without swap goes at once: clean pages of files, and anonymous pages that may be forgotten.
   * Anonymous pages find no swap slot and become active (shrink_folio_list).
   */
  pageout(_task: Task, vma: Vma, start: Vpn, end: Vpn): void {
    const { lru, table } = this.#core;
    lru.drain();
    this.#forEachOwnPage(vma, start, end, (slot, lo, frame) => {
      if (table.has(frame, PG_UNEVICTABLE)) return;
      if (!table.isAnonymous(frame)) this.#pageoutFile(vma, slot, lo, frame);
      else if (table.has(frame, PG_SWAPBACKED)) lru.activate(frame);
      else this.#pageoutLazyFree(vma, slot, lo, frame);
    });
  }

  /** The mapping lets go; a clean page leaves the cache too, a dirty one stays there, active. */
  #pageoutFile(vma: Vma, slot: number, lo: number, frame: Pfn): void {
    const { pageTables, table, lru } = this.#core;
    if (table.has(frame, PG_SWAPBACKED)) {
      lru.activate(frame);
      return;
    }
    pageTables.clear(slot);
    dropPage(this.#core, vma, frame, lo & ~PTE_ACCESSED);
    if (table.has(frame, PG_DIRTY)) {
      // To be dropped when it has been written. The bit is also the readahead mark, so faults see one here.
      table.set(frame, PG_RECLAIM);
      lru.activate(frame);
    } else this.#core.evictFromCache(frame);
  }

  /** A page of MADV_FREE is dropped unless it was written since; one of MAP_DROPPABLE always (try_to_unmap_one). */
  #pageoutLazyFree(vma: Vma, slot: number, lo: number, frame: Pfn): void {
    const { pageTables, table, lru, vmstat } = this.#core;
    if (lo & PTE_DIRTY && (vma.flags & VM_DROPPABLE) === 0) {
      table.set(frame, PG_SWAPBACKED);
      lru.activate(frame);
      return;
    }
    pageTables.clear(slot);
    dropPage(this.#core, vma, frame, lo);
    vmstat.count(PGLAZYFREED);
  }

  /** Nothing of a machine without swap is in swap. */
  swapin(): void {}

  /** madvise_guard_install: whatever is mapped goes, and every page gets a marker. @returns 0 or -ENOMEM */
  guardInstall(vma: Vma, start: Vpn, end: Vpn): number {
    const { pageTables } = this.#core;
    zapRange(this.#core, vma, start, end, true);
    for (let page: number = start; page < end; page++) {
      const slot = pageTables.findOrCreate(vma.mm, vpn(page));
      if (slot < 0) return -ENOMEM;
      pageTables.set(slot, guardEntryLo, 0);
    }
    return 0;
  }

  guardRemove(vma: Vma, start: Vpn, end: Vpn): void {
    const { pageTables } = this.#core;
    pageTables.forEachTable(vma.mm, start, end, (firstSlot, _page, count) => {
      for (let slot = firstSlot; slot < firstSlot + count; slot++)
        if (isGuard(pageTables.lo(slot), pageTables.hi(slot))) pageTables.clear(slot);
    });
  }

  reclaimTables(mm: Mm, start: Vpn, end: Vpn): void {
    const first = Math.ceil(start / TABLE_PAGES) * TABLE_PAGES;
    const emptied: Vpn[] = [];
    this.#core.pageTables.forEachTable(mm, vpn(first), end, (_slot, page, count) => {
      if (count === TABLE_PAGES) emptied.push(page);
    });
    for (const page of emptied) this.#core.pageTables.freeLastLevel(mm, page);
  }

  /** mincore_pte_range: what is mapped is resident; elsewhere a file's page is when it is cached. */
  residency(vma: Vma, start: Vpn, end: Vpn, into: Uint8Array, at: number): void {
    const { pageTables } = this.#core;
    for (let page: number = start; page < end; page++) {
      const cached = (vma.file?.inode.pages.get(indexOf(vma, page)) ?? 0) > 0;
      into[at + page - start] = cached ? 1 : 0;
    }
    pageTables.forEachTable(vma.mm, start, end, (firstSlot, firstPage, count) => {
      for (let i = 0; i < count; i++)
        if (isMapped(pageTables.lo(firstSlot + i))) into[at + (firstPage - start) + i] = 1;
    });
  }

  /** Pages that nobody else maps: their accessed bits and marks are forgotten first. */
  #forEachOwnPage(vma: Vma, start: Vpn, end: Vpn, visit: (slot: number, lo: number, frame: Pfn) => void): void {
    const { pageTables, table, tlb } = this.#core;
    this.#forEachPage(vma, start, end, (slot, lo, frame) => {
      if ((table.mapcount[frame] as number) !== 1 || !table.has(frame, PG_LRU)) return;
      pageTables.set(slot, lo & ~PTE_ACCESSED, pageTables.hi(slot));
      table.clear(frame, PG_REFERENCED);
      visit(slot, lo & ~PTE_ACCESSED, frame);
    });
    tlb.flushRange(vma.mm, start, end);
  }

  #forEachPage(vma: Vma, start: Vpn, end: Vpn, visit: (slot: number, lo: number, frame: Pfn) => void): void {
    const { pageTables } = this.#core;
    pageTables.forEachTable(vma.mm, start, end, (firstSlot, _page, count) => {
      for (let slot = firstSlot; slot < firstSlot + count; slot++) {
        const lo = pageTables.lo(slot);
        const hi = pageTables.hi(slot);
        if (isNone(lo, hi) || !isMapped(lo) || lo & PTE_SPECIAL) continue;
        visit(slot, lo, entryFrame(lo, hi));
      }
    });
  }
}
