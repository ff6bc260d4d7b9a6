import type { PageCore } from '../core.ts';
import { LRU_ACTIVE_ANON, LRU_INACTIVE_ANON } from '../frames/lru.ts';

/** Pages that reclaim could get, however hard that is (zone_reclaimable_pages of all zones). */
export function reclaimablePages({ lru, swap }: PageCore): number {
  if (swap.free === 0) return lru.filePages;
  return lru.filePages + (lru.sizes[LRU_INACTIVE_ANON] as number) + (lru.sizes[LRU_ACTIVE_ANON] as number);
}
