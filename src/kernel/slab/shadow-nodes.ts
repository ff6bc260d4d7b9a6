import type { MemCgroups } from '../cgroup/mem-cgroups.ts';
import type { FrameAllocator } from '../frames/allocator.ts';
import type { GroupStats } from '../reclaim/group-stats.ts';
import type { Shrinker } from './shrinker.ts';

/** SHRINK_BATCH. */
const BATCH = 128;
/** A node of 64 entries for 8 pages of memory is enough of them (XA_CHUNK_SHIFT - 3). */
const PAGES_PER_NODE_SHIFT = 3;

/** What the shrinker of shadows needs. */
export interface ShadowNodesNeeds {
  readonly allocator: FrameAllocator;
  readonly cgroups: MemCgroups;
  readonly groupStats: GroupStats;
  /** Gives back nodes of a group's page indexes that hold nothing but shadows. @returns how many went */
  dropShadowNodes(group: number, nodes: number): number;
}

/**
 * Shadows of evicted pages take memory too (workingset_shadow_shrinker in mm/workingset.c): a group may keep as many nodes of
 * them as its pages justify. That is judged by its statistics, which are two seconds old: a young group that reclaims hard
 * loses them all.
 */
export class ShadowNodes implements Shrinker {
  readonly seeks = 0;
  readonly batch = BATCH;
  readonly #needs: ShadowNodesNeeds;
  /** Nodes that hold nothing but shadows, by the group that pays for the file's index. */
  #nodes: number[] = [];

  constructor(needs: ShadowNodesNeeds) {
    this.#needs = needs;
  }

  change(group: number, nodes: number): void {
    this.#nodes[group] = (this.#nodes[group] ?? 0) + nodes;
  }

  /** count_shadow_nodes. */
  count(group: number): number {
    const nodes = this.#nodes[group] ?? 0;
    if (nodes === 0) return 0;
    return Math.max(0, nodes - (this.#pages(group) >>> PAGES_PER_NODE_SHIFT));
  }

  scan(group: number, objects: number): number {
    return this.#needs.dropShadowNodes(group, objects);
  }

  #pages(group: number): number {
    if (group === 0) return this.#needs.allocator.managed;
    const { sizes } = this.#needs.groupStats.of(this.#needs.cgroups.get(group));
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  save(): number[] {
    return Array.from(this.#nodes, (nodes) => nodes ?? 0);
  }

  restore(nodes: readonly number[]): void {
    this.#nodes = [...nodes];
  }
}
