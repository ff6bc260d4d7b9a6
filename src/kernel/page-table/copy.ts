import { entryFrame, PTE_ACCESSED, PTE_DIRTY, PTE_WRITE } from '../../hardware/paging/entry.ts';
import { vpn } from '../../hardware/units.ts';
import { MM_SWAPENTS } from '../address-space/mm.ts';
import { VM_MAYBE_GUARD, VM_MIXEDMAP, VM_PFNMAP, VM_SHARED } from '../address-space/vm-flags.ts';
import type { Vma } from '../address-space/vma.ts';
import type { PageCore } from '../core.ts';
import { copyLeaf } from '../thp/huge-entries.ts';
import { addRss, rssCounter } from './rss.ts';
import { entrySwap, isMapped, isNone, isSwapEntry, PTE_SPECIAL, PTE_SWP_EXCLUSIVE } from './soft-entry.ts';
import { PMD_LEVEL, PUD_LEVEL, PUD_PAGES } from './table-walk.ts';

/**
 * Whether a fork copies a mapping's entries at all (vma_needs_copy): shared memory and untouched files are found again
 * by a fault, anonymous pages and guard markers are not.
 */
export const needsCopy = (vma: Vma): boolean =>
  vma.anonVma !== undefined || (vma.flags & (VM_PFNMAP | VM_MIXEDMAP | VM_MAYBE_GUARD)) !== 0;

/**
 * Gives a child's mapping the pages of its parent's (copy_page_range). Private pages become read-only on both sides, so
 * that the next write copies; the child's entries begin unused (pte_mkold).
 * The caller flushes the parent's translations when it has copied everything.
 * @returns false when there is no memory for a table
 */
export function copyRange(core: PageCore, from: Vma, to: Vma): boolean {
  const { pageTables } = core;
  const isPrivate = (from.flags & VM_SHARED) === 0;
  let outOfMemory = false;
  copyUpperTables(core, from, to);
  const shared = new Int32Array(to.mm.rss.length);
  pageTables.forEachTable(
    from.mm,
    from.start,
    from.end,
    (firstSlot, firstPage, count) => {
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
        if (isSwapEntry(lo, hi)) {
          lo &= ~PTE_SWP_EXCLUSIVE;
          pageTables.set(firstSlot + i, lo, hi);
          core.swap.duplicate(entrySwap(lo, hi));
          addRss(core, to.mm, MM_SWAPENTS, 1);
        } else if (isMapped(lo)) {
          if (isPrivate && lo & PTE_WRITE) {
            lo &= ~PTE_WRITE;
            pageTables.set(firstSlot + i, lo, hi);
          }
          if ((lo & PTE_SPECIAL) === 0) (shared[shareFrame(core, entryFrame(lo, hi))] as number)++;
          lo &= isPrivate ? ~PTE_ACCESSED : ~(PTE_ACCESSED | PTE_DIRTY);
        }
        pageTables.set(target + i, lo, hi);
      }
      shared.forEach((pages, counter) => {
        if (pages > 0) addRss(core, to.mm, counter, pages);
      });
      shared.fill(0);
    },
    (slot, firstPage) => {
      if (!outOfMemory) outOfMemory = !copyLeaf(core, from, to, slot, firstPage);
    },
  );
  return !outOfMemory;
}

/** Tables for 1 GiB and 512 GiB are made where the parent has them, whatever is in them (copy_pud_range, copy_pmd_range). */
function copyUpperTables({ pageTables }: PageCore, from: Vma, to: Vma): void {
  for (let page: number = from.start; page < from.end; page += PUD_PAGES - (page % PUD_PAGES)) {
    const at = vpn(page);
    const level = pageTables.findDirectory(from.mm, at, PMD_LEVEL) >= 0 ? PMD_LEVEL : PUD_LEVEL;
    if (pageTables.findDirectory(from.mm, at, level) >= 0) pageTables.makeDirectory(to.mm, at, level);
  }
}

/** One mapping more. @returns the counter of the resident set that it belongs to */
function shareFrame(core: PageCore, frame: ReturnType<typeof entryFrame>): number {
  if (core.table.isAnonymous(frame)) core.rmap.shareAnon(frame);
  else core.rmap.addFile(frame);
  return rssCounter(core, frame);
}
