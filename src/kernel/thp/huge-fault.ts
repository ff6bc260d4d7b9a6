/** Faults in anonymous memory that may have huge pages (mm/huge_memory.c; alloc_anon_folio in mm/memory.c). */
import { entryHi, entryLo, PTE_ACCESSED, PTE_DIRTY, PTE_HUGE, PTE_WRITE } from '../../hardware/paging/entry.ts';
import { type Pfn, pfn, type Vpn, vpn } from '../../hardware/units.ts';
import { MM_ANONPAGES } from '../address-space/mm.ts';
import { VM_DROPPABLE, VM_HUGEPAGE, VM_LOCKED, VM_SPECIAL, VM_WRITE } from '../address-space/vm-flags.ts';
import type { Vma } from '../address-space/vma.ts';
import type { PageCore } from '../core.ts';
import { FAULT_FLAG_WRITE, VM_FAULT_FALLBACK, VM_FAULT_MINOR, VM_FAULT_OOM } from '../fault/outcome.ts';
import { PG_ANON_EXCLUSIVE, PG_SWAPBACKED, PG_SWAPCACHE } from '../frames/frame-table.ts';
import { addRss } from '../page-table/rss.ts';
import {
  isNone,
  mappedHi,
  mappedLo,
  PTE_SPECIAL,
  protectionHi,
  protectionLo,
  WRITABLE_DIRTY,
} from '../page-table/soft-entry.ts';
import { PMD_PAGES } from '../page-table/table-walk.ts';
import { THP_FAULT_ALLOC, THP_FAULT_FALLBACK, THP_FAULT_FALLBACK_CHARGE } from '../vmstat.ts';
import { blockStart, isAllowed, isSuitable, TVA_PAGEFAULT } from './eligible.ts';
import { flushLeaf, forEachFrame, isHugeZero, leafHead, splitLeaf } from './huge-entries.ts';
import { LEAST_ORDER, PMD_ORDER } from './settings.ts';
import { ANON_FAULT_ALLOC, ANON_FAULT_FALLBACK, ANON_FAULT_FALLBACK_CHARGE } from './size-stats.ts';

/**
 * The first use of a block of 2 MiB in which nothing is mapped (do_huge_pmd_anonymous_page): a load gets the huge page of
 * zeros, a store a huge page of its own.
 * @param slot of the directory's entry, which is empty
 * @returns VM_FAULT_FALLBACK when a small page must do
 */
export function hugeFault(core: PageCore, vma: Vma, page: Vpn, slot: number, flags: number): number {
  const { thp, pageTables } = core;
  if (!isSuitable(vma, page, PMD_ORDER)) return VM_FAULT_FALLBACK;
  core.anonVmas.prepare(vma);
  thp.khugepaged.enter(vma);
  if (flags & FAULT_FLAG_WRITE || !thp.settings.useZeroPage) return mapNewHuge(core, vma, page, slot);
  const zero = thp.hugeZeroFrame();
  if (zero < 0) {
    core.vmstat.count(THP_FAULT_FALLBACK);
    return VM_FAULT_FALLBACK;
  }
  if (!pageTables.deposit(vma.mm, slot)) return VM_FAULT_OOM;
  const lo = entryLo(pfn(zero), protectionLo(vma.flags) | PTE_HUGE | PTE_SPECIAL);
  pageTables.set(slot, lo & ~PTE_WRITE, entryHi(pfn(zero), protectionHi(vma.flags)));
  return VM_FAULT_MINOR;
}

/** __do_huge_pmd_anonymous_page. */
function mapNewHuge(core: PageCore, vma: Vma, page: Vpn, slot: number): number {
  const head = allocateForFault(core, vma, PMD_ORDER);
  if (head < 0) return VM_FAULT_FALLBACK;
  if (!core.pageTables.deposit(vma.mm, slot)) {
    core.pages.releaseUnused(pfn(head));
    return VM_FAULT_OOM;
  }
  core.vmstat.count(THP_FAULT_ALLOC);
  core.cgroups.count(vma.mm.memcg, THP_FAULT_ALLOC);
  mapHuge(core, vma, blockStart(page), slot, pfn(head));
  return VM_FAULT_MINOR;
}

/** Maps a new huge page that nobody has seen yet at a directory's entry whose deposit is made (map_anon_folio_pmd). */
export function mapHuge(core: PageCore, vma: Vma, first: Vpn, slot: number, head: Pfn): void {
  const { rmap, lru, pageTables } = core;
  rmap.addNewAnonFolio(head, PMD_PAGES, vma, first, true);
  finishNewFolio(core, vma, head, PMD_PAGES);
  lru.addFolio(head, PMD_PAGES);
  const more = PTE_HUGE | (vma.flags & VM_WRITE ? WRITABLE_DIRTY : PTE_DIRTY);
  pageTables.set(slot, mappedLo(head, vma.flags, more), mappedHi(head, vma.flags));
  core.thp.deferred.add(head, false);
}

/** The books of a new anonymous folio's mapping; locked pages leave the lists that reclaim scans. */
function finishNewFolio(core: PageCore, vma: Vma, head: Pfn, pages: number): void {
  if (vma.flags & VM_DROPPABLE) for (let i = 0; i < pages; i++) core.table.clear(pfn(head + i), PG_SWAPBACKED);
  addRss(core, vma.mm, MM_ANONPAGES, pages);
  if ((vma.flags & (VM_LOCKED | VM_SPECIAL)) === VM_LOCKED)
    for (let i = 0; i < pages; i++) core.rmap.mlock(pfn(head + i));
}

/** A large folio for a fault, charged, or -1 (vma_alloc_anon_folio_pmd and the loop of alloc_anon_folio). */
function allocateForFault(core: PageCore, vma: Vma, order: number): number {
  const { thp, vmstat } = core;
  const head = thp.allocate(order, thp.mayWaitFor((vma.flags & VM_HUGEPAGE) !== 0));
  if (head >= 0) {
    thp.sizeStats.count(order, ANON_FAULT_ALLOC);
    return head;
  }
  thp.sizeStats.count(order, ANON_FAULT_FALLBACK);
  if (head === -2) thp.sizeStats.count(order, ANON_FAULT_FALLBACK_CHARGE);
  if (order !== PMD_ORDER) return -1;
  vmstat.count(THP_FAULT_FALLBACK);
  if (head === -2) vmstat.count(THP_FAULT_FALLBACK_CHARGE);
  return -1;
}

/**
 * The first store to a page, where sizes between 16 KiB and 1 MiB are allowed (alloc_anon_folio): the largest aligned
 * block around it that lies in the mapping and has nothing mapped yet.
 * @param slot of the page's entry
 * @returns whether the page is mapped now
 */
export function largeAnonymousFault(core: PageCore, vma: Vma, page: Vpn, slot: number): boolean {
  const { thp, pageTables, lru } = core;
  for (let order = PMD_ORDER - 1; order >= LEAST_ORDER; order--) {
    if (!isAllowed(thp.settings, vma, order, TVA_PAGEFAULT) || !isSuitable(vma, page, order)) continue;
    const pages = 1 << order;
    const before = page % pages;
    if (!isEmpty(core, slot - before, pages)) continue;
    core.anonVmas.prepare(vma);
    const head = allocateForFault(core, vma, order);
    if (head < 0) continue;
    const first = vpn(page - before);
    core.rmap.addNewAnonFolio(pfn(head), pages, vma, first, false);
    finishNewFolio(core, vma, pfn(head), pages);
    lru.addFolio(pfn(head), pages);
    const more = vma.flags & VM_WRITE ? WRITABLE_DIRTY : 0;
    for (let i = 0; i < pages; i++) {
      const frame = pfn(head + i);
      pageTables.set(slot - before + i, mappedLo(frame, vma.flags, more), mappedHi(frame, vma.flags));
    }
    return true;
  }
  return false;
}

function isEmpty({ pageTables }: PageCore, firstSlot: number, pages: number): boolean {
  for (let slot = firstSlot; slot < firstSlot + pages; slot++)
    if (!isNone(pageTables.lo(slot), pageTables.hi(slot))) return false;
  return true;
}

/**
 * A fault on a huge page that is mapped: a store where it is read-only, else the TLB was behind (huge_pmd_set_accessed).
 * @param slot of the leaf
 * @returns VM_FAULT_FALLBACK when it is a table now
 */
export function leafFault(core: PageCore, vma: Vma, page: Vpn, slot: number, flags: number): number {
  const { pageTables } = core;
  const lo = pageTables.lo(slot);
  const first = blockStart(page);
  const write = (flags & FAULT_FLAG_WRITE) !== 0;
  if (write && (lo & PTE_WRITE) === 0) return hugeWriteProtect(core, vma, slot, first);
  pageTables.set(slot, lo | PTE_ACCESSED | (write ? PTE_DIRTY : 0), pageTables.hi(slot));
  flushLeaf(core, vma, first);
  return VM_FAULT_MINOR;
}

/**
 * A store to a huge page that is mapped read-only (do_huge_pmd_wp_page): re-used when this process alone has it; the huge
 * page of zeros gives way to one of its own; else it is split, and only the small page is copied.
 * @returns VM_FAULT_FALLBACK after a split
 */
function hugeWriteProtect(core: PageCore, vma: Vma, slot: number, first: Vpn): number {
  const { pageTables, rmap } = core;
  const lo = pageTables.lo(slot);
  const head = leafHead(core, slot);
  if (isHugeZero(lo)) return replaceHugeZero(core, vma, slot, first);
  if (mayReuse(core, head)) {
    rmap.moveAnonFolio(head, vma);
    pageTables.set(slot, lo | WRITABLE_DIRTY | PTE_ACCESSED, pageTables.hi(slot));
    flushLeaf(core, vma, first);
    return VM_FAULT_MINOR;
  }
  splitLeaf(core, vma, slot, first);
  return VM_FAULT_FALLBACK;
}

/** do_huge_zero_wp_pmd. */
function replaceHugeZero(core: PageCore, vma: Vma, slot: number, first: Vpn): number {
  const head = allocateForFault(core, vma, PMD_ORDER);
  if (head < 0) {
    splitLeaf(core, vma, slot, first);
    return VM_FAULT_FALLBACK;
  }
  core.vmstat.count(THP_FAULT_ALLOC);
  core.cgroups.count(vma.mm.memcg, THP_FAULT_ALLOC);
  core.pageTables.clear(slot);
  flushLeaf(core, vma, first);
  mapHuge(core, vma, first, slot, pfn(head));
  return VM_FAULT_MINOR;
}

/** Whether no other process has a part of the folio, and the swap cache does not either. */
function mayReuse({ table }: PageCore, head: Pfn): boolean {
  if (table.has(head, PG_ANON_EXCLUSIVE)) return true;
  if (table.entireMappings(head) !== 1 || table.has(head, PG_SWAPCACHE)) return false;
  let alone = true;
  forEachFrame(head, (frame) => {
    if ((table.mapcount[frame] as number) !== 1) alone = false;
  });
  return alone;
}
