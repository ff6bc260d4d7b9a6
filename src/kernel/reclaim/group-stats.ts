import type { MemCgroup } from '../cgroup/mem-cgroup.ts';
import { LRU_LISTS, type LruLists } from '../frames/lru.ts';
import type { Clock } from '../time/clock.ts';
import { type VmStat, WORKINGSET_ACTIVATE_ANON, WORKINGSET_ACTIVATE_FILE } from '../vmstat.ts';

/** FLUSH_TIME: the statistics of memory cgroups are added up this often, in ns. */
const FLUSH_NS = 2_000_000_000;

/** What reclaim knows of a group and all below it (struct lruvec_stats). */
export interface LruvecStats {
  /** Pages on each list. */
  readonly sizes: Int32Array;
  /** Refaults that made a page active at once (WORKINGSET_ACTIVATE_*). */
  readonly activatedAnon: number;
  readonly activatedFile: number;
}

/**
 * The statistics of groups as reclaim reads them (lruvec_page_state in mm/memcontrol.c). CPUs count for themselves, and a
 * worker adds that up every two seconds, or whoever reads memory.stat: in between reclaim balances its lists by old numbers,
 * and a group's first two seconds by zeros. The machine's own are exact.
 */
export class GroupStats {
  readonly #lru: LruLists;
  readonly #vmstat: VmStat;
  readonly #clock: Clock;
  readonly #groups: () => readonly MemCgroup[];
  /** Activations of each group alone, by group * 2 + kind, files 1. */
  #activated: number[] = [];
  #flushed: (LruvecStats | undefined)[] = [];
  /** Two-second period of the last flush. */
  #period = 0;

  constructor(lru: LruLists, vmstat: VmStat, clock: Clock, groups: () => readonly MemCgroup[]) {
    this.#lru = lru;
    this.#vmstat = vmstat;
    this.#clock = clock;
    this.#groups = groups;
  }

  /** A page of a group came back and was made active at once. */
  noteActivation(group: number, isFile: boolean, pages: number): void {
    const at = group * 2 + (isFile ? 1 : 0);
    this.#activated[at] = (this.#activated[at] ?? 0) + pages;
  }

  of(group: MemCgroup): LruvecStats {
    if (group.parent === undefined)
      return {
        sizes: this.#lru.sizes,
        activatedAnon: this.#vmstat.value(WORKINGSET_ACTIVATE_ANON),
        activatedFile: this.#vmstat.value(WORKINGSET_ACTIVATE_FILE),
      };
    if (Math.floor(this.#clock.now / FLUSH_NS) > this.#period) this.flush();
    return this.#flushed[group.id] ?? NOTHING;
  }

  /** Adds up what all CPUs have counted (mem_cgroup_flush_stats). */
  flush(): void {
    this.#period = Math.floor(this.#clock.now / FLUSH_NS);
    this.#flushed = [];
    for (const group of this.#groups()) if (group.parent !== undefined) this.#flushed[group.id] = this.#recount(group);
  }

  #recount(group: MemCgroup): LruvecStats {
    const sizes = new Int32Array(LRU_LISTS);
    let activatedAnon = 0;
    let activatedFile = 0;
    for (const { id } of group.subtree()) {
      const own = this.#lru.lruvec(id).sizes;
      for (let list = 0; list < LRU_LISTS; list++) (sizes[list] as number) += own[list] as number;
      activatedAnon += this.#activated[id * 2] ?? 0;
      activatedFile += this.#activated[id * 2 + 1] ?? 0;
    }
    return { sizes, activatedAnon, activatedFile };
  }

  save(): GroupStatsState {
    return {
      period: this.#period,
      activated: Array.from(this.#activated, (count) => count ?? 0),
      flushed: Array.from(this.#flushed, (stats) => stats && { ...stats, sizes: stats.sizes.slice() }),
    };
  }

  restore(state: GroupStatsState): void {
    this.#period = state.period;
    this.#activated = [...state.activated];
    this.#flushed = state.flushed.map((stats) => stats && { ...stats, sizes: stats.sizes.slice() });
  }
}

const NOTHING: LruvecStats = { sizes: new Int32Array(LRU_LISTS), activatedAnon: 0, activatedFile: 0 };

export interface GroupStatsState {
  readonly period: number;
  readonly activated: readonly number[];
  /** By group; undefined for one that is younger than the last flush. */
  readonly flushed: readonly (LruvecStats | undefined)[];
}
