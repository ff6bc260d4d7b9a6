import type { MemCgroup } from '../cgroup/mem-cgroup.ts';
import { EVICTABLE } from './balance.ts';
import type { GroupStats } from './group-stats.ts';
import { SWAP_CLUSTER_MAX } from './scan-control.ts';

/** What getting pages of each kind has cost a group of late: pages looked at in vain, and writes. */
interface Costs {
  anon: number;
  file: number;
}

/** anon_cost and file_cost of every lruvec (mm/swap.c: lru_note_cost). */
export class LruCosts {
  readonly #stats: GroupStats;
  #costs: (Costs | undefined)[] = [];

  constructor(stats: GroupStats) {
    this.#stats = stats;
  }

  /** Costs of a group and those below it. */
  of(group: number): Readonly<Costs> {
    return this.#costs[group] ?? NOTHING;
  }

  /**
   * Pages of one kind were written, or looked at and not freed: that kind is dearer from now on, in the group and in all above
   * it. Old costs fade: both kinds are halved when they exceed a quarter of the lists.
   * @param written pages given to swap, each of which counts as a batch
   * @param kept pages that stayed, and pages that came back
   */
  note(group: MemCgroup, isFile: boolean, written: number, kept: number): void {
    const cost = written * SWAP_CLUSTER_MAX + kept;
    if (cost === 0) return;
    for (let at: MemCgroup | undefined = group; at !== undefined; at = at.parent) {
      let costs = this.#costs[at.id];
      if (costs === undefined) {
        costs = { anon: 0, file: 0 };
        this.#costs[at.id] = costs;
      }
      if (isFile) costs.file += cost;
      else costs.anon += cost;
      const { sizes } = this.#stats.of(at);
      let size = 0;
      for (const list of EVICTABLE) size += sizes[list] as number;
      if (costs.file + costs.anon <= Math.floor(size / 4)) continue;
      costs.file = Math.floor(costs.file / 2);
      costs.anon = Math.floor(costs.anon / 2);
    }
  }

  /** By group; undefined where nothing was ever noted. */
  save(): LruCostsState {
    return Array.from(this.#costs, (costs) => costs && { ...costs });
  }

  restore(state: LruCostsState): void {
    this.#costs = state.map((costs) => costs && { ...costs });
  }
}

const NOTHING: Readonly<Costs> = { anon: 0, file: 0 };

export type LruCostsState = readonly (Readonly<Costs> | undefined)[];
