import type { MemCgroup } from '../cgroup/mem-cgroup.ts';
import type { Inode } from '../page-cache/inode.ts';
import type { Params } from '../params.ts';
import { SLABS_SCANNED } from '../vmstat.ts';
import { ShadowNodes, type ShadowNodesNeeds } from './shadow-nodes.ts';
import { type Shrinker, shrinkSlab } from './shrinker.ts';
import {
  DENTRY,
  EXT4_INODE,
  FILP,
  RADIX_NODE,
  SlabCache,
  type SlabCacheState,
  type SlabMemory,
  VMA,
} from './slab-cache.ts';

/** Objects that a file system's shrinker looks at in one go (alloc_super). */
const SUPER_BATCH = 1024;

/** What the pool needs of others. */
export interface SlabNeeds extends SlabMemory, ShadowNodesNeeds {
  readonly params: Params;
}

/** A file that the kernel remembers: its name and its inode are in memory, whether it is open or not. */
interface Remembered {
  readonly inode: Inode;
  /** Opened again since the shrinker last came by (DCACHE_REFERENCED): it is spared once. */
  referenced: boolean;
}

/**
 * Kernel objects as far as the machine has them: names and inodes of files, nodes of page indexes, open files, mappings. They
 * take frames, and give them back when reclaim asks (mm/shrinker.c, super_cache_scan in fs/super.c).
 */
export class Slab {
  readonly #needs: SlabNeeds;
  readonly #caches: readonly SlabCache[];
  readonly dentries: SlabCache;
  readonly inodes: SlabCache;
  readonly nodes: SlabCache;
  readonly files: SlabCache;
  readonly vmas: SlabCache;
  readonly #shadows: ShadowNodes;
  /** Files by inode number, the longest unused first. */
  readonly #known = new Map<number, Remembered>();
  /** What each shrinker has put off, by group * 2 + shrinker. */
  #deferred: number[] = [];

  constructor(needs: SlabNeeds) {
    this.#needs = needs;
    this.dentries = new SlabCache(DENTRY, needs);
    this.inodes = new SlabCache(EXT4_INODE, needs);
    this.nodes = new SlabCache(RADIX_NODE, needs);
    this.files = new SlabCache(FILP, needs);
    this.vmas = new SlabCache(VMA, needs);
    this.#caches = [this.dentries, this.inodes, this.nodes, this.files, this.vmas];
    this.#shadows = new ShadowNodes(needs);
    // What the kernel itself has open and mapped at boot: first slabs, with room for those of programs.
    for (const cache of [this.files, this.vmas]) cache.allocate();
  }

  /** A file was looked up: its name and its inode are in memory from now on. */
  lookedUp(inode: Inode): void {
    const known = this.#known.get(inode.id);
    if (known !== undefined) {
      known.referenced = true;
      return;
    }
    this.#known.set(inode.id, { inode, referenced: false });
    this.dentries.allocate();
    this.inodes.allocate();
  }

  /** A file is gone. */
  forgotten(inode: Inode): void {
    if (this.#known.delete(inode.id)) this.#freeObjects();
  }

  /**
   * Frees objects in proportion to a round of reclaim (shrink_slab).
   * @returns pages freed
   */
  shrink(group: MemCgroup, priority: number): number {
    const before = this.#pages();
    this.#run(this.#shadows, group.id, 0, priority);
    // Names and inodes are the machine's: files outlive the groups that read them.
    if (group.parent === undefined) this.#run(this.#superBlock, group.id, 1, priority);
    return before - this.#pages();
  }

  /** All that can go goes (drop_slab: until a round frees next to nothing). @returns objects freed */
  drop(): number {
    let freed = 0;
    for (let round = 0; ; round++) {
      const last = this.#superBlock.scan(0, this.#known.size);
      freed += last;
      if (last >> round <= 1) return freed;
    }
  }

  /** The nodes of a group's page indexes that hold nothing but shadows are more, or fewer. */
  shadowNodes(group: number, change: number): void {
    this.#shadows.change(group, change);
  }

  readonly #superBlock: Shrinker = {
    seeks: 2,
    batch: SUPER_BATCH,
    count: () => {
      let unused = 0;
      for (const { inode } of this.#known.values()) if (isUnused(inode)) unused += 2;
      return Math.floor((unused * this.#needs.params.vfsCachePressure) / 100);
    },
    scan: (_group, objects) => this.#prune(objects),
  };

  /** Names and inodes of files that nobody has open and that have no page, the longest unused first. @returns objects freed */
  #prune(objects: number): number {
    let freed = 0;
    let left = objects;
    for (const [id, known] of [...this.#known]) {
      if (left <= 0) break;
      if (!isUnused(known.inode)) continue;
      left -= 2;
      this.#known.delete(id);
      if (known.referenced) {
        known.referenced = false;
        this.#known.set(id, known);
        continue;
      }
      this.#freeObjects();
      freed += 2;
    }
    return freed;
  }

  #freeObjects(): void {
    this.dentries.free();
    this.inodes.free();
  }

  #run(shrinker: Shrinker, group: number, place: number, priority: number): void {
    const at = group * 2 + place;
    const round = shrinkSlab(shrinker, group, priority, this.#deferred[at] ?? 0);
    this.#deferred[at] = round.deferred;
    if (round.scanned > 0) this.#needs.vmstat.count(SLABS_SCANNED, round.scanned);
  }

  #pages(): number {
    return this.#caches.reduce((sum, { slabs, kind }) => sum + (slabs << kind.order), 0);
  }

  save(): SlabState {
    return {
      caches: this.#caches.map((cache) => cache.save()),
      known: [...this.#known].map(([id, { referenced }]) => [id, referenced] as const),
      deferred: Array.from(this.#deferred, (objects) => objects ?? 0),
      shadows: this.#shadows.save(),
    };
  }

  restore(state: SlabState, inodeOf: (id: number) => Inode | undefined): void {
    this.#caches.forEach((cache, i) => {
      cache.restore(state.caches[i] as SlabCacheState);
    });
    this.#known.clear();
    for (const [id, referenced] of state.known) {
      const inode = inodeOf(id);
      if (inode !== undefined) this.#known.set(id, { inode, referenced });
    }
    this.#deferred = [...state.deferred];
    this.#shadows.restore(state.shadows);
  }
}

/** Inodes with pages are not on the list of those that may go (inode_add_lru, mapping_shrinkable). */
const isUnused = (inode: Inode): boolean => inode.users === 0 && inode.pages.present === 0;

export interface SlabState {
  readonly caches: readonly SlabCacheState[];
  readonly known: readonly (readonly [id: number, referenced: boolean])[];
  readonly deferred: readonly number[];
  readonly shadows: readonly number[];
}
