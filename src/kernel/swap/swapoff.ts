import { type Pfn, pfn, vpn } from '../../hardware/units.ts';
import type { Mm } from '../address-space/mm.ts';
import type { PageCore } from '../core.ts';
import { ENOMEM } from '../errno.ts';
import { unuseEntry } from '../fault/swap-fault.ts';
import { BELOW_MIN } from '../frames/allocator.ts';
import { PG_DIRTY, PG_SWAPCACHE } from '../frames/frame-table.ts';
import type { FileCalls } from '../page-cache/system-calls.ts';
import { areaOf, entrySwap, isSwapEntry } from '../page-table/soft-entry.ts';
import type { SwapArea } from './swap-area.ts';

/** Behind the last page that an address space can have. */
const ADDRESS_END = vpn(2 ** 35);

/**
 * Takes a swap area out of use (swapoff, try_to_unuse): pages of memory files come back to them, all others to their
 * processes, who are charged no fault for it. Reclaim makes room for them, in other areas too.
 * @param mms every address space of the machine
 * @returns 0, or -ENOMEM when memory cannot hold what is in the area, which then stays in use; what came back stays in
 * memory
 */
export function swapoff(core: PageCore, files: FileCalls, area: SwapArea, mms: readonly Mm[]): number {
  const { swap } = core;
  swap.close(area);
  // What reclaim takes meanwhile may be pages that came back a moment ago: they are fetched in another pass.
  for (let before = Number.POSITIVE_INFINITY; area.used > 0 && area.used < before; ) {
    before = area.used;
    if (!unuse(core, files, area, mms)) break;
  }
  if (area.used > 0) {
    swap.reopen(area);
    return -ENOMEM;
  }
  swap.drop(area);
  return 0;
}

/** One pass over everything that may refer to the area. @returns false when memory is used up */
function unuse(core: PageCore, files: FileCalls, area: SwapArea, mms: readonly Mm[]): boolean {
  for (const inode of files.inodes) if (inode.kind === 'shmem' && !files.shmem.swap.unuse(inode, area)) return false;
  for (const mm of mms) if (!unuseMm(core, area, mm)) return false;
  emptyCache(core, area);
  return true;
}

/** unuse_mm. @returns false when memory is used up */
function unuseMm(core: PageCore, area: SwapArea, mm: Mm): boolean {
  const { pageTables, swap } = core;
  let complete = true;
  pageTables.forEachTable(mm, vpn(0), ADDRESS_END, (firstSlot, firstPage, count) => {
    for (let i = 0; complete && i < count; i++) {
      const lo = pageTables.lo(firstSlot + i);
      const hi = pageTables.hi(firstSlot + i);
      if (!isSwapEntry(lo, hi) || areaOf(entrySwap(lo, hi)) !== area.number) continue;
      const page = vpn(firstPage + i);
      const vma = mm.vmas.find(page);
      if (vma === undefined) continue;
      const frame = swap.readIntoCache(undefined, entrySwap(lo, hi), 'light');
      if (frame < 0) {
        complete = false;
        continue;
      }
      unuseEntry(core, vma, page, firstSlot + i, frame as Pfn);
      if (core.table.has(frame as Pfn, PG_SWAPCACHE)) swap.giveUp(frame as Pfn);
      // Reclaim found nothing more to take: what is left belongs to those who cannot wait.
      if (core.allocator.pressure >= BELOW_MIN) complete = false;
    }
  });
  return complete;
}

/** What the swap cache still holds belongs to memory alone now: nowhere else is a copy of it any more. */
function emptyCache({ swap, table, pages }: PageCore, area: SwapArea): void {
  for (let slot = 1; slot < area.slots; slot++) {
    const frame = area.cached[slot] as number;
    if (frame === 0) continue;
    swap.leaveCache(pfn(frame));
    table.set(pfn(frame), PG_DIRTY);
    pages.releaseUnused(pfn(frame));
  }
}
