import type { Pfn } from '../../hardware/units.ts';
import type { MemCgroup } from '../cgroup/mem-cgroup.ts';
import type { PageCore } from '../core.ts';
import { LRU_LISTS } from '../frames/lru.ts';
import { watermarkOk } from '../frames/watermarks.ts';
import type { Zone } from '../frames/zone.ts';
import { ALLOCSTALL_NORMAL, PAGEOUTRUN, WORKINGSET_ACTIVATE_FILE } from '../vmstat.ts';
import { type Costs, prepareScan } from './balance.ts';
import { type ScanControl, SWAP_CLUSTER_MAX, scanControl } from './scan-control.ts';
import { ListShrinker } from './shrink-lists.ts';

/** kswapd gives up after this many runs without a page (MAX_RECLAIM_RETRIES), until somebody else reclaims one. */
const MAX_RECLAIM_RETRIES = 16;

/** What reclaim asks of others. */
export interface ReclaimNeeds {
  /** Starts writing dirty pages of files, so that they can be dropped later (wakeup_flusher_threads). */
  wakeFlusher(): void;
}

/**
 * Getting memory back (mm/vmscan.c). kswapd works when a zone falls below its low mark, until one stands above its high
 * mark again; who finds no page above the minimum reclaims for itself.
 */
export class Reclaim {
  readonly #core: PageCore;
  readonly #needs: ReclaimNeeds;
  readonly #lists: ListShrinker;
  #activationsSeen = 0;
  #kswapdFailures = 0;

  constructor(core: PageCore, needs: ReclaimNeeds) {
    this.#core = core;
    this.#needs = needs;
    this.#lists = new ListShrinker(core);
  }

  /** kswapd is hopeless: it found nothing 16 times. */
  get kswapdGaveUp(): boolean {
    return this.#kswapdFailures >= MAX_RECLAIM_RETRIES;
  }

  /**
   * Lets kswapd run (wakeup_kswapd, balance_pgdat). It works beside the program, on a CPU that is idle, so that it is
   * done at once and costs the program no time.
   */
  kswapd(): void {
    if (this.kswapdGaveUp || this.#isBalanced()) return;
    this.#core.lru.drain();
    this.#core.vmstat.count(PAGEOUTRUN);
    const wanted = this.#zones().reduce((sum, zone) => sum + Math.max(zone.high, SWAP_CLUSTER_MAX), 0);
    let reclaimed = 0;
    for (let priority = 12; priority >= 1 && !this.#isBalanced(); ) {
      const sc = scanControl('kswapd', wanted);
      sc.priority = priority;
      this.#round(sc);
      reclaimed += sc.nrReclaimed;
      // As long as a round brings what it looked for, the pressure need not grow.
      if (sc.nrReclaimed === 0 || sc.nrScanned < wanted) priority--;
    }
    if (reclaimed === 0) this.#kswapdFailures++;
  }

  /**
   * Direct reclaim (try_to_free_pages): 32 pages, with growing pressure.
   * @returns pages that were freed
   */
  direct(): number {
    const { vmstat, lru } = this.#core;
    vmstat.count(ALLOCSTALL_NORMAL);
    lru.drain();
    const freed = this.#tryToFree(scanControl('direct', SWAP_CLUSTER_MAX));
    if (freed > 0) this.#kswapdFailures = 0;
    return freed;
  }

  /**
   * Frees pages of a group at its limit and of those below it (try_to_free_mem_cgroup_pages).
   * @param maySwap false when the limit is one of memory and swap together: swapping would win nothing
   * @returns pages that were freed
   */
  cgroup(target: MemCgroup, pages: number, maySwap: boolean): number {
    this.#core.lru.drain();
    const sc = scanControl('direct', Math.max(pages, SWAP_CLUSTER_MAX), false, target);
    sc.maySwap = maySwap;
    return this.#tryToFree(sc);
  }

  /** do_try_to_free_pages: rounds of growing pressure until enough is free. */
  #tryToFree(sc: ScanControl): number {
    for (;;) {
      for (sc.priority = 12; sc.priority >= 0 && sc.nrReclaimed < sc.nrToReclaim; sc.priority--) this.#round(sc);
      if (sc.nrReclaimed > 0 || !sc.skippedDeactivate || sc.forceDeactivate) return sc.nrReclaimed;
      sc.forceDeactivate = true;
    }
  }

  /** Frees single pages that somebody names, used of late or not (reclaim_pages). @returns pages freed */
  pages(frames: readonly Pfn[]): number {
    return this.#lists.reclaimPages(frames);
  }

  /** shrink_node. */
  #round(sc: ScanControl): void {
    const { lru, allocator, vmstat } = this.#core;
    const activations = vmstat.value(WORKINGSET_ACTIVATE_FILE);
    const { cgroups } = this.#core;
    const groups = [...(sc.target ?? cgroups.root).subtree()];
    prepareScan(sc, {
      sizes: sc.target === undefined ? lru.sizes : sumOfSizes(groups.map((group) => lru.lruvec(group.id).sizes)),
      global: sc.target === undefined,
      fileRefaulted: activations !== this.#activationsSeen,
      free: allocator.free,
      highWatermarks: this.#zones().reduce((sum, zone) => sum + zone.high, 0),
    });
    this.#activationsSeen = activations;
    sc.nrUnqueuedDirty = 0;
    for (const group of groups) {
      this.#lists.shrink(sc, group);
      if (sc.by === 'direct' && sc.nrReclaimed >= sc.nrToReclaim) break;
    }
    if (sc.nrUnqueuedDirty > 0) this.#needs.wakeFlusher();
  }

  /** pgdat_balanced: some zone stands above its high mark. */
  #isBalanced(): boolean {
    const zones = this.#zones();
    return zones.some((zone) => watermarkOk(zone, 0, zone.high, zones.length - 1));
  }

  /** Whether a program may be given memory without reclaiming for it. */
  get isAboveMin(): boolean {
    const zones = this.#zones();
    return zones.some((zone) => watermarkOk(zone, 0, zone.min, zones.length - 1));
  }

  #zones(): readonly Zone[] {
    return this.#core.allocator.zones;
  }

  save(): ReclaimState {
    return {
      activationsSeen: this.#activationsSeen,
      kswapdFailures: this.#kswapdFailures,
      costs: this.#lists.saveCosts(),
    };
  }

  restore(state: ReclaimState): void {
    this.#activationsSeen = state.activationsSeen;
    this.#kswapdFailures = state.kswapdFailures;
    this.#lists.restoreCosts(state.costs);
  }
}

function sumOfSizes(all: readonly Int32Array[]): Int32Array {
  const sum = new Int32Array(LRU_LISTS);
  for (const sizes of all) for (let list = 0; list < LRU_LISTS; list++) (sum[list] as number) += sizes[list] as number;
  return sum;
}

export interface ReclaimState {
  readonly activationsSeen: number;
  readonly kswapdFailures: number;
  /** Costs by cgroup. */
  readonly costs: readonly (Costs | undefined)[];
}
