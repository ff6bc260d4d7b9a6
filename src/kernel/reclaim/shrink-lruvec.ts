import type { MemCgroup } from '../cgroup/mem-cgroup.ts';
import { hasProtection, unprotected } from '../cgroup/protection.ts';
import type { PageCore } from '../core.ts';
import { LRU_ACTIVE_ANON, LRU_ACTIVE_FILE, LRU_INACTIVE_ANON, LRU_INACTIVE_FILE, type Lruvec } from '../frames/lru.ts';
import type { Eviction } from '../mglru/eviction.ts';
import { MIN_LRU_BATCH } from '../mglru/tiers.ts';
import { EVICTABLE, inactiveIsLow, isActiveList, isFileList, scanCounts } from './balance.ts';
import type { GroupStats } from './group-stats.ts';
import { DEF_PRIORITY, type ScanControl, SWAP_CLUSTER_MAX } from './scan-control.ts';
import type { ListShrinker } from './shrink-lists.ts';

/** One round over the lists of one group (shrink_lruvec): which list how far, and when it is enough. */
export class LruvecShrinker {
  readonly #core: PageCore;
  readonly #stats: GroupStats;
  readonly #lists: ListShrinker;
  readonly #eviction: Eviction;
  readonly #above = new Int32Array(EVICTABLE.length);

  constructor(core: PageCore, stats: GroupStats, lists: ListShrinker, eviction: Eviction) {
    this.#eviction = eviction;
    this.#core = core;
    this.#stats = stats;
    this.#lists = lists;
  }

  /** Looks at each list in turns of 32 pages until the round's share is done or enough is free. */
  shrink(sc: ScanControl, group: MemCgroup): void {
    const { lru, swap, cgroups } = this.#core;
    if (lru.generations !== undefined) {
      const maySwap = sc.maySwap && cgroups.freeSwap(group, swap.free) >= MIN_LRU_BATCH;
      this.#eviction.shrink(sc, lru.generations, group, maySwap ? this.#swappiness(sc, group) : 0);
      return;
    }
    const lruvec = lru.lruvec(group.id);
    const isCgroup = sc.target !== undefined;
    const facts = {
      sizes: this.#unprotected(sc, group, lruvec.sizes),
      swappiness: this.#swappiness(sc, group),
      freeSwap: cgroups.freeSwap(group, swap.free),
      isCgroup,
      isDying: group.dying,
    };
    // Each round has its own: who reclaims may sleep in the middle of it, and kswapd work meanwhile.
    const left = new Int32Array(EVICTABLE.length);
    scanCounts(sc, facts, left);
    const targets = left.slice();
    // Direct reclaim at the lightest pressure keeps the proportion between the lists, even beyond what it needs.
    const proportional = !isCgroup && sc.by !== 'kswapd' && sc.priority === DEF_PRIORITY;
    let reclaimed = 0;
    while (left[LRU_INACTIVE_ANON] !== 0 || left[LRU_ACTIVE_FILE] !== 0 || left[LRU_INACTIVE_FILE] !== 0) {
      for (const list of EVICTABLE) {
        const chunk = Math.min(left[list] as number, SWAP_CLUSTER_MAX);
        if (chunk === 0) continue;
        (left[list] as number) -= chunk;
        reclaimed += this.#shrinkList(lruvec, list, chunk, sc);
      }
      if (reclaimed < sc.nrToReclaim || proportional) continue;
      if (!keepProportion(left, targets)) break;
    }
    sc.nrReclaimed += reclaimed;
    if (swap.total > 0 && inactiveIsLow(this.#stats.of(group).sizes, LRU_INACTIVE_ANON, LRU_ACTIVE_ANON))
      this.#lists.shrinkActive(lruvec, LRU_ACTIVE_ANON, SWAP_CLUSTER_MAX, sc);
  }

  /** mem_cgroup_swappiness: in version 2 all groups have the machine's; who reclaims on demand may bring his own. */
  #swappiness(sc: ScanControl, group: MemCgroup): number {
    const { params, cgroups } = this.#core;
    const isOwn = cgroups.version === 1 && group.parent !== undefined;
    return sc.swappiness ?? (isOwn ? group.swappiness : params.swappiness);
  }

  /** The sizes of a group's lists without what memory.min and memory.low protect of them. */
  #unprotected(sc: ScanControl, group: MemCgroup, sizes: Int32Array): Int32Array {
    const root = sc.target ?? this.#core.cgroups.root;
    if (!hasProtection(root, group)) return sizes;
    for (const list of EVICTABLE) this.#above[list] = unprotected(group, sizes[list] as number, sc);
    return this.#above;
  }

  #shrinkList(lruvec: Lruvec, list: number, pages: number, sc: ScanControl): number {
    if (!isActiveList(list)) return this.#lists.shrinkInactive(lruvec, list, pages, sc);
    if (isFileList(list) ? sc.deactivateFile : sc.deactivateAnon) this.#lists.shrinkActive(lruvec, list, pages, sc);
    else sc.skippedDeactivate = true;
    return 0;
  }
}

/**
 * Enough is free: the kind with less left to look at stops, and the other goes on only until it has done as large a part
 * of its share. @returns false when one of them has nothing left, and the round ends
 */
function keepProportion(left: Int32Array, targets: Int32Array): boolean {
  const file = (left[LRU_INACTIVE_FILE] as number) + (left[LRU_ACTIVE_FILE] as number);
  const anon = (left[LRU_INACTIVE_ANON] as number) + (left[LRU_ACTIVE_ANON] as number);
  if (file === 0 || anon === 0) return false;
  const smaller = file > anon ? LRU_INACTIVE_ANON : LRU_INACTIVE_FILE;
  const larger = file > anon ? LRU_INACTIVE_FILE : LRU_INACTIVE_ANON;
  const share = (targets[smaller] as number) + (targets[smaller + 1] as number) + 1;
  const percent = Math.floor((Math.min(file, anon) * 100) / share);
  left[smaller] = 0;
  left[smaller + 1] = 0;
  for (const list of [larger, larger + 1]) {
    const target = targets[list] as number;
    const scanned = target - (left[list] as number);
    left[list] = Math.max(0, Math.floor((target * (100 - percent)) / 100) - scanned);
  }
  return true;
}
