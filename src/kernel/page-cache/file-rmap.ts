/** What the cache does to the mappings of its pages, found through the reverse map (mm/rmap.c). */
import { PTE_DIRTY, PTE_WRITE } from '../../hardware/paging/entry.ts';
import { type Pfn, pfn, type Vpn } from '../../hardware/units.ts';
import type { Vma } from '../address-space/vma.ts';
import { pageAt } from '../address-space/vma.ts';
import type { PageCore } from '../core.ts';
import { dropPage, zapRange } from '../page-table/zap.ts';
import { splitLeaf } from '../thp/huge-entries.ts';
import type { Inode } from './inode.ts';

const behind = (page: Vpn): Vpn => (page + 1) as Vpn;

/**
 * Write-protects every mapping of a page that is about to be written back, so that the next store faults and makes the
 * page dirty anew (folio_mkclean).
 */
export function writeProtect(core: PageCore, frame: Pfn): void {
  if (core.table.mapcount[frame] === 0) return;
  core.rmap.forEachMapping(frame, (vma, page, slot) => {
    const lo = core.pageTables.lo(slot);
    if ((lo & (PTE_WRITE | PTE_DIRTY)) === 0) return;
    core.pageTables.set(slot, lo & ~(PTE_WRITE | PTE_DIRTY), core.pageTables.hi(slot));
    core.tlb.flushRange(vma.mm, page, behind(page));
  });
}

/** Takes a page of a file out of every mapping (try_to_unmap for file pages). */
export function unmapFrame(core: PageCore, frame: Pfn): void {
  if (core.table.mapcount[frame] === 0) return;
  const mappings: [vma: Vma, page: Vpn, slot: number][] = [];
  core.rmap.forEachMapping(frame, (vma, page, slot) => {
    mappings.push([vma, page, slot]);
  });
  for (const [vma, page, slot] of mappings) {
    if (core.pageTables.findLeaf(vma.mm, page) === slot) {
      splitLeaf(core, vma, slot, (page - (page % core.pageTables.leafPages)) as Vpn);
      continue;
    }
    const lo = core.pageTables.lo(slot);
    core.pageTables.clear(slot);
    core.tlb.flushRange(vma.mm, page, behind(page));
    dropPage(core, vma, frame, lo);
  }
}

/**
 * Drops the pages [first, end) of a file from all its mappings (unmap_mapping_range).
 * @param evenCows private copies go too: they do when the file is cut shorter, not when a hole is punched
 */
export function unmapRange(core: PageCore, inode: Inode, first: number, end: number, evenCows: boolean): void {
  const keepCopies = evenCows ? undefined : (frame: number): boolean => core.table.isAnonymous(pfn(frame));
  for (const vma of inode.mappings) {
    const from = Math.max(vma.pgoff, first);
    const to = Math.min(vma.pgoff + vma.pages, end);
    if (from < to) zapRange(core, vma, pageAt(vma, from), pageAt(vma, to), false, keepCopies);
  }
}
