/** How the pressure of one round is spread over the lists (mm/vmscan.c: prepare_scan_control, get_scan_count). */
import { LRU_ACTIVE_ANON, LRU_ACTIVE_FILE, LRU_INACTIVE_ANON, LRU_INACTIVE_FILE } from '../frames/lru.ts';
import type { ScanControl } from './scan-control.ts';

/** Pages in a GiB, as a shift. */
const PAGES_PER_GIB_SHIFT = 18;

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
  /** Frames on the lists of the groups that pay. */
  readonly sizes: Int32Array;
  /** The whole machine is short of memory, not a group. */
  readonly global: boolean;
  /** Refaults that activated since the last reclaim: the active list of files is too small. */
  readonly fileRefaulted: boolean;
  readonly free: number;
  /** Sum of the high watermarks. */
  readonly highWatermarks: number;
}

/** prepare_scan_control: which lists may be deactivated, and whether files alone should pay. */
export function prepareScan(sc: ScanControl, facts: BalanceFacts): void {
  const { sizes, global, fileRefaulted, free, highWatermarks } = facts;
  const size = (list: number) => sizes[list] as number;
  sc.deactivateAnon = sc.forceDeactivate || inactiveIsLow(sizes, LRU_INACTIVE_ANON, LRU_ACTIVE_ANON);
  sc.deactivateFile = sc.forceDeactivate || fileRefaulted || inactiveIsLow(sizes, LRU_INACTIVE_FILE, LRU_ACTIVE_FILE);
  sc.cacheTrimMode = size(LRU_INACTIVE_FILE) >>> sc.priority > 0 && !sc.deactivateFile;
  const file = size(LRU_INACTIVE_FILE) + size(LRU_ACTIVE_FILE);
  sc.fileIsTiny =
    global && file + free <= highWatermarks && !sc.deactivateAnon && size(LRU_INACTIVE_ANON) >>> sc.priority > 0;
}

/** What keeping pages of each kind has cost of late: pages that came back at once, and reads and writes for them. */
export interface Costs {
  anon: number;
  file: number;
}

/** lru_note_cost: pages that were kept active count against their kind; old costs fade. */
export function noteCost(costs: Costs, sizes: Int32Array, isFile: boolean, pages: number): void {
  if (isFile) costs.file += pages;
  else costs.anon += pages;
  const size = EVICTABLE.reduce((sum: number, list) => sum + (sizes[list] as number), 0);
  if (costs.file + costs.anon <= size / 4) return;
  costs.file = Math.floor(costs.file / 2);
  costs.anon = Math.floor(costs.anon / 2);
}

/**
 * Pages to look at on each list in this round (get_scan_count). Without room in swap only files are asked, with cheap
 * files too; else both kinds by swappiness and by what they cost.
 * @param into receives a number for each of the four evictable lists
 */
export function scanCounts(sc: ScanControl, facts: ScanFacts, into: Int32Array): void {
  const { sizes, costs, swappiness, freeSwap, isCgroup } = facts;
  const total = costs.anon + costs.file;
  const pressure = 2 * total + total + 1;
  let anonShare = Math.floor((swappiness * pressure) / (total + costs.anon + 1));
  let fileShare = Math.floor(((200 - swappiness) * pressure) / (total + costs.file + 1));
  let divisor = anonShare + fileShare;
  // A group that may not swap says so with swappiness 0; for the whole machine 0 is only the least share.
  const filesOnly = !sc.maySwap || freeSwap === 0 || (isCgroup && swappiness === 0);
  if (filesOnly) [anonShare, fileShare, divisor] = [0, 1, 1];
  else if (sc.priority === 0 && swappiness !== 0) [anonShare, fileShare, divisor] = [1, 1, 1];
  else if (sc.fileIsTiny) [anonShare, fileShare, divisor] = [1, 0, 1];
  else if (sc.cacheTrimMode) [anonShare, fileShare, divisor] = [0, 1, 1];
  for (const list of EVICTABLE) {
    const share = list === LRU_INACTIVE_FILE || list === LRU_ACTIVE_FILE ? fileShare : anonShare;
    into[list] = Math.floor((((sizes[list] as number) >>> sc.priority) * share) / divisor);
  }
}

/** What the shares of one group's lists depend on. */
export interface ScanFacts {
  readonly sizes: Int32Array;
  readonly costs: Costs;
  readonly swappiness: number;
  /** Places in swap that the group could still use. */
  readonly freeSwap: number;
  /** A group is at its limit, not the machine. */
  readonly isCgroup: boolean;
}

const EVICTABLE = [LRU_INACTIVE_ANON, LRU_ACTIVE_ANON, LRU_INACTIVE_FILE, LRU_ACTIVE_FILE] as const;
