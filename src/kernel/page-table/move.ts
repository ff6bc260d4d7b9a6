import { type Vpn, vpn } from '../../hardware/units.ts';
import type { Vma } from '../address-space/vma.ts';
import type { PageCore } from '../core.ts';
import { moveLeaf, splitLeaf } from '../thp/huge-entries.ts';
import { isNone } from './soft-entry.ts';
import { PMD_LEVEL, PUD_LEVEL, PUD_PAGES } from './table-walk.ts';

const TABLE_PAGES = 512;

/**
 * Moves the entries of a range to another place (move_page_tables). Where both places begin at a 2 MiB border the kernel
 * moves whole tables; entry by entry comes to the same except that the old tables stay until their range is unmapped.
 * @returns pages moved; fewer than asked for when no memory was left for a table
 */
export function moveRange(core: PageCore, from: Vma, start: Vpn, to: Vma, newStart: Vpn, pages: number): number {
  const { pageTables } = core;
  let stopped = -1;
  makeUpperTables(core, from, start, to, newStart, pages);
  pageTables.forEachTable(
    from.mm,
    start,
    vpn(start + pages),
    (firstSlot, firstPage, count) => {
      if (stopped >= 0) return;
      let target = -1;
      for (let i = 0; i < count; i++) {
        const newPage = newStart + (firstPage - start) + i;
        // The new table is made even when nothing is in the old one.
        if (i === 0 || newPage % TABLE_PAGES === 0) target = pageTables.findOrCreate(to.mm, vpn(newPage));
        else target++;
        if (target < 0) {
          stopped = firstPage - start + i;
          return;
        }
        const lo = pageTables.lo(firstSlot + i);
        const hi = pageTables.hi(firstSlot + i);
        if (isNone(lo, hi)) continue;
        pageTables.set(target, lo, hi);
        pageTables.clear(firstSlot + i);
      }
      // A table that moved as a whole is not left behind empty (move_normal_pmd).
      const wholeTable = count === TABLE_PAGES && (newStart + (firstPage - start)) % TABLE_PAGES === 0;
      if (wholeTable) pageTables.freeLastLevel(from.mm, firstPage);
    },
    (slot, firstPage, pageCount) => {
      if (stopped >= 0) return;
      const isWhole = firstPage >= start && firstPage + pageCount <= start + pages;
      const newFirst = vpn(newStart + (firstPage - start));
      if (isWhole && newFirst % TABLE_PAGES === 0 && moveLeaf(core, slot, to, newFirst)) return;
      splitLeaf(core, from, slot, firstPage);
    },
  );
  core.tlb.flushRange(from.mm, start, vpn(start + pages));
  return stopped < 0 ? pages : stopped;
}

/** Where the source has a table for 1 GiB, the target gets one for 512 GiB, whatever else is there (alloc_new_pud). */
function makeUpperTables(core: PageCore, from: Vma, start: Vpn, to: Vma, newStart: Vpn, pages: number): void {
  const { pageTables } = core;
  for (let done = 0; done < pages; ) {
    if (pageTables.findDirectory(from.mm, vpn(start + done), PMD_LEVEL) >= 0)
      pageTables.makeDirectory(to.mm, vpn(newStart + done), PUD_LEVEL);
    const left = PUD_PAGES - Math.max((start + done) % PUD_PAGES, (newStart + done) % PUD_PAGES);
    done += left;
  }
}
