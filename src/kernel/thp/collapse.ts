/** Making one huge page of the small ones of a block of 2 MiB (mm/khugepaged.c). */
import { entryFrame, PTE_ACCESSED, PTE_DIRTY, PTE_HUGE, PTE_PRESENT } from '../../hardware/paging/entry.ts';
import { ENTRIES_PER_TABLE, type Pfn, pfn, type Vpn, vpn } from '../../hardware/units.ts';
import { MM_ANONPAGES } from '../address-space/mm.ts';
import { VM_LOCKED, VM_WRITE } from '../address-space/vm-flags.ts';
import type { Vma } from '../address-space/vma.ts';
import type { PageCore } from '../core.ts';
import { EAGAIN, EBUSY, EINVAL, ENOMEM } from '../errno.ts';
import { PG_LRU, PG_REFERENCED, PG_SWAPCACHE } from '../frames/frame-table.ts';
import { addRss } from '../page-table/rss.ts';
import {
  isMapped,
  isNone,
  isSwapEntry,
  mappedHi,
  mappedLo,
  PTE_SPECIAL,
  WRITABLE_DIRTY,
} from '../page-table/soft-entry.ts';
import { PMD_LEVEL, PMD_PAGES } from '../page-table/table-walk.ts';
import {
  THP_COLLAPSE_ALLOC,
  THP_COLLAPSE_ALLOC_FAILED,
  THP_SCAN_EXCEED_NONE_PTE,
  THP_SCAN_EXCEED_SHARE_PTE,
  THP_SCAN_EXCEED_SWAP_PTE,
} from '../vmstat.ts';
import { isAllowed, TVA_FORCED_COLLAPSE } from './eligible.ts';
import { PMD_ORDER } from './settings.ts';

/** What became of a block (enum scan_result); only what somebody asks for is kept apart. */
export const SCAN_SUCCEED = 0;
/** A huge page is there already. */
export const SCAN_PMD_MAPPED = 1;
/** No page table: nothing was ever mapped there. */
export const SCAN_PMD_NULL = 2;
export const SCAN_EXCEED_NONE_PTE = 3;
export const SCAN_EXCEED_SWAP_PTE = 4;
export const SCAN_EXCEED_SHARED_PTE = 5;
export const SCAN_LACK_REFERENCED_PAGE = 6;
/** Something that is not an anonymous page on an LRU list. */
export const SCAN_FAIL = 7;
/** A page is not on an LRU list just now. */
export const SCAN_PAGE_LRU = 8;
export const SCAN_ALLOC_HUGE_PAGE_FAIL = 9;
export const SCAN_CGROUP_CHARGE_FAIL = 10;
export const SCAN_VMA_CHECK = 11;

/** Who collapses: khugepaged keeps to its limits, MADV_COLLAPSE to none. */
export interface Collapser {
  readonly isKhugepaged: boolean;
  /** Brings a page in from swap (do_swap_page). @returns false when that failed */
  swapIn(vma: Vma, page: Vpn, slot: number): boolean;
}

/**
 * MADV_COLLAPSE on a part of one mapping (madvise_collapse): every whole block in it, whatever the switches say.
 * @returns 0 when all of them are huge pages now, else a negated errno by the last that is not
 */
export function madviseCollapse(core: PageCore, vma: Vma, start: Vpn, end: Vpn, swapIn: Collapser['swapIn']): number {
  if (!isAllowed(core.thp.settings, vma, PMD_ORDER, TVA_FORCED_COLLAPSE)) return -EINVAL;
  let last = SCAN_SUCCEED;
  const from = Math.ceil(start / PMD_PAGES) * PMD_PAGES;
  const until = end - (end % PMD_PAGES);
  // A range without a whole block whose ends lie in one is refused, as the kernel counts its blocks without sign.
  if (from > until) return -EINVAL;
  for (let first = from; first < until; first += PMD_PAGES) {
    const result = collapseBlock(core, vma, vpn(first), { isKhugepaged: false, swapIn });
    if (result === SCAN_SUCCEED || result === SCAN_PMD_MAPPED) continue;
    last = result;
    // The next block can only fare better where this one's trouble was its own.
    if (result !== SCAN_PMD_NULL && result !== SCAN_PAGE_LRU && result !== SCAN_FAIL) break;
  }
  return last === SCAN_SUCCEED ? 0 : collapseError(last);
}

/** madvise_collapse_errno. */
function collapseError(result: number): number {
  if (result === SCAN_ALLOC_HUGE_PAGE_FAIL) return -ENOMEM;
  if (result === SCAN_CGROUP_CHARGE_FAIL || result === SCAN_EXCEED_NONE_PTE) return -EBUSY;
  return result === SCAN_PAGE_LRU ? -EAGAIN : -EINVAL;
}

/** Looks at a block and collapses it when it is worth it (collapse_scan_pmd, collapse_huge_page). @returns SCAN_* */
export function collapseBlock(core: PageCore, vma: Vma, first: Vpn, collapser: Collapser): number {
  const { pageTables } = core;
  const directory = pageTables.findDirectory(vma.mm, first, PMD_LEVEL);
  if (directory < 0) return SCAN_PMD_NULL;
  const lo = pageTables.lo(directory);
  if (lo & PTE_HUGE) return SCAN_PMD_MAPPED;
  if ((lo & PTE_PRESENT) === 0) return SCAN_PMD_NULL;
  const result = scanBlock(core, vma, first, collapser);
  return result === SCAN_SUCCEED ? collapse(core, vma, first, directory, collapser) : result;
}

/** What a block holds that decides on it. */
function scanBlock(core: PageCore, vma: Vma, first: Vpn, { isKhugepaged }: Collapser): number {
  const { pageTables, table, vmstat } = core;
  const { maxPtesNone, maxPtesSwap, maxPtesShared } = core.thp.settings.khugepaged;
  const firstSlot = pageTables.find(vma.mm, first);
  let [none, swapped, shared, referenced] = [0, 0, 0, 0];
  for (let slot = firstSlot; slot < firstSlot + PMD_PAGES; slot++) {
    const lo = pageTables.lo(slot);
    const hi = pageTables.hi(slot);
    if (isSwapEntry(lo, hi)) {
      if (++swapped > maxPtesSwap && isKhugepaged) {
        vmstat.count(THP_SCAN_EXCEED_SWAP_PTE);
        return SCAN_EXCEED_SWAP_PTE;
      }
      continue;
    }
    if (isNone(lo, hi) || (isMapped(lo) && lo & PTE_SPECIAL)) {
      if (++none > maxPtesNone && isKhugepaged) {
        vmstat.count(THP_SCAN_EXCEED_NONE_PTE);
        return SCAN_EXCEED_NONE_PTE;
      }
      continue;
    }
    if ((lo & PTE_PRESENT) === 0) return SCAN_FAIL;
    const frame = entryFrame(lo, hi);
    if (!table.isAnonymous(frame)) return SCAN_FAIL;
    if ((table.mapcount[frame] as number) > 1 && ++shared > maxPtesShared && isKhugepaged) {
      vmstat.count(THP_SCAN_EXCEED_SHARE_PTE);
      return SCAN_EXCEED_SHARED_PTE;
    }
    if (!table.has(frame, PG_LRU)) return SCAN_PAGE_LRU;
    if (lo & PTE_ACCESSED || table.has(frame, PG_REFERENCED)) referenced++;
  }
  if (isKhugepaged && (referenced === 0 || (swapped > 0 && referenced < PMD_PAGES / 2)))
    return SCAN_LACK_REFERENCED_PAGE;
  return SCAN_SUCCEED;
}

/** collapse_huge_page: the new page, what is in swap brought in, everything copied, the table kept as deposit. */
function collapse(core: PageCore, vma: Vma, first: Vpn, directory: number, collapser: Collapser): number {
  const { pageTables, pages, vmstat, thp, cgroups } = core;
  const mayWait = collapser.isKhugepaged ? thp.settings.khugepaged.defrag : true;
  const head = thp.allocate(PMD_ORDER, mayWait, vma.mm.memcg);
  if (head === -1) {
    vmstat.count(THP_COLLAPSE_ALLOC_FAILED);
    return SCAN_ALLOC_HUGE_PAGE_FAIL;
  }
  if (head === -2) return SCAN_CGROUP_CHARGE_FAIL;
  vmstat.count(THP_COLLAPSE_ALLOC);
  cgroups.count(vma.mm.memcg, THP_COLLAPSE_ALLOC);
  const firstSlot = pageTables.find(vma.mm, first);
  for (let i = 0; i < PMD_PAGES; i++) {
    const slot = firstSlot + i;
    if (!isSwapEntry(pageTables.lo(slot), pageTables.hi(slot))) continue;
    if (collapser.swapIn(vma, vpn(first + i), slot)) continue;
    pages.releaseUnused(head);
    return SCAN_FAIL;
  }
  core.lru.drain();
  const filled = takePages(core, vma, firstSlot, head);
  const table = pfn(Math.floor(firstSlot / ENTRIES_PER_TABLE));
  pageTables.clear(directory);
  core.tlb.flushRange(vma.mm, first, vpn(first + PMD_PAGES));
  pageTables.keepDeposit(directory, table);
  core.rmap.addNewAnonFolio(head, PMD_PAGES, vma, first, true);
  addRss(core, vma.mm, MM_ANONPAGES, PMD_PAGES - filled);
  if (vma.flags & VM_LOCKED) for (let i = 0; i < PMD_PAGES; i++) core.rmap.mlock(pfn(head + i));
  core.lru.addFolio(head, PMD_PAGES);
  const more = PTE_HUGE | (vma.flags & VM_WRITE ? WRITABLE_DIRTY : PTE_DIRTY);
  pageTables.set(directory, mappedLo(head, vma.flags, more), mappedHi(head, vma.flags));
  thp.deferred.add(head, false);
  return SCAN_SUCCEED;
}

/** Copies what the entries map into the new page and lets the old pages go. @returns how many there were */
function takePages(core: PageCore, vma: Vma, firstSlot: number, head: Pfn): number {
  const { pageTables, memory, rmap, table, swap } = core;
  let filled = 0;
  for (let i = 0; i < PMD_PAGES; i++) {
    const lo = pageTables.lo(firstSlot + i);
    const hi = pageTables.hi(firstSlot + i);
    pageTables.clear(firstSlot + i);
    if (isNone(lo, hi) || lo & PTE_SPECIAL) continue;
    filled++;
    const old = entryFrame(lo, hi);
    if (core.contents === 'bytes') memory.copy(old, pfn(head + i));
    const inSwapCache = table.has(old, PG_SWAPCACHE) && table.mapcount[old] === 1;
    rmap.remove(old, vma);
    if (!inSwapCache || swap.references(swap.entryOf(old)) > 0) continue;
    swap.leaveCache(old);
    core.pages.releaseUnused(old);
  }
  return filled;
}
