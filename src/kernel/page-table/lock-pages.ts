import { entryFrame } from '../../hardware/paging/entry.ts';
import type { Pfn, Vpn } from '../../hardware/units.ts';
import type { Vma } from '../address-space/vma.ts';
import type { PageCore } from '../core.ts';
import { forEachFrame, isHugeZero, leafHead } from '../thp/huge-entries.ts';
import { isMapped, PTE_SPECIAL } from './soft-entry.ts';

/**
 * Locks or unlocks the pages of a range that are there, those that PROT_NONE hides included (mlock_vma_pages_range,
 * mlock_pte_range). A large folio is locked
 * only when the range maps all of it (allow_mlock_munlock).
 */
export function lockRange(core: PageCore, vma: Vma, start: Vpn, end: Vpn, locked: boolean): void {
  core.lru.drain();
  core.pageTables.forEachTable(
    vma.mm,
    start,
    end,
    (firstSlot, _page, count) => {
      for (let slot = firstSlot; slot < firstSlot + count; slot++) {
        const lo = core.pageTables.lo(slot);
        if (!isMapped(lo) || (lo & PTE_SPECIAL) !== 0) continue;
        const frame = entryFrame(lo, core.pageTables.hi(slot));
        if (locked && !mapsWholeFolio(core, frame, slot, firstSlot, count)) continue;
        if (locked) core.rmap.mlock(frame);
        else core.rmap.munlock(frame, vma);
      }
    },
    (slot) => {
      if (isHugeZero(core.pageTables.lo(slot))) return;
      forEachFrame(leafHead(core, slot), (frame) => {
        if (locked) core.rmap.mlock(frame);
        else core.rmap.munlock(frame, vma);
      });
    },
  );
}

/** Whether the entries [firstSlot, firstSlot + count) map every page of the folio whose page `frame` is mapped at `slot`. */
function mapsWholeFolio(core: PageCore, frame: Pfn, slot: number, firstSlot: number, count: number): boolean {
  const pages = 1 << core.table.order(frame);
  if (pages === 1) return true;
  const before = frame & (pages - 1);
  const first = slot - before;
  if (first < firstSlot || first + pages > firstSlot + count) return false;
  for (let i = 0; i < pages; i++) {
    const lo = core.pageTables.lo(first + i);
    if (!isMapped(lo) || entryFrame(lo, core.pageTables.hi(first + i)) !== frame - before + i) return false;
  }
  return true;
}
