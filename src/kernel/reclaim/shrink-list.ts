import { type Pfn, pfn } from '../../hardware/units.ts';
import type { PageCore } from '../core.ts';
import {
  PG_ACTIVE,
  PG_CACHED,
  PG_DIRTY,
  PG_LOCKED,
  PG_MLOCKED,
  PG_RECLAIM,
  PG_SWAPBACKED,
  PG_SWAPCACHE,
  PG_WRITEBACK,
} from '../frames/frame-table.ts';
import { NR_VMSCAN_IMMEDIATE_RECLAIM, PGACTIVATE, PGLAZYFREED } from '../vmstat.ts';
import { ACTIVATE, checkReferences, KEEP, RECLAIM, RECLAIM_CLEAN } from './references.ts';
import type { ScanControl } from './scan-control.ts';
import { tryToUnmap } from './unmap.ts';

/** What became of a folio that reclaim looked at. */
const FREED = 0;
const KEPT = 1;
const ACTIVATED = 2;

/** Pages of the folio whose first page this is. */
export const folioPages = (core: PageCore, head: Pfn): number => 1 << core.table.order(head);

/**
 * Decides on isolated folios one by one (shrink_folio_list) and frees what it can; those that stay have their flags set
 * for the list that they go back to.
 * @param heads first pages of the folios; on return the first `kept` are those that stay
 * @returns pages freed
 */
export function shrinkFolioList(core: PageCore, heads: Int32Array, count: number, sc: ScanControl): ShrinkResult {
  const result: ShrinkResult = { freed: 0, kept: 0, activated: 0 };
  for (let i = 0; i < count; i++) {
    const head = pfn(heads[i] as number);
    const pages = folioPages(core, head);
    sc.nrScanned += pages;
    const fate = decide(core, head, pages, sc);
    if (fate === FREED) {
      result.freed += pages;
      continue;
    }
    if (fate === ACTIVATED) {
      for (let p = 0; p < pages; p++) core.table.set(pfn(head + p), PG_ACTIVE);
      core.vmstat.count(PGACTIVATE, pages);
      result.activated += pages;
    }
    heads[result.kept++] = head;
  }
  return result;
}

export interface ShrinkResult {
  /** Pages that are free now. */
  freed: number;
  /** Folios that stay. */
  kept: number;
  /** Pages among those that stay which became active. */
  activated: number;
}

/** The order of the questions is shrink_folio_list's (linux-formulas 6.1). */
function decide(core: PageCore, head: Pfn, pages: number, sc: ScanControl): number {
  const { table } = core;
  if (table.has(head, PG_MLOCKED | PG_LOCKED)) return KEPT;
  if (table.has(head, PG_WRITEBACK)) {
    table.set(head, PG_RECLAIM);
    return ACTIVATED;
  }
  const references = sc.ignoreReferences ? RECLAIM : checkReferences(core, head, pages);
  if (references === ACTIVATE) return ACTIVATED;
  if (references === KEEP) return KEPT;
  if (table.has(head, PG_SWAPBACKED)) return swapOut(core, head, sc);
  const isAnonymous = table.isAnonymous(head);
  for (let p = 0; p < pages; p++) if (!tryToUnmap(core, pfn(head + p))) return ACTIVATED;
  if (isAnonymous) {
    core.pages.releaseUnused(head);
    core.vmstat.count(PGLAZYFREED);
    return FREED;
  }
  if (isAnyDirty(core, head, pages)) {
    // Reclaim does not write files: the flusher does, and the page goes when it comes round again.
    sc.nrUnqueuedDirty += pages;
    for (let p = 0; p < pages; p++) table.set(pfn(head + p), PG_RECLAIM);
    core.vmstat.count(NR_VMSCAN_IMMEDIATE_RECLAIM, pages);
    return references === RECLAIM_CLEAN ? KEPT : ACTIVATED;
  }
  core.evictFromCache(head);
  return FREED;
}

/**
 * A page of anonymous or shared memory goes to swap: it gets a place, its mappings (of shared memory, its file) remember that place, and it is written if it differs from
 * what lies there. Where the device answers later the page waits in the swap cache and goes at the next look.
 */
function swapOut(core: PageCore, frame: Pfn, sc: ScanControl): number {
  const { table, swap } = core;
  const isShmem = table.has(frame, PG_CACHED);
  if (!isShmem && !table.has(frame, PG_SWAPCACHE) && (!sc.maySwap || swap.allocate(frame) === 0)) return ACTIVATED;
  if (!tryToUnmap(core, frame)) return ACTIVATED;
  if (isShmem) {
    if (!table.has(frame, PG_DIRTY)) {
      // Nobody has written to it: without it there is a hole of zeros again.
      core.evictFromCache(frame);
      return FREED;
    }
    if (!core.moveToSwap(frame)) return ACTIVATED;
  }
  if (table.has(frame, PG_DIRTY) && !swap.writeOut(frame)) {
    table.set(frame, PG_RECLAIM);
    return KEPT;
  }
  swap.swappedOut(frame, sc.target?.id ?? 0);
  return FREED;
}

function isAnyDirty(core: PageCore, head: Pfn, pages: number): boolean {
  for (let p = 0; p < pages; p++) if (core.table.has(pfn(head + p), PG_DIRTY)) return true;
  return false;
}
