import { PTE_DIRTY } from '../../hardware/paging/entry.ts';
import { type Pfn, vpn } from '../../hardware/units.ts';
import { VM_DROPPABLE, VM_LOCKED } from '../address-space/vm-flags.ts';
import type { PageCore } from '../core.ts';
import { PG_SWAPBACKED } from '../frames/frame-table.ts';
import { addRss, rssCounter } from '../page-table/zap.ts';

/**
 * Takes a page out of every mapping (try_to_unmap). A page of a file is found again by a fault; an anonymous page goes
 * only when it may be forgotten: clean since MADV_FREE, or droppable.
 * @returns whether nothing maps it any more
 */
export function tryToUnmap(core: PageCore, frame: Pfn): boolean {
  const { pageTables, table, rmap, tlb } = core;
  const isAnonymous = table.isAnonymous(frame);
  rmap.forEachMapping(frame, (vma, page, slot) => {
    if (vma.flags & VM_LOCKED) return;
    const lo = pageTables.lo(slot);
    if (isAnonymous && lo & PTE_DIRTY && (vma.flags & VM_DROPPABLE) === 0) {
      // Written after MADV_FREE: it counts again.
      table.set(frame, PG_SWAPBACKED);
      return;
    }
    pageTables.clear(slot);
    tlb.flushRange(vma.mm, page, vpn(page + 1));
    if (!isAnonymous && lo & PTE_DIRTY) core.markDirty(frame);
    addRss(core, vma.mm, rssCounter(core, frame), -1);
    table.mapcount[frame] = (table.mapcount[frame] as number) - 1;
    if (table.mapcount[frame] === 0) rmap.countUnmapped(frame);
  });
  return table.mapcount[frame] === 0;
}
