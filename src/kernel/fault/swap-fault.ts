import { entryHi, entryLo, PTE_DIRTY, PTE_WRITE } from '../../hardware/paging/entry.ts';
import { type Pfn, pfn, type Vpn, vpn } from '../../hardware/units.ts';
import { MM_ANONPAGES, MM_SWAPENTS } from '../address-space/mm.ts';
import { VM_LOCKED, VM_WRITE } from '../address-space/vm-flags.ts';
import type { Vma } from '../address-space/vma.ts';
import type { PageCore } from '../core.ts';
import { PG_ANON_EXCLUSIVE, PG_HEAD, PG_MLOCKED, PG_SWAPCACHE, PG_TAIL } from '../frames/frame-table.ts';
import { addRss } from '../page-table/rss.ts';
import { entrySwap, isSwapEntry, PTE_SWP_EXCLUSIVE, protectionHi, protectionLo } from '../page-table/soft-entry.ts';
import { PMD_PAGES } from '../page-table/table-walk.ts';
import type { Task } from '../process/process.ts';
import type { SwapReadahead } from '../swap/readahead.ts';
import { PGMAJFAULT } from '../vmstat.ts';
import { FAULT_FLAG_USER, FAULT_FLAG_WRITE, VM_FAULT_MAJOR, VM_FAULT_MINOR, VM_FAULT_OOM } from './outcome.ts';
import { copyOnWrite } from './write-protect.ts';

/**
 * A page that is in swap (do_swap_page): found in the swap cache, the fault is a minor one, else it is read, with its
 * neighbours where the device answers later.
 */
export function swapFault(
  core: PageCore,
  readahead: SwapReadahead,
  task: Task,
  vma: Vma,
  page: Vpn,
  slot: number,
  flags: number,
): number {
  const { pageTables, swap, table, vmstat } = core;
  const write = (flags & FAULT_FLAG_WRITE) !== 0;
  const lo = pageTables.lo(slot);
  const entry = entrySwap(lo, pageTables.hi(slot));
  let frame: number = swap.cached(entry);
  let outcome = VM_FAULT_MINOR;
  if (frame >= 0) readahead.hit(vma, page, pfn(frame));
  else {
    outcome = VM_FAULT_MAJOR;
    vmstat.count(PGMAJFAULT);
    core.cgroups.get(vma.mm.memcg).pgmajfault++;
    frame = bringIn(core, readahead, task, vma, page, entry, (flags & FAULT_FLAG_USER) !== 0);
    if (frame < 0) return VM_FAULT_OOM;
  }
  const own = pfn(frame);
  const exclusive = (lo & PTE_SWP_EXCLUSIVE) !== 0;
  const pages = mapsWhole(core, vma, page, slot, own) ? 1 << table.order(own) : 1;
  const first = pages === 1 ? own : table.headOf(own);
  const before = own - first;
  for (let i = 0; i < pages; i++)
    mapSwappedIn(core, vma, vpn(page - before + i), slot - before + i, pfn(first + i), exclusive, write);
  if (table.has(own, PG_SWAPCACHE) && shouldFreeSwap(core, vma, own, write && pages === 1 && table.mapcount[own] === 1))
    swap.giveUp(own);
  if (!write || pageTables.lo(slot) & PTE_WRITE || (vma.flags & VM_WRITE) === 0) return outcome;
  return outcome | copyOnWrite(core, vma, page, slot);
}

/**
 * Whether a large folio that is still in the swap cache can be mapped with all its pages: their entries stand side by side,
 * in one table and in the mapping, and point to it (do_swap_page, swap_pte_batch).
 */
function mapsWhole(core: PageCore, vma: Vma, page: Vpn, slot: number, frame: Pfn): boolean {
  const { table, pageTables, swap } = core;
  if (!table.has(frame, PG_HEAD | PG_TAIL) || !table.has(frame, PG_SWAPCACHE)) return false;
  const head = table.headOf(frame);
  const pages = 1 << table.order(frame);
  const before = frame - head;
  if (page - before < vma.start || page - before + pages > vma.end) return false;
  if (before > page % PMD_PAGES || (page % PMD_PAGES) - before + pages > PMD_PAGES) return false;
  const exclusive = pageTables.lo(slot) & PTE_SWP_EXCLUSIVE;
  for (let i = 0; i < pages; i++) {
    const lo = pageTables.lo(slot - before + i);
    const hi = pageTables.hi(slot - before + i);
    if (!isSwapEntry(lo, hi) || (lo & PTE_SWP_EXCLUSIVE) !== exclusive) return false;
    if (entrySwap(lo, hi) !== swap.entryOf(pfn(head + i))) return false;
  }
  return true;
}

/** Reads the page: straight into a frame of its own from a device that answers at once, else through the swap cache. */
function bringIn(
  core: PageCore,
  readahead: SwapReadahead,
  task: Task,
  vma: Vma,
  page: Vpn,
  entry: number,
  mayReclaim: boolean,
): number {
  const { swap } = core;
  if (!swap.area(entry).device.synchronous || swap.references(entry) !== 1)
    return readahead.read(task, vma, page, entry, mayReclaim);
  return swap.readDirect(task, entry, mayReclaim);
}

/** Puts the page in place of the entry that said where it was. */
function mapSwappedIn(
  core: PageCore,
  vma: Vma,
  page: Vpn,
  slot: number,
  frame: Pfn,
  exclusive: boolean,
  write: boolean,
): void {
  const { pageTables, swap, rmap, table } = core;
  const entry = entrySwap(pageTables.lo(slot), pageTables.hi(slot));
  addRss(core, vma.mm, MM_SWAPENTS, -1);
  addRss(core, vma.mm, MM_ANONPAGES, 1);
  const isFirst = table.mapcount[frame] === 0;
  // The swap cache is an owner too, unless the page is about to leave it (folio_ref_count == 1).
  const isCached = table.has(frame, PG_SWAPCACHE) && !shouldFreeSwap(core, vma, frame, write && isFirst);
  const mayOwn = exclusive || (isFirst && swap.references(entry) === 1 && !isCached);
  if (isFirst) rmap.addNewAnon(frame, vma, page, !mayOwn);
  else (table.mapcount[frame] as number)++;
  if (mayOwn) table.set(frame, PG_ANON_EXCLUSIVE);
  else table.clear(frame, PG_ANON_EXCLUSIVE);
  if (vma.flags & VM_LOCKED) rmap.mlock(frame);
  const writable = mayOwn && vma.flags & VM_WRITE ? PTE_WRITE : 0;
  const dirty = writable !== 0 && write ? PTE_DIRTY : 0;
  pageTables.set(
    slot,
    entryLo(frame, protectionLo(vma.flags) | writable | dirty),
    entryHi(frame, protectionHi(vma.flags)),
  );
  swap.release(entry);
}

/** Puts a page of the swap cache in place of its entry, without a fault: swapoff (unuse_pte). */
export function unuseEntry(core: PageCore, vma: Vma, page: Vpn, slot: number, frame: Pfn): void {
  const exclusive = (core.pageTables.lo(slot) & PTE_SWP_EXCLUSIVE) !== 0;
  mapSwappedIn(core, vma, page, slot, frame, exclusive, false);
}

/**
 * should_try_to_free_swap: swap is more than half full, the page is locked, or it is written and differs from now on.
 * @param ownWrite it is written by the only process that maps it
 */
function shouldFreeSwap(core: PageCore, vma: Vma, frame: Pfn, ownWrite: boolean): boolean {
  return ownWrite || core.swap.isFullFor(frame) || (vma.flags & VM_LOCKED) !== 0 || core.table.has(frame, PG_MLOCKED);
}
