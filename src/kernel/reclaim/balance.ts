/** How the pressure of one round is spread over the lists (mm/vmscan.c: prepare_scan_control, get_scan_count). */
import {
  LRU_ACTIVE_ANON,
  LRU_ACTIVE_FILE,
  LRU_INACTIVE_ANON,
  LRU_INACTIVE_FILE,
  type LruLists,
} from '../frames/lru.ts';
import type { ScanControl } from './scan-control.ts';

/** Pages in a GiB, as a shift. */
const PAGES_PER_GIB_SHIFT = 18;

/** Whether there are too few inactive pages beside the active ones (inactive_is_low): 1:1 when small, 1:10 with 10 GiB. */
export function inactiveIsLow(lru: LruLists, inactive: number, active: number): boolean {
  const few = lru.sizes[inactive] as number;
  const many = lru.sizes[active] as number;
  const gib = (few + many) >>> PAGES_PER_GIB_SHIFT;
  const ratio = gib > 0 ? Math.floor(Math.sqrt(10 * gib)) : 1;
  return few * ratio < many;
}

/** What the balance is judged by. */
export interface BalanceFacts {
  readonly lru: LruLists;
  /** Refaults that activated since the last reclaim: the active list of files is too small. */
  readonly fileRefaulted: boolean;
  readonly free: number;
  /** Sum of the high watermarks. */
  readonly highWatermarks: number;
}

/** prepare_scan_control: which lists may be deactivated, and whether files alone should pay. */
export function prepareScan(sc: ScanControl, { lru, fileRefaulted, free, highWatermarks }: BalanceFacts): void {
  const size = (list: number) => lru.sizes[list] as number;
  sc.deactivateAnon = sc.forceDeactivate || inactiveIsLow(lru, LRU_INACTIVE_ANON, LRU_ACTIVE_ANON);
  sc.deactivateFile = sc.forceDeactivate || fileRefaulted || inactiveIsLow(lru, LRU_INACTIVE_FILE, LRU_ACTIVE_FILE);
  sc.cacheTrimMode = size(LRU_INACTIVE_FILE) >>> sc.priority > 0 && !sc.deactivateFile;
  const file = size(LRU_INACTIVE_FILE) + size(LRU_ACTIVE_FILE);
  sc.fileIsTiny = file + free <= highWatermarks && !sc.deactivateAnon && size(LRU_INACTIVE_ANON) >>> sc.priority > 0;
}

/**
 * Pages to look at on each list in this round (get_scan_count). Without swap only files are asked.
 * @param into receives a number for each of the four evictable lists
 */
export function scanCounts(sc: ScanControl, lru: LruLists, into: Int32Array): void {
  into.fill(0);
  for (const list of [LRU_INACTIVE_FILE, LRU_ACTIVE_FILE]) into[list] = (lru.sizes[list] as number) >>> sc.priority;
}
