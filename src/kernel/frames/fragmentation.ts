/** How broken up the free memory of a zone is (mm/vmstat.c), in thousandths. */
import { ORDERS, type Zone } from './zone.ts';

/** What fill_contig_page_info counts. */
function contiguity(zone: Zone, order: number): { blocks: number; suitable: number } {
  let blocks = 0;
  let suitable = 0;
  for (let size = 0; size < ORDERS; size++) {
    const free = zone.blocksOfOrder(size);
    blocks += free;
    if (size >= order) suitable += free << (size - order);
  }
  return { blocks, suitable };
}

/**
 * Why a request of 2^order would fail (__fragmentation_index): towards 0 for want of memory, towards 1000 because it is in
 * pieces; -1000 when it would not fail.
 */
export function fragmentationIndex(zone: Zone, order: number): number {
  const { blocks, suitable } = contiguity(zone, order);
  if (blocks === 0) return 0;
  if (suitable > 0) return -1000;
  const requested = 1 << order;
  return 1000 - Math.floor((1000 + Math.floor((zone.free * 1000) / requested)) / blocks);
}

/** The share of free memory that is of no use for a request of 2^order, as it lies in smaller pieces (unusable_free_index). */
export function unusableFreeIndex(zone: Zone, order: number): number {
  if (zone.free === 0) return 1000;
  const { suitable } = contiguity(zone, order);
  return Math.floor(((zone.free - (suitable << order)) * 1000) / zone.free);
}
