/** How the pressure of one round is spread over the lists (mm/vmscan.c: prepare_scan_control, get_scan_count). */
import { LRU_ACTIVE_ANON, LRU_ACTIVE_FILE, LRU_INACTIVE_ANON, LRU_INACTIVE_FILE } from '../frames/lru.ts';
import { type ScanControl, SWAP_CLUSTER_MAX } from './scan-control.ts';

/** Pages in a GiB, as a shift. */
const PAGES_PER_GIB_SHIFT = 18;
const MAX_SWAPPINESS = 200;
/** Only anonymous pages (SWAPPINESS_ANON_ONLY): memory.reclaim with swappiness=max. */
export const SWAPPINESS_ANON_ONLY = 201;

/** The lists that reclaim looks at, in its order (for_each_evictable_lru). */
export const EVICTABLE = [LRU_INACTIVE_ANON, LRU_ACTIVE_ANON, LRU_INACTIVE_FILE, LRU_ACTIVE_FILE] as const;

export const isFileList = (list: number): boolean => list === LRU_INACTIVE_FILE || list === LRU_ACTIVE_FILE;
export const isActiveList = (list: number): boolean => list === LRU_ACTIVE_ANON || list === LRU_ACTIVE_FILE;

/** Whether there are too few inactive pages beside the active ones (inactive_is_low): 1:1 when small, 1:10 with 10 GiB. */
export function inactiveIsLow(sizes: Int32Array, inactive: number, active: number): boolean {
  const few = sizes[inactive] as number;
  const many = sizes[active] as number;
  const gib = (few + many) >>> PAGES_PER_GIB_SHIFT;
  const ratio = gib > 0 ? Math.floor(Math.sqrt(10 * gib)) : 1;
  return few * ratio < many;
}

/** What the balance is judged by. */
export interface BalanceFacts {
  /** Pages on the lists of the groups that pay, as far as the statistics know. */
  readonly sizes: Int32Array;
  /** The whole machine is short of memory, not a group. */
  readonly global: boolean;
  /** Refaults that activated since the last reclaim: the active list is too small for what is used. */
  readonly anonRefaulted: boolean;
  readonly fileRefaulted: boolean;
  readonly anonCost: number;
  readonly fileCost: number;
  readonly free: number;
  /** Sum of the high watermarks. */
  readonly highWatermarks: number;
}

/** prepare_scan_control: which lists may be deactivated, and whether files alone should pay. */
export function prepareScan(sc: ScanControl, facts: BalanceFacts): void {
  const { sizes, global, free, highWatermarks } = facts;
  const size = (list: number) => sizes[list] as number;
  const force = sc.forceDeactivate;
  sc.anonCost = facts.anonCost;
  sc.fileCost = facts.fileCost;
  sc.deactivateAnon = force || facts.anonRefaulted || inactiveIsLow(sizes, LRU_INACTIVE_ANON, LRU_ACTIVE_ANON);
  sc.deactivateFile = force || facts.fileRefaulted || inactiveIsLow(sizes, LRU_INACTIVE_FILE, LRU_ACTIVE_FILE);
  sc.cacheTrimMode = size(LRU_INACTIVE_FILE) >>> sc.priority > 0 && !sc.deactivateFile && !sc.noCacheTrim;
  const file = size(LRU_INACTIVE_FILE) + size(LRU_ACTIVE_FILE);
  sc.fileIsTiny =
    global && file + free <= highWatermarks && !sc.deactivateAnon && size(LRU_INACTIVE_ANON) >>> sc.priority > 0;
}

/** What the shares of one group's lists depend on. */
export interface ScanFacts {
  /** Pages on the group's own lists, now. */
  readonly sizes: Int32Array;
  readonly swappiness: number;
  /** Places in swap that the group could still use. */
  readonly freeSwap: number;
  /** A group is at its limit, not the machine. */
  readonly isCgroup: boolean;
  /** The group was removed: its last pages must go. */
  readonly isDying: boolean;
}

/**
 * Pages to look at on each list in this round (get_scan_count). Without room in swap only files are asked, with cheap
 * files too; else both kinds by swappiness and by what they cost.
 * @param into receives a number for each of the four evictable lists
 */
export function scanCounts(sc: ScanControl, facts: ScanFacts, into: Int32Array): void {
  const { sizes, swappiness, freeSwap, isCgroup, isDying } = facts;
  const sum = sc.anonCost + sc.fileCost;
  const pressure = 3 * sum + 1;
  let anonShare = Math.floor((swappiness * pressure) / (sum + sc.anonCost + 1));
  let fileShare = Math.floor(((MAX_SWAPPINESS - swappiness) * pressure) / (sum + sc.fileCost + 1));
  let divisor = anonShare + fileShare;
  // A group that may not swap says so with swappiness 0; for the whole machine 0 is only the least share.
  const filesOnly = !sc.maySwap || freeSwap === 0 || (isCgroup && swappiness === 0);
  if (swappiness > MAX_SWAPPINESS) [anonShare, fileShare, divisor] = [1, 0, 1];
  else if (filesOnly) [anonShare, fileShare, divisor] = [0, 1, 1];
  else if (sc.priority === 0 && swappiness !== 0) [anonShare, fileShare, divisor] = [1, 1, 1];
  else if (sc.fileIsTiny) [anonShare, fileShare, divisor] = [1, 0, 1];
  else if (sc.cacheTrimMode) [anonShare, fileShare, divisor] = [0, 1, 1];
  for (const list of EVICTABLE) {
    const share = isFileList(list) ? fileShare : anonShare;
    const size = sizes[list] as number;
    const scan = size >>> sc.priority;
    into[list] = isDying
      ? Math.ceil(((scan || Math.min(size, SWAP_CLUSTER_MAX)) * share) / divisor)
      : Math.floor((scan * share) / divisor);
  }
}
