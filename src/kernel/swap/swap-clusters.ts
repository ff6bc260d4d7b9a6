import { pfn } from '../../hardware/units.ts';
import { FrameLists } from '../frames/frame-lists.ts';

/** Slots of a cluster (SWAPFILE_CLUSTER): as many as a huge page has pages. */
export const SWAPFILE_CLUSTER = 512;

/** Which list a cluster is on (enum swap_cluster_flags), also the list's number. */
const FREE = 0;
/** Some slots became free since it was filled: they are given out before a free cluster is begun. */
const NONFULL = 1;
/** Being filled by some CPU, or left half filled. */
const FRAGMENTED = 2;
const FULL = 3;
const LISTS = 4;
const ON_NO_LIST = 4;

/** What a cluster is made of: how its slots are used. */
export interface Slots {
  /** Entries that refer to each slot. */
  readonly references: Uint16Array;
  /** The frame of each slot in the swap cache, 0 for none. */
  readonly cached: Int32Array;
}

/**
 * Which free slot an area gives out next (mm/swapfile.c: alloc_swap_scan_cluster, cluster_alloc_swap_entry): slots of one
 * cluster of 512 in their order, then those of the next that has some, so that what is swapped out together lies together.
 */
export class SwapClusters {
  readonly #slots: Slots;
  readonly #size: number;
  /** Used slots of each cluster; the header and what lies behind the end count as used. */
  readonly #used: Uint16Array;
  readonly #state: Uint8Array;
  readonly #lists: FrameLists;
  /** By order of large folios: where the next goes, 0 when a free cluster must be begun. */
  readonly #runs = new Int32Array(Math.log2(SWAPFILE_CLUSTER) + 1);
  /** The area's free clusters are told to the device (SWP_PAGE_DISCARD), so that writes are spread over fresh ones. */
  readonly #freshFirst: boolean;
  /** A page that only the swap cache holds gives its slot up; false when it cannot now. */
  readonly #reclaim: (slot: number) => boolean;
  /** Where the next search goes on after the last slot that was found, 0 when its cluster has no more. */
  next = 0;

  /** @param size slots of the area, slot 0 being the header */
  constructor(slots: Slots, size: number, freshFirst: boolean, reclaim: (slot: number) => boolean) {
    this.#slots = slots;
    this.#size = size;
    this.#freshFirst = freshFirst;
    this.#reclaim = reclaim;
    const clusters = Math.ceil(size / SWAPFILE_CLUSTER);
    this.#used = new Uint16Array(clusters);
    this.#state = new Uint8Array(clusters).fill(ON_NO_LIST);
    // Lists of clusters are numbered from 1, as 0 ends a list.
    this.#lists = new FrameLists({ next: new Int32Array(clusters + 1), prev: new Int32Array(clusters + 1) }, LISTS);
    this.#used[0] = 1;
    (this.#used[clusters - 1] as number) += clusters * SWAPFILE_CLUSTER - size;
    for (let cluster = 0; cluster < clusters; cluster++)
      this.#move(cluster, this.#used[cluster] === 0 ? FREE : NONFULL);
  }

  /**
   * The slot at `from` or behind it in its cluster (swap_alloc_fast).
   * @param isFull as for `take`; @returns 0 when there is none, or the cluster has become free or full meanwhile
   */
  takeNear(from: number, isFull: boolean): number {
    const cluster = Math.floor(from / SWAPFILE_CLUSTER);
    const state = this.#state[cluster] as number;
    return state === NONFULL || state === FRAGMENTED ? this.#scan(cluster, from, isFull) : 0;
  }

  /**
   * A slot of another cluster (cluster_alloc_swap_entry): of one that has gaps, else of a free one.
   * @param isFull swap is more than half full: pages that only the swap cache holds give their slots up
   * @returns 0 when the area is full
   */
  take(isFull: boolean): number {
    const first = this.#freshFirst ? FREE : NONFULL;
    const second = this.#freshFirst ? NONFULL : FREE;
    const found = this.#scanList(first, isFull) || this.#scanList(second, isFull);
    if (found !== 0) return found;
    if (isFull) this.#reclaimFullCluster();
    return this.#scanList(NONFULL, isFull) || this.#scanList(FRAGMENTED, isFull);
  }

  /**
   * Neighbouring slots for all pages of a large folio, aligned to their number: the next ones of the cluster that its order
   * is filling, else of a free cluster. @returns the first slot, or 0 when there are none
   */
  takeRun(order: number): number {
    const pages = 1 << order;
    const next = this.#runs[order] as number;
    const free = this.#lists.head(FREE) - 1;
    const first = next !== 0 && this.#isUnused(next, pages) ? next : free * SWAPFILE_CLUSTER;
    if (first < 0) return 0;
    const cluster = Math.floor(first / SWAPFILE_CLUSTER);
    const used = (this.#used[cluster] as number) + pages;
    this.#used[cluster] = used;
    this.#runs[order] = (first + pages) % SWAPFILE_CLUSTER === 0 ? 0 : first + pages;
    this.#move(cluster, used === SWAPFILE_CLUSTER ? FULL : FRAGMENTED);
    return first;
  }

  #isUnused(first: number, count: number): boolean {
    const { references, cached } = this.#slots;
    for (let slot = first; slot < first + count; slot++) if (references[slot] !== 0 || cached[slot] !== 0) return false;
    return true;
  }

  /** A slot is free again (swap_entries_free). */
  release(slot: number): void {
    const cluster = Math.floor(slot / SWAPFILE_CLUSTER);
    const left = --(this.#used[cluster] as number);
    this.#move(cluster, left === 0 ? FREE : NONFULL);
  }

  #scanList(list: number, isFull: boolean): number {
    // Each turn takes a cluster off the list's head and puts it on another list or at the tail, so that this ends.
    for (let tries = this.#lists.sizes[list] as number; tries > 0; tries--) {
      const cluster = this.#lists.head(list) - 1;
      this.#unlist(cluster);
      const found = this.#scan(cluster, cluster * SWAPFILE_CLUSTER, isFull);
      if (found !== 0) return found;
    }
    return 0;
  }

  /** alloc_swap_scan_cluster. */
  #scan(cluster: number, from: number, isFull: boolean): number {
    const { references, cached } = this.#slots;
    const end = Math.min((cluster + 1) * SWAPFILE_CLUSTER, this.#size);
    let found = 0;
    this.next = 0;
    for (let slot = Math.max(1, from); slot < end; slot++) {
      if (references[slot] !== 0) continue;
      if (cached[slot] !== 0 && !(isFull && this.#reclaim(slot))) continue;
      found = slot;
      (this.#used[cluster] as number)++;
      if ((this.#used[cluster] as number) < SWAPFILE_CLUSTER && slot + 1 < end) this.next = slot + 1;
      break;
    }
    const used = this.#used[cluster] as number;
    this.#move(cluster, used === 0 ? FREE : used === SWAPFILE_CLUSTER ? FULL : FRAGMENTED);
    return found;
  }

  /** swap_reclaim_full_clusters: one full cluster is looked through for slots that only the swap cache holds. */
  #reclaimFullCluster(): void {
    const cluster = this.#lists.head(FULL) - 1;
    if (cluster < 0) return;
    this.#unlist(cluster);
    const { references, cached } = this.#slots;
    const end = Math.min((cluster + 1) * SWAPFILE_CLUSTER, this.#size);
    for (let slot = Math.max(1, cluster * SWAPFILE_CLUSTER); slot < end; slot++)
      if (references[slot] === 0 && cached[slot] !== 0) this.#reclaim(slot);
    if (this.#state[cluster] === ON_NO_LIST) this.#move(cluster, FULL);
  }

  #move(cluster: number, list: number): void {
    if (this.#state[cluster] === list) return;
    this.#unlist(cluster);
    this.#state[cluster] = list;
    this.#lists.addTail(pfn(cluster + 1), list);
  }

  #unlist(cluster: number): void {
    const list = this.#state[cluster] as number;
    if (list !== ON_NO_LIST) this.#lists.remove(pfn(cluster + 1), list);
    this.#state[cluster] = ON_NO_LIST;
  }

  /** The clusters of each list in their order, and where the search goes on. */
  save(): SwapClustersState {
    return {
      next: this.next,
      runs: this.#runs.slice(),
      used: this.#used.slice(),
      lists: Array.from({ length: LISTS }, (_, list) =>
        Int32Array.from(this.#lists.frames(list), (entry) => entry - 1),
      ),
    };
  }

  restore(state: SwapClustersState): void {
    this.next = state.next;
    this.#runs.set(state.runs);
    this.#used.set(state.used);
    for (let cluster = 0; cluster < this.#used.length; cluster++) this.#unlist(cluster);
    state.lists.forEach((clusters, list) => {
      for (const cluster of clusters) this.#move(cluster, list);
    });
  }
}

export interface SwapClustersState {
  readonly next: number;
  readonly runs: Int32Array;
  readonly used: Uint16Array;
  readonly lists: readonly Int32Array[];
}
