import { entryFrame, PTE_ACCESSED, PTE_DIRTY, PTE_WRITE } from '../../hardware/paging/entry.ts';
import { VM_MAYBE_GUARD, VM_MIXEDMAP, VM_PFNMAP, VM_SHARED } from '../address-space/vm-flags.ts';
import type { Vma } from '../address-space/vma.ts';
import type { PageCore } from '../core.ts';
import { isMapped, isNone, PTE_SPECIAL } from './soft-entry.ts';
import { addRss, rssCounter } from './zap.ts';

/**
 * Whether a fork copies a mapping's entries at all (vma_needs_copy): shared memory and untouched files are found again
 * by a fault, anonymous pages and guard markers are not.
 */
export const needsCopy = (vma: Vma): boolean =>
  vma.anonVma !== undefined || (vma.flags & (VM_PFNMAP | VM_MIXEDMAP | VM_MAYBE_GUARD)) !== 0;

/**
 * Gives a child's mapping the pages of its parent's (copy_page_range). Private pages become read-only on both sides, so
 * that the next write copies; the child's entries begin unused (pte_mkold).
 * @returns false when there is no memory for a table
 */
export function copyRange(core: PageCore, from: Vma, to: Vma): boolean {
  const { pageTables } = core;
  const isPrivate = (from.flags & VM_SHARED) === 0;
  let outOfMemory = false;
  let protectedAny = false;
  pageTables.forEachTable(from.mm, from.start, from.end, (firstSlot, firstPage, count) => {
    if (outOfMemory) return;
    // One table of the child belongs to one table of the parent, an empty one too, so its slots run along.
    const target = pageTables.findOrCreate(to.mm, firstPage);
    if (target < 0) {
      outOfMemory = true;
      return;
    }
    for (let i = 0; i < count; i++) {
      let lo = pageTables.lo(firstSlot + i);
      const hi = pageTables.hi(firstSlot + i);
      if (isNone(lo, hi)) continue;
      if (isMapped(lo)) {
        if (isPrivate && lo & PTE_WRITE) {
          lo &= ~PTE_WRITE;
          pageTables.set(firstSlot + i, lo, hi);
          protectedAny = true;
        }
        if ((lo & PTE_SPECIAL) === 0) shareFrame(core, to, entryFrame(lo, hi));
        lo &= isPrivate ? ~PTE_ACCESSED : ~(PTE_ACCESSED | PTE_DIRTY);
      }
      pageTables.set(target + i, lo, hi);
    }
  });
  if (protectedAny) core.tlb.flushRange(from.mm, from.start, from.end);
  return !outOfMemory;
}

function shareFrame(core: PageCore, to: Vma, frame: ReturnType<typeof entryFrame>): void {
  addRss(core, to.mm, rssCounter(core, frame), 1);
  if (core.table.isAnonymous(frame)) core.rmap.shareAnon(frame);
  else core.rmap.addFile(frame);
}
