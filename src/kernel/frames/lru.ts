/**
 * The LRU lists (mm/swap.c): which frames were used of late. A new frame, one that was used twice, and one that MADV_FREE
 * gave up, waits in a batch of 31 before it gets its place, so that the list lock is taken once for all of them.
 */
import type { Pfn } from '../../hardware/units.ts';
import { GEN_LISTS, Generations, type GenerationsState } from '../mglru/generations.ts';
import { PGACTIVATE, PGDEACTIVATE, PGROTATED, type VmStat } from '../vmstat.ts';
import { FrameLists, type FrameListsState } from './frame-lists.ts';
import {
  type FrameTable,
  PG_ACTIVATE_PENDING,
  PG_ACTIVE,
  PG_HEAD,
  PG_LAZYFREE_PENDING,
  PG_LRU,
  PG_LRU_PENDING,
  PG_MLOCKED,
  PG_REFERENCED,
  PG_SWAPBACKED,
  PG_TAIL,
  PG_UNEVICTABLE,
  PG_WORKINGSET,
} from './frame-table.ts';
import { LruBatch } from './lru-batch.ts';

export const LRU_INACTIVE_ANON = 0;
export const LRU_ACTIVE_ANON = 1;
export const LRU_INACTIVE_FILE = 2;
export const LRU_ACTIVE_FILE = 3;
export const LRU_UNEVICTABLE = 4;
export const LRU_LISTS = 5;

/** Memory cgroups that can have lists of their own; 0 is the root. */
export const MOST_CGROUPS = 1024;

/** The lists of generations lie behind the others. */
const FIRST_GENERATIONS = MOST_CGROUPS * LRU_LISTS;

export class LruLists {
  readonly #table: FrameTable;
  readonly #vmstat: VmStat;
  /** The lists of all memory cgroups: cgroup * LRU_LISTS + list. */
  readonly #lists: FrameLists;
  /** Frames on each list of the machine (NR_INACTIVE_ANON and so on). */
  readonly sizes: Int32Array = new Int32Array(LRU_LISTS);
  readonly #new: LruBatch;
  readonly #lazyFree: LruBatch;
  readonly #activations: LruBatch;
  /** The generations of MGLRU, when it is on: they take the place of the active and inactive lists. */
  generations: Generations | undefined;
  /** A fault runs: pages that it brings begin young (lru_gen_in_fault). */
  inFault = false;
  /** Hears of each frame that was used twice and is active now (workingset_activation). */
  onActivation: (frame: Pfn) => void = () => {};
  /** Hears of events that the page's cgroup counts, too. */
  onEvent: (cgroup: number, item: number) => void = () => {};

  constructor(table: FrameTable, vmstat: VmStat) {
    this.#table = table;
    this.#vmstat = vmstat;
    this.#lists = new FrameLists(table, FIRST_GENERATIONS + MOST_CGROUPS * GEN_LISTS);
    this.#new = new LruBatch(table, PG_LRU_PENDING);
    this.#lazyFree = new LruBatch(table, PG_LAZYFREE_PENDING);
    this.#activations = new LruBatch(table, PG_ACTIVATE_PENDING);
  }

  /** Pages on the two lists of files. */
  get filePages(): number {
    return (this.sizes[LRU_INACTIVE_FILE] as number) + (this.sizes[LRU_ACTIVE_FILE] as number);
  }

  /** A new frame: it goes to its list with its batch (folio_add_lru). Flags say which list that is. */
  add(frame: Pfn): void {
    if (this.generations !== undefined && this.inFault) this.#table.set(frame, PG_ACTIVE);
    if (this.#new.add(frame)) this.#drainNew();
  }

  /** A new large folio: all of it goes to its list at once, behind the frames that wait (folio_add_lru). */
  addFolio(head: Pfn, pages: number): void {
    this.#drainNew();
    for (let frame: number = head; frame < head + pages; frame++) {
      if (this.#table.has(frame as Pfn, PG_MLOCKED)) this.#table.set(frame as Pfn, PG_UNEVICTABLE);
      this.putBack(frame as Pfn);
    }
  }

  /**
   * Switches MGLRU on or off (lru_gen_change_state): all frames change over to the other kind of lists, in their order.
   */
  setGenerations(isOn: boolean): void {
    if (isOn === (this.generations !== undefined)) return;
    this.drain();
    const old: Pfn[] = [];
    for (let list = LRU_UNEVICTABLE - 1; list >= 0; list--) old.push(...[...this.frames(list)].reverse());
    for (const frame of old) this.isolate(frame);
    this.generations = isOn ? this.#newGenerations() : undefined;
    this.#tellActive();
    for (const frame of old) this.putBack(frame);
  }

  #tellActive(): void {
    const { generations } = this;
    this.#table.isYoung = generations && ((frame) => generations.isYoung(frame));
  }

  #newGenerations(): Generations {
    return new Generations({
      table: this.#table,
      lists: this.#lists,
      first: FIRST_GENERATIONS,
      groups: MOST_CGROUPS,
      resize: (group, list, change) => {
        (this.sizes[list] as number) += change;
        (this.#lists.sizes[group * LRU_LISTS + list] as number) += change;
      },
    });
  }

  /** Empties all batches (lru_add_drain). */
  drain(): void {
    this.#drainNew();
    this.#drainLazyFree();
    this.#drainActivations();
  }

  #drainNew(): void {
    this.#new.drain((frame) => {
      if (this.#table.has(frame, PG_MLOCKED)) this.#table.set(frame, PG_UNEVICTABLE);
      this.putBack(frame);
    });
  }

  /** Takes a frame off whatever list it is on. */
  remove(frame: Pfn): void {
    if (this.#table.has(frame, PG_LRU)) this.isolate(frame);
    this.#table.clear(frame, PG_LRU_PENDING | PG_ACTIVATE_PENDING);
  }

  /** The first use sets PG_REFERENCED, the second activates (folio_mark_accessed). */
  markAccessed(frame: Pfn): void {
    const table = this.#table;
    if (this.generations !== undefined) {
      this.generations.incRefs(frame);
      return;
    }
    if (!table.has(frame, PG_REFERENCED)) {
      table.set(frame, PG_REFERENCED);
    } else if (!table.has(frame, PG_UNEVICTABLE | PG_ACTIVE)) {
      this.activate(frame);
      table.clear(frame, PG_REFERENCED);
      this.onActivation(frame);
    }
  }

  /**
   * To the head of the active list with its batch (folio_activate); a new frame, which waits for its first list, will arrive
   * there. Pages of large folios do not wait.
   */
  activate(frame: Pfn): void {
    const flags = this.#table.flags[frame] as number;
    if (flags & (PG_UNEVICTABLE | PG_ACTIVE | PG_ACTIVATE_PENDING)) return;
    if ((flags & PG_LRU) === 0) this.#table.set(frame, PG_ACTIVE);
    else if (flags & (PG_HEAD | PG_TAIL)) this.#activateNow(frame);
    else if (this.#activations.add(frame)) this.#drainActivations();
  }

  #drainActivations(): void {
    this.#activations.drain((frame) => this.#activateNow(frame));
  }

  #activateNow(frame: Pfn): void {
    if (this.#table.has(frame, PG_UNEVICTABLE | PG_ACTIVE) || !this.#table.has(frame, PG_LRU)) return;
    this.#move(frame, PG_ACTIVE, 0);
    this.#count(frame, PGACTIVATE);
  }

  /**
   * A page is not wanted any more (MADV_COLD, folio_deactivate): its use is forgotten, and an active one goes to the head of
   * the inactive list; one that is there already keeps its place.
   */
  deactivate(frame: Pfn): void {
    if (this.#table.has(frame, PG_UNEVICTABLE)) return;
    this.#table.clear(frame, PG_REFERENCED);
    if (!this.#table.has(frame, PG_ACTIVE)) return;
    this.#count(frame, PGDEACTIVATE);
    this.#table.set(frame, PG_WORKINGSET);
    this.#move(frame, 0, PG_ACTIVE);
  }

  #count(frame: Pfn, item: number): void {
    this.#vmstat.count(item);
    this.onEvent(this.#table.memcg[frame] as number, item);
  }

  /** To the tail of the inactive list: the next that reclaim looks at (folio_rotate_reclaimable, lru_move_tail). */
  rotate(frame: Pfn): void {
    if (this.#table.has(frame, PG_UNEVICTABLE) || !this.#table.has(frame, PG_LRU)) return;
    this.isolate(frame);
    this.#table.clear(frame, PG_ACTIVE);
    this.putBackOldest(frame);
    this.#vmstat.count(PGROTATED);
  }

  /** To the file list with its batch, as a clean page that may be dropped (folio_mark_lazyfree, MADV_FREE). */
  makeLazyFree(frame: Pfn): void {
    if (this.#table.has(frame, PG_UNEVICTABLE) || !this.#table.has(frame, PG_LRU)) return;
    if (this.#lazyFree.add(frame)) this.#drainLazyFree();
  }

  #drainLazyFree(): void {
    this.#lazyFree.drain((frame) => {
      if (this.#table.has(frame, PG_UNEVICTABLE) || !this.#table.has(frame, PG_LRU)) return;
      this.#move(frame, 0, PG_ACTIVE | PG_REFERENCED | PG_SWAPBACKED);
    });
  }

  /** Locked frames leave the lists that reclaim scans (mlock_folio). */
  makeUnevictable(frame: Pfn): void {
    this.#move(frame, PG_MLOCKED | PG_UNEVICTABLE, PG_ACTIVE);
  }

  /** No longer locked (munlock_folio). */
  makeEvictable(frame: Pfn): void {
    this.#move(frame, 0, PG_MLOCKED | PG_UNEVICTABLE);
  }

  /** Takes a frame off its list for reclaim, which decides where it goes (isolate_lru_folios). */
  isolate(frame: Pfn, forEviction = false): void {
    if (this.#hasGeneration(frame)) {
      this.generations?.remove(frame, forEviction);
      this.#table.clear(frame, PG_LRU);
      return;
    }
    const list = this.#listOf(frame);
    this.#lists.remove(frame, this.#place(frame, list));
    (this.sizes[list] as number)--;
    this.#table.clear(frame, PG_LRU);
  }

  /** Puts an isolated frame on the list that its flags name, as its youngest (move_folios_to_lru). */
  putBack(frame: Pfn): void {
    if (this.#hasGeneration(frame)) {
      this.generations?.add(frame);
      this.#table.set(frame, PG_LRU);
      return;
    }
    const list = this.#listOf(frame);
    this.#lists.addHead(frame, this.#place(frame, list));
    (this.sizes[list] as number)++;
    this.#table.set(frame, PG_LRU);
  }

  /** Puts an isolated frame back as the oldest of its list. */
  putBackOldest(frame: Pfn): void {
    if (this.#hasGeneration(frame)) {
      this.generations?.add(frame, true);
      this.#table.set(frame, PG_LRU);
      return;
    }
    const list = this.#listOf(frame);
    this.#lists.addTail(frame, this.#place(frame, list));
    (this.sizes[list] as number)++;
    this.#table.set(frame, PG_LRU);
  }

  #hasGeneration(frame: Pfn): boolean {
    return this.generations !== undefined && !this.#table.has(frame, PG_UNEVICTABLE);
  }

  /** The lists of one memory cgroup. */
  lruvec(cgroup: number): Lruvec {
    const first = cgroup * LRU_LISTS;
    return {
      cgroup,
      sizes: this.#lists.sizes.subarray(first, first + LRU_LISTS),
      oldest: (list) => this.#lists.tail(first + list),
    };
  }

  /** Frames of a list from its head (youngest) to its tail, cgroup by cgroup; for tests and views. */
  *frames(list: number): Generator<Pfn> {
    if (this.generations !== undefined && list < LRU_UNEVICTABLE) {
      for (let cgroup = 0; cgroup < MOST_CGROUPS; cgroup++) yield* this.generations.frames(cgroup, list);
      return;
    }
    for (let cgroup = 0; cgroup < MOST_CGROUPS; cgroup++) yield* this.#lists.frames(cgroup * LRU_LISTS + list);
  }

  #listOf(frame: Pfn): number {
    const flags = this.#table.flags[frame] as number;
    if (flags & PG_UNEVICTABLE) return LRU_UNEVICTABLE;
    const file = (flags & PG_SWAPBACKED) === 0 ? LRU_INACTIVE_FILE : LRU_INACTIVE_ANON;
    return file + (flags & PG_ACTIVE ? 1 : 0);
  }

  #place(frame: Pfn, list: number): number {
    return (this.#table.memcg[frame] as number) * LRU_LISTS + list;
  }

  /** Changes the flags that choose the list, and puts a frame that is on one at the head of the one they choose now. */
  #move(frame: Pfn, set: number, clear: number): void {
    const onList = this.#table.has(frame, PG_LRU);
    if (onList) this.isolate(frame);
    this.#table.clear(frame, clear);
    this.#table.set(frame, set);
    if (onList) this.putBack(frame);
  }

  save(): LruState {
    return {
      lists: this.#lists.save(),
      sizes: this.sizes.slice(),
      waiting: this.#new.save(),
      lazyFree: this.#lazyFree.save(),
      activations: this.#activations.save(),
      generations: this.generations?.save(),
    };
  }

  restore(state: LruState): void {
    this.#lists.restore(state.lists);
    this.sizes.set(state.sizes);
    this.#new.restore(state.waiting);
    this.#lazyFree.restore(state.lazyFree);
    this.#activations.restore(state.activations);
    this.generations = state.generations && this.#newGenerations();
    if (state.generations !== undefined) this.generations?.restore(state.generations);
    this.#tellActive();
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
  readonly lists: FrameListsState;
  readonly sizes: Int32Array;
  readonly waiting: Int32Array;
  readonly lazyFree: Int32Array;
  readonly activations: Int32Array;
  readonly generations: GenerationsState | undefined;
}
