import { PTE_ACCESSED } from '../../hardware/paging/entry.ts';
import type { Mm } from '../address-space/mm.ts';
import type { PageCore } from '../core.ts';
import { PG_REFERENCED } from '../frames/frame-table.ts';
import { forEachFrame } from '../thp/huge-entries.ts';
import { normalFrame } from './source.ts';

/** What may be written to /proc/PID/clear_refs that concerns reference bits (enum clear_refs_types). */
export const CLEAR_REFS_ALL = 1;
export const CLEAR_REFS_ANON = 2;
export const CLEAR_REFS_MAPPED = 3;

/**
 * Forgets that pages were used: the accessed bit of every entry and the referenced flag of its page (clear_refs_write
 * and clear_refs_pte_range in fs/proc/task_mmu.c).
 *
 * @param type CLEAR_REFS_ANON spares mappings of files, CLEAR_REFS_MAPPED those without
 */
export function clearRefs({ pageTables, table, tlb }: PageCore, mm: Mm, type: number): void {
  for (const vma of mm.vmas) {
    const ofFile = vma.file !== undefined;
    if ((type === CLEAR_REFS_ANON && ofFile) || (type === CLEAR_REFS_MAPPED && !ofFile)) continue;
    pageTables.forEachTable(
      mm,
      vma.start,
      vma.end,
      (firstSlot, _page, count) => {
        for (let slot = firstSlot; slot < firstSlot + count; slot++) {
          const lo = pageTables.lo(slot);
          const hi = pageTables.hi(slot);
          const frame = normalFrame(lo, hi);
          if (frame < 0) continue;
          pageTables.set(slot, lo & ~PTE_ACCESSED, hi);
          table.clear(frame as never, PG_REFERENCED);
        }
      },
      (slot) => {
        const lo = pageTables.lo(slot);
        const hi = pageTables.hi(slot);
        const head = normalFrame(lo, hi);
        if (head === -1) return;
        pageTables.set(slot, lo & ~PTE_ACCESSED, hi);
        forEachFrame(head, (frame) => table.clear(frame, PG_REFERENCED));
      },
    );
  }
  tlb.flushMm(mm);
}
