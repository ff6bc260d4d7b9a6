import { entryFrame, entryHi, entryLo, PTE_ACCESSED, PTE_DIRTY, PTE_WRITE } from '../../hardware/paging/entry.ts';
import type { Pfn, Vpn } from '../../hardware/units.ts';
import { VM_SHARED, VM_WRITE } from '../address-space/vm-flags.ts';
import type { Vma } from '../address-space/vma.ts';
import type { PageCore } from '../core.ts';
import { PG_ANON_EXCLUSIVE } from '../frames/frame-table.ts';
import { leafHead, protectLeaf, splitLeaf } from '../thp/huge-entries.ts';
import { isMapped, PTE_SPECIAL, protectionHi, protectionLo } from './soft-entry.ts';

const KEPT_FLAGS = PTE_ACCESSED | PTE_DIRTY | PTE_SPECIAL;

/**
 * Gives the entries of a range the permissions that the mapping has now (change_pte_range). Accessed and dirty bits
 * stay. An entry becomes writable at once only where no fault has anything left to do.
 */
export function protectRange(core: PageCore, vma: Vma, start: Vpn, end: Vpn): void {
  let changed = false;
  core.pageTables.forEachTable(
    vma.mm,
    start,
    end,
    (firstSlot, _page, count) => {
      for (let slot = firstSlot; slot < firstSlot + count; slot++) {
        const lo = core.pageTables.lo(slot);
        if (!isMapped(lo)) continue;
        const hi = core.pageTables.hi(slot);
        const frame = entryFrame(lo, hi);
        const writable = canChangeWritable(core, vma, frame, lo) ? PTE_WRITE : 0;
        const base = protectionLo(vma.flags) & ~PTE_WRITE & ~PTE_ACCESSED;
        core.pageTables.set(
          slot,
          entryLo(frame, base | (lo & KEPT_FLAGS) | writable),
          entryHi(frame, protectionHi(vma.flags)),
        );
        changed = true;
      }
    },
    (slot, firstPage, pages) => {
      if (firstPage < start || firstPage + pages > end) {
        splitLeaf(core, vma, slot, firstPage);
        return;
      }
      protectLeaf(core, vma, slot, canChangeWritable(core, vma, leafHead(core, slot), core.pageTables.lo(slot)));
      changed = true;
    },
  );
  if (changed) core.tlb.flushRange(vma.mm, start, end);
}

/**
 * can_change_pte_writable: private memory when the process owns the page alone, shared memory when the page is dirty
 * already, or when nobody wants to hear of the first write (vma_wants_writenotify).
 */
function canChangeWritable(core: PageCore, vma: Vma, frame: Pfn, lo: number): boolean {
  if ((vma.flags & VM_WRITE) === 0 || lo & PTE_SPECIAL) return false;
  if (vma.flags & VM_SHARED) return !wantsWriteNotify(vma) || (lo & PTE_DIRTY) !== 0;
  return core.table.isAnonymous(frame) && core.table.has(frame, PG_ANON_EXCLUSIVE);
}

/** Shared mappings of files on a disk fault at the first write to a page, so that it can be counted dirty. */
export function wantsWriteNotify(vma: Vma): boolean {
  return (vma.flags & VM_SHARED) !== 0 && vma.file !== undefined && vma.file.inode.kind === 'file';
}
