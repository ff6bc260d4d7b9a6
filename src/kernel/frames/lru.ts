/**
 * The LRU lists (mm/swap.c): which frames were used of late. A new frame, and one that MADV_FREE
 * gave up, waits in a batch of 31 before it gets its place, so that the list lock is taken once for all of them.
 */
import type { Pfn } from '../../hardware/units.ts';
import { pfn } from '../../hardware/units.ts';
import { PGACTIVATE, PGDEACTIVATE, type VmStat } from '../vmstat.ts';
import {
  type FrameTable,
  PG_ACTIVE,
  PG_LAZYFREE_PENDING,
  PG_LRU,
  PG_LRU_PENDING,
  PG_MLOCKED,
  PG_REFERENCED,
  PG_SWAPBACKED,
  PG_UNEVICTABLE,
} from './frame-table.ts';

export const LRU_INACTIVE_ANON = 0;
export const LRU_ACTIVE_ANON = 1;
export const LRU_INACTIVE_FILE = 2;
export const LRU_ACTIVE_FILE = 3;
export const LRU_UNEVICTABLE = 4;
export const LRU_LISTS = 5;

/** Memory cgroups that can have lists of their own; 0 is the root. */
export const MOST_CGROUPS = 1024;

/** PAGEVEC_SIZE of include/linux/pagevec.h. */
const BATCH = 31;

export class LruLists {
  readonly #table: FrameTable;
  /** First and last frame of each list of each memory cgroup: cgroup * LRU_LISTS + list. */
  readonly #heads = new Int32Array(MOST_CGROUPS * LRU_LISTS);
  readonly #tails = new Int32Array(MOST_CGROUPS * LRU_LISTS);
  /** Frames on each list of each memory cgroup (lruvec_page_state). */
  readonly cgroupSizes: Int32Array = new Int32Array(MOST_CGROUPS * LRU_LISTS);
  /** Frames on each list of the machine (NR_INACTIVE_ANON and so on). */
  readonly sizes: Int32Array = new Int32Array(LRU_LISTS);
  readonly #batch = new Int32Array(BATCH);
  #waiting = 0;
  readonly #lazy = new Int32Array(BATCH);
  #lazyWaiting = 0;
  readonly #vmstat: VmStat;

  constructor(table: FrameTable, vmstat: VmStat) {
    this.#table = table;
    this.#vmstat = vmstat;
  }

  /** A new frame: it goes to its list with its batch (folio_add_lru). Flags say which list that is. */
  add(frame: Pfn): void {
    this.#table.set(frame, PG_LRU_PENDING);
    this.#batch[this.#waiting++] = frame;
    if (this.#waiting === BATCH) this.#drainNew();
  }

  /** Empties all batches (lru_add_drain). */
  drain(): void {
    this.#drainNew();
    this.#drainLazy();
  }

  /** Puts the waiting frames on their lists. A frame that was freed meanwhile has lost its mark and is passed over. */
  #drainNew(): void {
    for (let i = 0; i < this.#waiting; i++) {
      const frame = pfn(this.#batch[i] as number);
      if (!this.#table.has(frame, PG_LRU_PENDING)) continue;
      this.#table.clear(frame, PG_LRU_PENDING);
      if (this.#table.has(frame, PG_MLOCKED)) this.#table.set(frame, PG_UNEVICTABLE);
      this.#link(frame, true);
    }
    this.#waiting = 0;
  }

  /** Takes a frame off whatever list it is on. */
  remove(frame: Pfn): void {
    if (this.#table.has(frame, PG_LRU)) this.#unlink(frame);
    this.#table.clear(frame, PG_LRU_PENDING);
  }

  /** The first use sets PG_REFERENCED, the second activates (folio_mark_accessed). */
  markAccessed(frame: Pfn): void {
    const table = this.#table;
    if (!table.has(frame, PG_REFERENCED)) {
      table.set(frame, PG_REFERENCED);
    } else if (!table.has(frame, PG_UNEVICTABLE | PG_ACTIVE)) {
      this.activate(frame);
      table.clear(frame, PG_REFERENCED);
    }
  }

  /** To the head of the active list (folio_activate); a waiting frame will arrive there. */
  activate(frame: Pfn): void {
    if (this.#table.has(frame, PG_UNEVICTABLE | PG_ACTIVE)) return;
    this.#move(frame, () => this.#table.set(frame, PG_ACTIVE), true);
    this.#vmstat.count(PGACTIVATE);
  }

  /** To the head of the inactive list, its marks forgotten (lru_deactivate_fn, MADV_COLD). */
  deactivate(frame: Pfn): void {
    if (this.#table.has(frame, PG_UNEVICTABLE)) return;
    if (this.#table.has(frame, PG_ACTIVE)) this.#vmstat.count(PGDEACTIVATE);
    this.#move(frame, () => this.#table.clear(frame, PG_ACTIVE | PG_REFERENCED), true);
  }

  /** To the file list with its batch, as a clean page that may be dropped (folio_mark_lazyfree, MADV_FREE). */
  makeLazyFree(frame: Pfn): void {
    if (this.#table.has(frame, PG_UNEVICTABLE) || !this.#table.has(frame, PG_LRU)) return;
    this.#table.set(frame, PG_LAZYFREE_PENDING);
    this.#lazy[this.#lazyWaiting++] = frame;
    if (this.#lazyWaiting === BATCH) this.#drainLazy();
  }

  /** A frame that was freed meanwhile has lost its mark (lru_lazyfree_fn). */
  #drainLazy(): void {
    for (let i = 0; i < this.#lazyWaiting; i++) {
      const frame = pfn(this.#lazy[i] as number);
      if (!this.#table.has(frame, PG_LAZYFREE_PENDING)) continue;
      this.#table.clear(frame, PG_LAZYFREE_PENDING);
      if (this.#table.has(frame, PG_UNEVICTABLE) || !this.#table.has(frame, PG_LRU)) continue;
      this.#move(frame, () => this.#table.clear(frame, PG_ACTIVE | PG_REFERENCED | PG_SWAPBACKED), true);
    }
    this.#lazyWaiting = 0;
  }

  /** Locked frames leave the lists that reclaim scans (mlock_folio). */
  makeUnevictable(frame: Pfn): void {
    this.#move(
      frame,
      () => {
        this.#table.set(frame, PG_MLOCKED | PG_UNEVICTABLE);
        this.#table.clear(frame, PG_ACTIVE);
      },
      true,
    );
  }

  /** No longer locked (munlock_folio). */
  makeEvictable(frame: Pfn): void {
    this.#move(frame, () => this.#table.clear(frame, PG_MLOCKED | PG_UNEVICTABLE), true);
  }

  /** Puts an isolated frame back as the oldest of its list. */
  putBackOldest(frame: Pfn): void {
    this.#link(frame, false);
  }

  /** The lists of one memory cgroup. */
  lruvec(cgroup: number): Lruvec {
    const first = cgroup * LRU_LISTS;
    return {
      cgroup,
      sizes: this.cgroupSizes.subarray(first, first + LRU_LISTS),
      oldest: (list) => this.#tails[first + list] as number,
    };
  }

  /** Takes a frame off its list for reclaim, which decides where it goes (isolate_lru_folios). */
  isolate(frame: Pfn): void {
    this.#unlink(frame);
  }

  /** Puts an isolated frame on the list that its flags name, as its youngest (move_folios_to_lru). */
  putBack(frame: Pfn): void {
    this.#link(frame, true);
  }

  /** Frames of a list from its head (youngest) to its tail, cgroup by cgroup; for tests and views. */
  *frames(list: number): Generator<Pfn> {
    for (let cgroup = 0; cgroup < MOST_CGROUPS; cgroup++) {
      let frame = this.#heads[cgroup * LRU_LISTS + list] as number;
      for (; frame !== 0; frame = this.#table.next[frame] as number) yield pfn(frame);
    }
  }

  #listOf(frame: Pfn): number {
    const flags = this.#table.flags[frame] as number;
    if (flags & PG_UNEVICTABLE) return LRU_UNEVICTABLE;
    const file = (flags & PG_SWAPBACKED) === 0 ? LRU_INACTIVE_FILE : LRU_INACTIVE_ANON;
    return file + (flags & PG_ACTIVE ? 1 : 0);
  }

  /** Changes the flags that choose the list while the frame is off it. */
  #move(frame: Pfn, change: () => void, atHead: boolean): void {
    const onList = this.#table.has(frame, PG_LRU);
    if (onList) this.#unlink(frame);
    change();
    if (onList) this.#link(frame, atHead);
  }

  #link(frame: Pfn, atHead: boolean): void {
    const { next, prev, memcg } = this.#table;
    const kind = this.#listOf(frame);
    const list = (memcg[frame] as number) * LRU_LISTS + kind;
    const other = (atHead ? this.#heads[list] : this.#tails[list]) as number;
    next[frame] = atHead ? other : 0;
    prev[frame] = atHead ? 0 : other;
    if (other === 0) {
      this.#heads[list] = frame;
      this.#tails[list] = frame;
    } else if (atHead) {
      prev[other] = frame;
      this.#heads[list] = frame;
    } else {
      next[other] = frame;
      this.#tails[list] = frame;
    }
    (this.cgroupSizes[list] as number)++;
    (this.sizes[kind] as number)++;
    this.#table.set(frame, PG_LRU);
  }

  #unlink(frame: Pfn): void {
    const { next, prev, memcg } = this.#table;
    const kind = this.#listOf(frame);
    const list = (memcg[frame] as number) * LRU_LISTS + kind;
    const after = next[frame] as number;
    const before = prev[frame] as number;
    if (before === 0) this.#heads[list] = after;
    else next[before] = after;
    if (after === 0) this.#tails[list] = before;
    else prev[after] = before;
    (this.cgroupSizes[list] as number)--;
    (this.sizes[kind] as number)--;
    this.#table.clear(frame, PG_LRU);
  }

  save(): LruState {
    return {
      heads: this.#heads.slice(),
      tails: this.#tails.slice(),
      sizes: this.sizes.slice(),
      cgroupSizes: this.cgroupSizes.slice(),
      batch: this.#batch.slice(0, this.#waiting),
      lazy: this.#lazy.slice(0, this.#lazyWaiting),
    };
  }

  restore(state: LruState): void {
    this.#heads.set(state.heads);
    this.#tails.set(state.tails);
    this.sizes.set(state.sizes);
    this.cgroupSizes.set(state.cgroupSizes);
    this.#batch.set(state.batch);
    this.#waiting = state.batch.length;
    this.#lazy.set(state.lazy);
    this.#lazyWaiting = state.lazy.length;
  }
}

/** The lists of one memory cgroup, as reclaim works with them (struct lruvec). */
export interface Lruvec {
  readonly cgroup: number;
  /** Frames on each list. */
  readonly sizes: Int32Array;
  /** The oldest frame of a list, or 0. */
  oldest(list: number): number;
}

export interface LruState {
  readonly heads: Int32Array;
  readonly tails: Int32Array;
  readonly sizes: Int32Array;
  readonly cgroupSizes: Int32Array;
  readonly batch: Int32Array;
  readonly lazy: Int32Array;
}
