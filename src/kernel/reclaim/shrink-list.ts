import { type Pfn, pfn } from '../../hardware/units.ts';
import type { PageCore } from '../core.ts';
import {
  PG_ACTIVE,
  PG_CACHED,
  PG_DIRTY,
  PG_HEAD,
  PG_LOCKED,
  PG_MLOCKED,
  PG_RECLAIM,
  PG_SWAPBACKED,
  PG_SWAPCACHE,
  PG_UPTODATE,
  PG_WRITEBACK,
} from '../frames/frame-table.ts';
import { SWAP_DONE, SWAP_MAPPED, SWAP_SPLIT, SWAP_WRITING, swapOutFolio } from '../thp/swap-out.ts';
import { NR_VMSCAN_IMMEDIATE_RECLAIM, PGACTIVATE, PGLAZYFREED } from '../vmstat.ts';
import { ACTIVATE, checkReferences, KEEP, RECLAIM, RECLAIM_CLEAN } from './references.ts';
import type { ScanControl } from './scan-control.ts';
import { tryToUnmap } from './unmap.ts';
import { traceWriteFolio } from './vmscan-trace.ts';

/** What became of a folio that reclaim looked at. */
const FREED = 0;
const KEPT = 1;
const ACTIVATED = 2;
/** It was a large folio and is single pages now, each to be looked at for itself. */
const SPLIT = 3;

/** What the writing of files has to do with reclaim. */
export interface WritebackState {
  /** Everything that kswapd sees is under write-back (PGDAT_WRITEBACK). */
  readonly allUnderWriteback: boolean;
  /** The task that runs now waits until the disk has a folio (folio_wait_writeback). */
  waitFor(head: Pfn): void;
}

/** Pages of the folio whose first page this is. */
export const folioPages = (core: PageCore, head: Pfn): number => 1 << core.table.order(head);

/**
 * Decides on isolated folios one by one (shrink_folio_list) and frees what it can; those that stay have their flags set
 * for the list that they go back to.
 * @param heads first pages of the folios; on return the first `kept` are those that stay
 * @returns pages freed, and folios kept
 */
export function shrinkFolioList(
  core: PageCore,
  writeback: WritebackState,
  heads: Int32Array,
  count: number,
  sc: ScanControl,
): ShrinkResult {
  const result: ShrinkResult = { freed: 0, kept: 0 };
  for (let i = 0; i < count; i++) {
    const head = pfn(heads[i] as number);
    const pages = folioPages(core, head);
    sc.nrScanned += pages;
    const fate = decide(core, writeback, head, pages, sc);
    if (fate === SPLIT) {
      result.freed += shrinkSplit(core, head, pages, sc);
      continue;
    }
    if (fate === FREED) {
      result.freed += pages;
      continue;
    }
    if (fate === ACTIVATED) activate(core, head, pages, sc);
    heads[result.kept++] = head;
  }
  return result;
}

export interface ShrinkResult {
  /** Pages that are free now. */
  freed: number;
  /** Folios that stay. */
  kept: number;
}

/** The folio goes to the active list, and keeps no place in swap that others need (activate_locked). */
function activate(core: PageCore, head: Pfn, pages: number, sc: ScanControl): void {
  const { table, swap, vmstat } = core;
  const isLocked = table.has(head, PG_MLOCKED);
  if (
    table.has(head, PG_SWAPCACHE) &&
    (isLocked || swap.isFullFor(head)) &&
    swap.references(swap.entryOf(head)) === 0
  ) {
    swap.leaveCache(head);
    table.set(head, PG_DIRTY);
  }
  if (isLocked) return;
  for (let p = 0; p < pages; p++) table.set(pfn(head + p), PG_ACTIVE);
  vmstat.count(PGACTIVATE, pages);
  core.cgroups.count(table.memcg[head] as number, PGACTIVATE, pages);
  if (table.has(head, PG_SWAPBACKED)) sc.met.activatedAnon += pages;
  else sc.met.activatedFile += pages;
}

/** A page whose bytes are still being read is locked by its reader. */
const isLocked = (core: PageCore, head: Pfn): boolean =>
  core.table.has(head, PG_LOCKED) || (core.table.has(head, PG_CACHED) && !core.table.has(head, PG_UPTODATE));

/** The order of the questions is shrink_folio_list's (linux-formulas 6.1). */
function decide(core: PageCore, writeback: WritebackState, head: Pfn, pages: number, sc: ScanControl): number {
  const { table } = core;
  const { met } = sc;
  if (isLocked(core, head)) return KEPT;
  if (table.has(head, PG_MLOCKED)) return ACTIVATED;
  const isFile = !table.has(head, PG_SWAPBACKED);
  const isUnderWriteback = table.has(head, PG_WRITEBACK);
  const isDirty = isFile && isAnyDirty(core, head, pages);
  if (isDirty || isUnderWriteback) met.dirty += pages;
  if (isDirty && !isUnderWriteback) met.unqueuedDirty += pages;
  if (isUnderWriteback) {
    const wasMet = table.has(head, PG_RECLAIM);
    if (wasMet) met.congested += pages;
    if (sc.by === 'kswapd' && wasMet && writeback.allUnderWriteback) {
      met.immediate += pages;
      return ACTIVATED;
    }
    if (sc.target === undefined || core.cgroups.version === 2 || !wasMet) {
      table.set(head, PG_RECLAIM);
      met.writeback += pages;
      return ACTIVATED;
    }
    // A group of version 1 has no limit of dirty pages of its own: it is slowed down here.
    writeback.waitFor(head);
  }
  const references = sc.ignoreReferences ? RECLAIM : checkReferences(core, head, pages);
  if (references === ACTIVATE) return ACTIVATED;
  if (references === KEEP) {
    met.refKeep += pages;
    return KEPT;
  }
  if (!isFile && table.has(head, PG_HEAD) && table.isAnonymous(head)) return swapOutLarge(core, head, sc);
  if (!isFile) return swapOut(core, head, sc, references === RECLAIM_CLEAN);
  const isAnonymous = table.isAnonymous(head);
  for (let p = 0; p < pages; p++) {
    if (tryToUnmap(core, pfn(head + p))) continue;
    met.unmapFail += pages;
    return ACTIVATED;
  }
  if (isAnonymous) {
    core.vmstat.count(PGLAZYFREED, pages);
    core.cgroups.count(table.memcg[head] as number, PGLAZYFREED, pages);
    core.pages.releaseUnused(head);
    return FREED;
  }
  if (isAnyDirty(core, head, pages)) {
    // Reclaim does not write files: the flusher does, and the page goes when it comes round again.
    table.set(head, PG_RECLAIM);
    core.vmstat.count(NR_VMSCAN_IMMEDIATE_RECLAIM, pages);
    return ACTIVATED;
  }
  core.evictFromCache(head, sc.target?.id ?? 0);
  return FREED;
}

/**
 * A page of anonymous or shared memory goes to swap: it gets a place, its mappings (of shared memory, its file) remember
 * that place, and it is written if it differs from what lies there. Where the device answers later the page waits in the
 * swap cache and goes at the next look.
 */
function swapOut(core: PageCore, frame: Pfn, sc: ScanControl, cleanOnly: boolean): number {
  const { table, swap } = core;
  const isShmem = table.has(frame, PG_CACHED);
  if (!isShmem && !table.has(frame, PG_SWAPCACHE) && (!sc.maySwap || swap.allocate(frame) === 0)) return ACTIVATED;
  if (!tryToUnmap(core, frame)) {
    sc.met.unmapFail++;
    return ACTIVATED;
  }
  if (isShmem) {
    if (!table.has(frame, PG_DIRTY)) {
      // Nobody has written to it: without it there is a hole of zeros again.
      core.evictFromCache(frame, sc.target?.id ?? 0);
      return FREED;
    }
    if (cleanOnly) return KEPT;
    if (!core.moveToSwap(frame)) return ACTIVATED;
  }
  if (table.has(frame, PG_DIRTY)) {
    if (cleanOnly) return KEPT;
    sc.met.pageout++;
    traceWriteFolio(core.trace, frame);
    if (!swap.writeOut(frame)) {
      table.set(frame, PG_RECLAIM);
      return KEPT;
    }
  }
  swap.swappedOut(frame, sc.target?.id ?? 0);
  return FREED;
}

/** A large folio goes as a whole where swap has room for it in one piece (thp/swap-out.ts). */
function swapOutLarge(core: PageCore, head: Pfn, sc: ScanControl): number {
  const isPlaced = core.table.has(head, PG_SWAPCACHE);
  if (!isPlaced && (!sc.maySwap || core.swap.free === 0)) return ACTIVATED;
  const outcome = swapOutFolio(core, head, sc.target?.id ?? 0);
  if (outcome === SWAP_SPLIT) return SPLIT;
  if (outcome === SWAP_WRITING) sc.met.pageout += folioPages(core, head);
  if (outcome === SWAP_MAPPED) sc.met.unmapFail += folioPages(core, head);
  return outcome === SWAP_DONE ? FREED : outcome === SWAP_WRITING ? KEPT : ACTIVATED;
}

/** Swaps the pages of a folio that was split; those that stay go back to their lists. @returns pages freed */
function shrinkSplit(core: PageCore, head: Pfn, pages: number, sc: ScanControl): number {
  let freed = 0;
  for (let page: number = head; page < head + pages; page++) {
    // Splitting has freed those that nobody mapped.
    if (!core.table.isAnonymous(pfn(page))) continue;
    const fate = swapOut(core, pfn(page), sc, false);
    if (fate === FREED) freed++;
    else {
      if (fate === ACTIVATED) core.table.set(pfn(page), PG_ACTIVE);
      // One that is being written is next in line when it is looked at again.
      const isWritten = core.table.has(pfn(page), PG_RECLAIM);
      core.table.clear(pfn(page), PG_RECLAIM);
      if (isWritten) core.lru.putBackOldest(pfn(page));
      else core.lru.putBack(pfn(page));
    }
  }
  return freed;
}

function isAnyDirty(core: PageCore, head: Pfn, pages: number): boolean {
  for (let p = 0; p < pages; p++) if (core.table.has(pfn(head + p), PG_DIRTY)) return true;
  return false;
}
