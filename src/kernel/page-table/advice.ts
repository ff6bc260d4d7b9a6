/** What madvise(2) and mincore(2) do to single pages (mm/madvise.c, mm/mincore.c). */
import { entryFrame, PTE_ACCESSED, PTE_DIRTY } from '../../hardware/paging/entry.ts';
import { type Pfn, pfn, type Vpn, vpn } from '../../hardware/units.ts';
import type { Mm } from '../address-space/mm.ts';
import type { AdviceOps } from '../address-space/page-ops.ts';
import { VM_HUGETLB } from '../address-space/vm-flags.ts';
import { indexOf, type Vma } from '../address-space/vma.ts';
import type { PageCore } from '../core.ts';
import { ENOMEM } from '../errno.ts';
import {
  PG_DIRTY,
  PG_LRU,
  PG_REFERENCED,
  PG_SWAPBACKED,
  PG_SWAPCACHE,
  PG_UNEVICTABLE,
  PG_UPTODATE,
} from '../frames/frame-table.ts';
import type { Inode } from '../page-cache/inode.ts';
import { entryOfValue } from '../page-cache/shmem-swap.ts';
import type { Task } from '../process/process.ts';
import { madviseCollapse } from '../thp/collapse.ts';
import { forEachFrame, isHugeZero, leafHead } from '../thp/huge-entries.ts';
import { PGLAZYFREE } from '../vmstat.ts';
import { entrySwap, guardEntryLo, isGuard, isMapped, isNone, isSwapEntry, PTE_SPECIAL } from './soft-entry.ts';
import { dropSwapEntry, zapRange } from './zap.ts';

const TABLE_PAGES = 512;

/** What advice asks of reclaim and swap. */
export interface AdviceNeeds {
  /** Tries to free these pages now (reclaim_pages). */
  reclaimPages(frames: readonly Pfn[]): void;
  /** Puts a swapped page back in place of its entry, as a fault would. @returns false when there is no memory for it */
  swapIn(task: Task, vma: Vma, page: Vpn, slot: number): boolean;
  /** Reads a page into the swap cache, on a task's account. */
  readSwapAhead(task: Task, entry: number): void;
  /** The same for the swapped pages of a memory file from page `first` to before `end`. */
  readSharedAhead(task: Task, inode: Inode, first: number, end: number): void;
}

export class PageAdvice implements AdviceOps {
  readonly #core: PageCore;
  readonly #needs: AdviceNeeds;

  constructor(core: PageCore, needs: AdviceNeeds) {
    this.#core = core;
    this.#needs = needs;
  }

  collapse(task: Task, vma: Vma, start: Vpn, end: Vpn): number {
    this.#core.lru.drain();
    return madviseCollapse(this.#core, vma, start, end, (at, page, slot) => this.#needs.swapIn(task, at, page, slot));
  }

  enterKhugepaged(vma: Vma): void {
    this.#core.thp.khugepaged.enter(vma);
  }

  /** madvise_free_pte_range: the pages are clean from now on and stand on the list of file pages (folio_mark_lazyfree). */
  free(vma: Vma, start: Vpn, end: Vpn): void {
    const { pageTables, table, lru, vmstat, tlb } = this.#core;
    lru.drain();
    this.#dropSwapped(vma, start, end);
    const mayForget = (frame: Pfn): void => {
      table.clear(frame, PG_DIRTY);
      if (!table.has(frame, PG_SWAPBACKED) || !table.has(frame, PG_LRU) || table.has(frame, PG_UNEVICTABLE)) return;
      lru.makeLazyFree(frame);
      vmstat.count(PGLAZYFREE);
      this.#core.cgroups.count(table.memcg[frame] as number, PGLAZYFREE);
    };
    const visit = (slot: number, lo: number, frame: Pfn, page: number): void => {
      if (!table.isAnonymous(frame)) return;
      if (this.#isPartial(slot, frame, page, start, end)) {
        if (this.#core.rmap.isShared(frame, vma.mm)) return;
        this.#core.splitFolio(frame);
        if (!this.#mapsFrame(slot, frame)) return;
      }
      // What differs from swap belongs to all who map it.
      if (table.has(frame, PG_DIRTY | PG_SWAPCACHE) && table.mapcount[frame] !== 1) return;
      pageTables.set(slot, lo & ~(PTE_ACCESSED | PTE_DIRTY), pageTables.hi(slot));
      mayForget(frame);
    };
    this.#forEachPage(vma, start, end, visit, (slot, head) => {
      pageTables.set(slot, pageTables.lo(slot) & ~(PTE_ACCESSED | PTE_DIRTY), pageTables.hi(slot));
      forEachFrame(head, mayForget);
      // A large folio does not wait for others (folio_batch_add_and_move).
      lru.drain();
    });
    tlb.flushRange(vma.mm, start, end);
  }

  /** madvise_cold_or_pageout_pte_range with MADV_COLD. Pages that others map too are left alone. */
  cold(vma: Vma, start: Vpn, end: Vpn): void {
    const { lru, pageTables, tlb } = this.#core;
    lru.drain();
    this.#forEachOwnPage(vma, start, end, (slot, frame) => {
      pageTables.set(slot, pageTables.lo(slot) & ~PTE_ACCESSED, pageTables.hi(slot));
      lru.deactivate(frame);
    });
    tlb.flushRange(vma.mm, start, end);
  }

  /** MADV_PAGEOUT: the pages are reclaimed at once, whether they were used of late or not. */
  pageout(_task: Task, vma: Vma, start: Vpn, end: Vpn): void {
    const { lru, table } = this.#core;
    lru.drain();
    const frames: Pfn[] = [];
    this.#forEachOwnPage(vma, start, end, (_slot, frame) => {
      if (!table.has(frame, PG_UNEVICTABLE)) frames.push(frame);
    });
    this.#needs.reclaimPages(frames);
  }

  /** MADV_WILLNEED on anonymous memory: swapped pages come into the swap cache (swapin_walk_pmd_entry). */
  swapin(task: Task, vma: Vma, start: Vpn, end: Vpn): void {
    const { pageTables, lru } = this.#core;
    pageTables.forEachTable(vma.mm, start, end, (firstSlot, _page, count) => {
      for (let slot = firstSlot; slot < firstSlot + count; slot++) {
        const lo = pageTables.lo(slot);
        const hi = pageTables.hi(slot);
        if (isSwapEntry(lo, hi)) this.#needs.readSwapAhead(task, entrySwap(lo, hi));
      }
    });
    lru.drain();
  }

  /** The same on shared memory (shmem_swapin_range). */
  swapinShared(task: Task, vma: Vma, start: Vpn, end: Vpn): void {
    if (vma.file === undefined) return;
    this.#needs.readSharedAhead(task, vma.file.inode, indexOf(vma, start), indexOf(vma, end));
    this.#core.lru.drain();
  }

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
    const { pageTables, table, hugetlb } = this.#core;
    if (vma.flags & VM_HUGETLB) {
      hugetlb.residency(vma, start, end, into, at);
      return;
    }
    for (let page: number = start; page < end; page++) {
      const entry = vma.file?.inode.pages.get(indexOf(vma, page)) ?? 0;
      // A page of shared memory in swap counts when the swap cache has it (mincore_page).
      const cached =
        entry < 0 && vma.file?.inode.kind === 'shmem' ? this.#core.swap.cached(entryOfValue(entry)) : entry;
      into[at + page - start] = cached > 0 && table.has(pfn(cached), PG_UPTODATE) ? 1 : 0;
    }
    pageTables.forEachTable(
      vma.mm,
      start,
      end,
      (firstSlot, firstPage, count) => {
        for (let i = 0; i < count; i++) if (this.#isResident(firstSlot + i)) into[at + (firstPage - start) + i] = 1;
      },
      (_slot, firstPage, pages) => {
        into.fill(1, at + Math.max(firstPage, start) - start, at + Math.min(firstPage + pages, end) - start);
      },
    );
  }

  /** Mapped, or in swap with a copy in memory (mincore_swap). */
  #isResident(slot: number): boolean {
    const lo = this.#core.pageTables.lo(slot);
    const hi = this.#core.pageTables.hi(slot);
    return isMapped(lo) || (isSwapEntry(lo, hi) && this.#core.swap.cached(entrySwap(lo, hi)) >= 0);
  }

  /** Pages that are in swap are forgotten at once. */
  #dropSwapped(vma: Vma, start: Vpn, end: Vpn): void {
    const { pageTables } = this.#core;
    pageTables.forEachTable(vma.mm, start, end, (firstSlot, _page, count) => {
      for (let slot = firstSlot; slot < firstSlot + count; slot++) {
        const lo = pageTables.lo(slot);
        const hi = pageTables.hi(slot);
        if (isSwapEntry(lo, hi)) dropSwapEntry(this.#core, vma.mm, slot, lo, hi);
      }
    });
  }

  /**
   * Pages that nobody else maps, their marks forgotten first. A large folio that reaches out of the range is split: the
   * pages of a file are then unmapped, anonymous ones are taken one by one.
   */
  #forEachOwnPage(vma: Vma, start: Vpn, end: Vpn, visit: (slot: number, frame: Pfn) => void): void {
    const { table } = this.#core;
    const visitOwn = (slot: number, frame: Pfn): void => {
      if ((table.mapcount[frame] as number) !== 1) return;
      table.clear(frame, PG_REFERENCED);
      visit(slot, frame);
    };
    const visitPage = (slot: number, _lo: number, frame: Pfn, page: number): void => {
      if (!table.has(frame, PG_LRU)) return;
      if (this.#isPartial(slot, frame, page, start, end)) {
        if (this.#core.rmap.isShared(frame, vma.mm)) return;
        this.#core.splitFolio(frame);
        if (!this.#mapsFrame(slot, frame)) return;
      }
      visitOwn(slot, frame);
    };
    this.#forEachPage(vma, start, end, visitPage, (slot, head) => forEachFrame(head, (frame) => visitOwn(slot, frame)));
  }

  /**
   * Whether of a large folio, one of whose pages is mapped at `page`, others lie outside of a range or are not mapped beside
   * it (madvise_folio_pte_batch).
   */
  #isPartial(slot: number, frame: Pfn, page: number, start: Vpn, end: Vpn): boolean {
    const { table } = this.#core;
    const folioPages = 1 << table.order(frame);
    if (folioPages === 1) return false;
    const before = frame & (folioPages - 1);
    const folioStart = page - before;
    if (folioStart < start || folioStart + folioPages > end) return true;
    const inTable = (page % TABLE_PAGES) - before;
    if (inTable < 0 || inTable + folioPages > TABLE_PAGES) return true;
    for (let i = 0; i < folioPages; i++) if (!this.#mapsFrame(slot - before + i, pfn(frame - before + i))) return true;
    return false;
  }

  /** Whether an entry still maps a frame after its folio was split: a page of zeros it does not. */
  #mapsFrame(slot: number, frame: Pfn): boolean {
    const { pageTables } = this.#core;
    const lo = pageTables.lo(slot);
    return isMapped(lo) && (lo & PTE_SPECIAL) === 0 && entryFrame(lo, pageTables.hi(slot)) === frame;
  }

  /**
   * The pages of a range one by one, and whole huge pages that nobody else maps. A huge page that reaches out of the range
   * is split into single pages first, if it is this address space's alone.
   */
  #forEachPage(
    vma: Vma,
    start: Vpn,
    end: Vpn,
    visit: (slot: number, lo: number, frame: Pfn, page: number) => void,
    visitLeaf: (slot: number, head: Pfn) => void,
  ): void {
    const core = this.#core;
    const { pageTables } = core;
    pageTables.forEachTable(
      vma.mm,
      start,
      end,
      (firstSlot, firstPage, count) => {
        for (let slot = firstSlot; slot < firstSlot + count; slot++) {
          const lo = pageTables.lo(slot);
          const hi = pageTables.hi(slot);
          if (isNone(lo, hi) || !isMapped(lo) || lo & PTE_SPECIAL) continue;
          visit(slot, lo, entryFrame(lo, hi), firstPage + (slot - firstSlot));
        }
      },
      (slot, firstPage, pages) => {
        const head = leafHead(core, slot);
        if (isHugeZero(pageTables.lo(slot)) || core.rmap.isShared(head, vma.mm)) return;
        if (firstPage < start || firstPage + pages > end) core.splitFolio(head);
        else visitLeaf(slot, head);
      },
    );
  }
}
