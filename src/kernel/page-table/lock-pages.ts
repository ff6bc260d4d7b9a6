import { entryFrame, PTE_PRESENT } from '../../hardware/paging/entry.ts';
import type { Vpn } from '../../hardware/units.ts';
import type { Vma } from '../address-space/vma.ts';
import type { PageCore } from '../core.ts';
import { PTE_SPECIAL } from './soft-entry.ts';

/** Locks or unlocks the pages of a range that are there (mlock_vma_pages_range, mlock_pte_range). */
export function lockRange(core: PageCore, vma: Vma, start: Vpn, end: Vpn, locked: boolean): void {
  core.lru.drain();
  core.pageTables.forEachTable(vma.mm, start, end, (firstSlot, _page, count) => {
    for (let slot = firstSlot; slot < firstSlot + count; slot++) {
      const lo = core.pageTables.lo(slot);
      if ((lo & (PTE_PRESENT | PTE_SPECIAL)) !== PTE_PRESENT) continue;
      const frame = entryFrame(lo, core.pageTables.hi(slot));
      if (locked) core.rmap.mlock(frame);
      else core.rmap.munlock(frame, vma);
    }
  });
}
