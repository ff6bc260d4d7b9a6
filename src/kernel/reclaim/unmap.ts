import { PTE_DIRTY } from '../../hardware/paging/entry.ts';
import { type Pfn, vpn } from '../../hardware/units.ts';
import { MM_ANONPAGES, MM_SWAPENTS } from '../address-space/mm.ts';
import { VM_DROPPABLE, VM_LOCKED } from '../address-space/vm-flags.ts';
import type { PageCore } from '../core.ts';
import { PG_ANON_EXCLUSIVE, PG_DIRTY, PG_SWAPBACKED, PG_SWAPCACHE } from '../frames/frame-table.ts';
import { addRss, rssCounter } from '../page-table/rss.ts';
import { PTE_SWP_EXCLUSIVE, swapHi, swapLo } from '../page-table/soft-entry.ts';
import { splitLeaf } from '../thp/huge-entries.ts';

/**
 * Takes a page out of every mapping (try_to_unmap). A page of a file is found again by a fault; a page of the swap cache
 * leaves entries that say where in swap it is; other anonymous pages go only when they may be forgotten: clean since
 * MADV_FREE, or droppable.
 * @returns whether nothing maps it any more
 */
export function tryToUnmap(core: PageCore, frame: Pfn): boolean {
  const { pageTables, table, rmap, tlb } = core;
  const isAnonymous = table.isAnonymous(frame);
  const entry = table.has(frame, PG_SWAPCACHE) ? core.swap.entryOf(frame) : 0;
  rmap.forEachMapping(frame, (vma, page, leafSlot) => {
    if (vma.flags & VM_LOCKED) return;
    if (pageTables.leafPages > 1) {
      splitLeaf(core, vma, leafSlot, vpn(page - (page % pageTables.leafPages)));
      if (!isAnonymous) return;
    }
    const slot = pageTables.find(vma.mm, page);
    const lo = pageTables.lo(slot);
    if (entry !== 0) {
      const exclusive = table.has(frame, PG_ANON_EXCLUSIVE) ? PTE_SWP_EXCLUSIVE : 0;
      pageTables.set(slot, swapLo(entry, exclusive), swapHi(entry));
      tlb.flushRange(vma.mm, page, vpn(page + 1));
      if (lo & PTE_DIRTY) table.set(frame, PG_DIRTY);
      core.swap.duplicate(entry);
      addRss(core, vma.mm, MM_ANONPAGES, -1);
      addRss(core, vma.mm, MM_SWAPENTS, 1);
      if (--(table.mapcount[frame] as number) === 0) rmap.countUnmapped(frame);
      return;
    }
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
