import { type Pfn, pfn, type Vpn, vpn } from '../../hardware/units.ts';
import type { Mm } from '../address-space/mm.ts';
import type { PageCore } from '../core.ts';
import { ENOMEM } from '../errno.ts';
import { unuseEntry } from '../fault/swap-fault.ts';
import { PG_DIRTY } from '../frames/frame-table.ts';
import { areaOf, entrySwap, isSwapEntry } from '../page-table/soft-entry.ts';
import type { SwapReadahead } from './readahead.ts';
import type { SwapArea } from './swap-area.ts';

/**
 * Takes a swap area out of use (swapoff, try_to_unuse): every page in it comes back to its processes, who are charged no
 * fault for it.
 * @param mms every address space of the machine
 * @returns 0, or -ENOMEM when memory cannot hold what is in the area; what came back stays in memory
 */
export function swapoff(core: PageCore, readahead: SwapReadahead, area: SwapArea, mms: Iterable<Mm>): number {
  const { allocator, pageTables, swap } = core;
  if (area.used > allocator.free) return -ENOMEM;
  for (const mm of mms) {
    pageTables.forEachTable(mm, vpn(0), vpn(2 ** 35), (firstSlot, firstPage, count) => {
      for (let i = 0; i < count; i++) {
        const lo = pageTables.lo(firstSlot + i);
        const hi = pageTables.hi(firstSlot + i);
        if (!isSwapEntry(lo, hi) || areaOf(entrySwap(lo, hi)) !== area.number) continue;
        const frame = readahead.readOne(undefined, entrySwap(lo, hi), false);
        if (frame >= 0) bringBack(core, mm, vpn(firstPage + i), firstSlot + i, pfn(frame));
      }
    });
  }
  for (let slot = 1; slot < area.slots; slot++) {
    const frame = area.cached[slot] as number;
    if (frame === 0) continue;
    swap.leaveCache(pfn(frame));
    // Nowhere else is a copy of it any more.
    core.table.set(pfn(frame), PG_DIRTY);
    core.pages.releaseUnused(pfn(frame));
  }
  if (area.used > 0) return -ENOMEM;
  swap.drop(area);
  return 0;
}

function bringBack(core: PageCore, mm: Mm, page: Vpn, slot: number, frame: Pfn): void {
  const vma = mm.vmas.find(page);
  if (vma !== undefined) unuseEntry(core, vma, page, slot, frame);
}
