/** Large anonymous folios on their way to swap (shrink_folio_list and swap_writeout for large folios). */
import { type Pfn, pfn } from '../../hardware/units.ts';
import type { PageCore } from '../core.ts';
import { PG_DIRTY, PG_PARTIALLY_MAPPED, PG_RECLAIM, PG_SWAPCACHE } from '../frames/frame-table.ts';
import { tryToUnmap } from '../reclaim/unmap.ts';
import { THP_SWPOUT, THP_SWPOUT_FALLBACK } from '../vmstat.ts';
import { PMD_ORDER } from './settings.ts';
import { SWPOUT, SWPOUT_FALLBACK } from './size-stats.ts';

/** The folio was split: its pages go one by one. */
export const SWAP_SPLIT = 0;
/** It is in swap, and its frames are free. */
export const SWAP_DONE = 1;
/** It is being written; it goes when it is looked at again. */
export const SWAP_WRITING = 2;
/** A mapping does not let it go. */
export const SWAP_MAPPED = 3;

/**
 * Swaps a large anonymous folio as a whole, to neighbouring places of a block device; where it is only partly mapped, or
 * there is no such run of places, it is split instead.
 * @param target the cgroup whose limit it goes for, 0 for the machine
 * @returns SWAP_*
 */
export function swapOutFolio(core: PageCore, head: Pfn, target: number): number {
  const { table, swap, vmstat, thp, cgroups } = core;
  const order = table.order(head);
  const end = head + (1 << order);
  if (!table.has(head, PG_SWAPCACHE)) {
    // What nobody maps of it is free at once when it is split.
    const isPartial = table.has(head, PG_PARTIALLY_MAPPED);
    if (isPartial || !swap.allocateFolio(head, order)) {
      core.splitFolio(head);
      if (!isPartial && order === PMD_ORDER) {
        vmstat.count(THP_SWPOUT_FALLBACK);
        cgroups.count(table.memcg[head] as number, THP_SWPOUT_FALLBACK);
      }
      if (!isPartial) thp.sizeStats.count(order, SWPOUT_FALLBACK);
      return SWAP_SPLIT;
    }
  }
  for (let page: number = head; page < end; page++) if (!tryToUnmap(core, pfn(page))) return SWAP_MAPPED;
  if (table.has(head, PG_DIRTY) && !writeFolio(core, head, order)) return SWAP_WRITING;
  for (let page: number = head; page < end; page++) swap.swappedOut(pfn(page), target);
  return SWAP_DONE;
}

/** @returns whether the write is done already */
function writeFolio(core: PageCore, head: Pfn, order: number): boolean {
  const { table, swap, vmstat, thp, cgroups } = core;
  const end = head + (1 << order);
  let isZero = core.contents === 'bytes';
  for (let page: number = head; page < end && isZero; page++) isZero = swap.isZero(pfn(page));
  let isDone = true;
  for (let page: number = head; page < end; page++) isDone = swap.writeOut(pfn(page), isZero) && isDone;
  if (!isZero) {
    if (order === PMD_ORDER) {
      vmstat.count(THP_SWPOUT);
      cgroups.count(table.memcg[head] as number, THP_SWPOUT);
    }
    thp.sizeStats.count(order, SWPOUT);
  }
  if (!isDone) for (let page: number = head; page < end; page++) table.set(pfn(page), PG_RECLAIM);
  return isDone;
}
