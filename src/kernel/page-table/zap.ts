import { entryFrame, PTE_ACCESSED, PTE_DIRTY } from '../../hardware/paging/entry.ts';
import { type Pfn, type Vpn, vpn } from '../../hardware/units.ts';
import { MM_SWAPENTS, type Mm } from '../address-space/mm.ts';
import { hasRecency, type Vma } from '../address-space/vma.ts';
import type { PageCore } from '../core.ts';
import { PG_SWAPCACHE } from '../frames/frame-table.ts';
import { isHugeZero, leafHead, splitLeaf, zapLeaf } from '../thp/huge-entries.ts';
import { addRss, rssCounter } from './rss.ts';
import { entrySwap, isGuard, isMapped, isNone, isSwapEntry, PTE_SPECIAL } from './soft-entry.ts';

/**
 * Takes the pages of a range out of a mapping (zap_pte_range): what was written goes to the file's page, what was used is
 * marked so, and frames that nobody else has are freed. The tables stay.
 * @param dropMarkers also guard markers go: at munmap, not at MADV_DONTNEED
 * @param keep pages for which this is true stay, e.g. private copies when only the file's own pages are to go
 */
export function zapRange(
  core: PageCore,
  vma: Vma,
  start: Vpn,
  end: Vpn,
  dropMarkers: boolean,
  keep?: (frame: number) => boolean,
): void {
  const { mm } = vma;
  const dropped = new Int32Array(mm.rss.length);
  // What was cleared lies between these, so that a few pages of a large mapping need no full flush (mmu_gather).
  let first = -1;
  let last = -1;
  core.pageTables.forEachTable(
    mm,
    start,
    end,
    (firstSlot, firstPage, count) => {
      for (let i = 0; i < count; i++) {
        const slot = firstSlot + i;
        const lo = core.pageTables.lo(slot);
        const hi = core.pageTables.hi(slot);
        if (isNone(lo, hi)) continue;
        if (!isMapped(lo)) {
          if (isSwapEntry(lo, hi) && keep === undefined) dropSwapEntry(core, mm, slot, lo, hi);
          else if (isGuard(lo, hi) && dropMarkers) core.pageTables.clear(slot);
          continue;
        }
        const frame = entryFrame(lo, hi);
        const special = (lo & PTE_SPECIAL) !== 0;
        if (keep !== undefined && !special && keep(frame)) continue;
        core.pageTables.clear(slot);
        last = firstPage + i;
        if (first < 0) first = last;
        if (special) continue;
        (dropped[rssCounter(core, frame)] as number)++;
        leavePage(core, vma, frame, lo);
      }
      dropped.forEach((pages, counter) => {
        if (pages > 0) addRss(core, mm, counter, -pages);
      });
      dropped.fill(0);
    },
    (slot, firstPage, pages) => {
      if (firstPage < start || firstPage + pages > end) splitLeaf(core, vma, slot, firstPage);
      else if (keep === undefined || isHugeZero(core.pageTables.lo(slot)) || !keep(leafHead(core, slot)))
        zapLeaf(core, vma, slot, firstPage);
    },
  );
  if (first >= 0) core.tlb.flushRange(mm, vpn(first), vpn(last + 1));
}

/** A page that is in swap is wanted no more by this mapping. */
export function dropSwapEntry(core: PageCore, mm: Mm, slot: number, lo: number, hi: number): void {
  core.pageTables.clear(slot);
  addRss(core, mm, MM_SWAPENTS, -1);
  core.swap.releaseAndForget(entrySwap(lo, hi));
}

/** The books of one entry that was cleared (zap_present_folio_ptes). */
export function dropPage(core: PageCore, vma: Vma, frame: Pfn, lo: number): void {
  addRss(core, vma.mm, rssCounter(core, frame), -1);
  leavePage(core, vma, frame, lo);
}

/** The same but for the resident set, which a whole table's pages leave at once. */
function leavePage(core: PageCore, vma: Vma, frame: Pfn, lo: number): void {
  if (!core.table.isAnonymous(frame)) {
    if (lo & PTE_DIRTY) core.markDirty(frame);
    if (lo & PTE_ACCESSED && hasRecency(vma)) core.lru.markAccessed(frame);
  }
  core.rmap.remove(frame, vma);
  if (core.table.has(frame, PG_SWAPCACHE)) core.swap.forgetUnmapped(frame);
}
