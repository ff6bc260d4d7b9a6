import type { MemCgroup } from '../cgroup/mem-cgroup.ts';
import { countMemoryEvent, MEMCG_LOW } from '../cgroup/memory-events.ts';
import { calculateProtection, isBelowLow, isBelowMin } from '../cgroup/protection.ts';
import type { PageCore } from '../core.ts';
import type { FrameAllocator } from '../frames/allocator.ts';
import { prepareScan } from './balance.ts';
import type { GroupStats } from './group-stats.ts';
import type { LruCosts } from './lru-costs.ts';
import { clearTally, type ScanControl } from './scan-control.ts';
import type { LruvecShrinker } from './shrink-lruvec.ts';
import type { Throttle } from './throttle.ts';

/** What one round over all groups needs. */
export interface NodeNeeds {
  readonly stats: GroupStats;
  readonly costs: LruCosts;
  readonly lruvecs: LruvecShrinker;
  readonly throttle: Throttle;
  /** Frees kernel objects in proportion to the pages that were looked at (shrink_slab). @returns pages freed */
  shrinkSlab(group: MemCgroup, priority: number): number;
}

/** Refaults that activated, as the last reclaim left them (lruvec->refaults). */
interface SeenRefaults {
  readonly anon: number;
  readonly file: number;
}

export const highWatermarks = (allocator: FrameAllocator): number =>
  allocator.zones.reduce((sum, zone) => sum + zone.high, 0);

/** One round of reclaim at one priority (shrink_node): the lists and the kernel objects of every group that pays. */
export class NodeShrinker {
  readonly #core: PageCore;
  readonly #needs: NodeNeeds;
  #seen: (SeenRefaults | undefined)[] = [];
  /** The group that partial walks below a group have reached, by that group (mem_cgroup_reclaim_iter). */
  #positions: (number | undefined)[] = [];

  constructor(core: PageCore, needs: NodeNeeds) {
    this.#core = core;
    this.#needs = needs;
  }

  /** @returns pages freed in this round */
  shrink(sc: ScanControl): number {
    const before = sc.nrReclaimed;
    clearTally(sc.met);
    this.#prepare(sc);
    this.#shrinkGroups(sc);
    this.#needs.throttle.afterRound(sc);
    return sc.nrReclaimed - before;
  }

  #prepare(sc: ScanControl): void {
    const { allocator, cgroups } = this.#core;
    const payer = sc.target ?? cgroups.root;
    const stats = this.#needs.stats.of(payer);
    const seen = this.#seen[payer.id];
    const costs = this.#needs.costs.of(payer.id);
    prepareScan(sc, {
      sizes: stats.sizes,
      global: sc.target === undefined,
      anonRefaulted: stats.activatedAnon !== (seen?.anon ?? 0),
      fileRefaulted: stats.activatedFile !== (seen?.file ?? 0),
      anonCost: costs.anon,
      fileCost: costs.file,
      free: allocator.free,
      highWatermarks: highWatermarks(allocator),
    });
  }

  /**
   * shrink_node_memcgs: kswapd, and who has failed before, visits all groups; others go on where the last one stopped, and
   * stop when they have what they want.
   */
  #shrinkGroups(sc: ScanControl): void {
    const root = sc.target ?? this.#core.cgroups.root;
    const groups = [...root.subtree()];
    const isPartial = sc.by !== 'kswapd' && !sc.memcgFullWalk;
    let at = 0;
    if (isPartial) {
      const reached = groups.findIndex(({ id }) => id === this.#positions[root.id]);
      at = (reached + 1) % groups.length;
    }
    for (; at < groups.length; at++) {
      const group = groups[at] as MemCgroup;
      if (this.#isProtected(sc, root, group)) continue;
      this.#needs.lruvecs.shrink(sc, group);
      const slab = this.#needs.shrinkSlab(group, sc.priority);
      // What a group's kernel objects give back is not known to be its own.
      if (sc.target === undefined) sc.nrReclaimed += slab;
      if (!isPartial || sc.nrReclaimed < sc.nrToReclaim) continue;
      this.#positions[root.id] = group.id;
      return;
    }
    if (isPartial) this.#positions[root.id] = undefined;
  }

  /** memory.min and memory.low: a group is left alone, or what it is to keep is about to go. */
  #isProtected(sc: ScanControl, root: MemCgroup, group: MemCgroup): boolean {
    calculateProtection(root, group);
    if (isBelowMin(root, group)) return true;
    if (!isBelowLow(root, group)) return false;
    if (!sc.memcgLowReclaim) {
      sc.memcgLowSkipped = true;
      return true;
    }
    countMemoryEvent(group, MEMCG_LOW, this.#core.cgroups.version);
    return false;
  }

  /** Refaults from now on are news to the next reclaim (snapshot_refaults). */
  snapshotRefaults(target: MemCgroup | undefined): void {
    const payer = target ?? this.#core.cgroups.root;
    const { activatedAnon, activatedFile } = this.#needs.stats.of(payer);
    this.#seen[payer.id] = { anon: activatedAnon, file: activatedFile };
  }

  save(): NodeState {
    return {
      seen: Array.from(this.#seen, (seen) => seen && { ...seen }),
      positions: Array.from(this.#positions, (position) => position),
    };
  }

  restore(state: NodeState): void {
    this.#seen = [...state.seen];
    this.#positions = [...state.positions];
  }
}

export interface NodeState {
  /** By group; undefined where nobody reclaimed yet. */
  readonly seen: readonly (SeenRefaults | undefined)[];
  readonly positions: readonly (number | undefined)[];
}
