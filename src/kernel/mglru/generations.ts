import { type Pfn, pfn } from '../../hardware/units.ts';
import type { FrameLists } from '../frames/frame-lists.ts';
import {
  type FrameTable,
  PG_ACTIVE,
  PG_DIRTY,
  PG_RECLAIM,
  PG_REFERENCED,
  PG_SWAPBACKED,
  PG_SWAPCACHE,
  PG_UNEVICTABLE,
  PG_WORKINGSET,
  PG_WRITEBACK,
} from '../frames/frame-table.ts';
import { Tiers, tierOf } from './tiers.ts';
import { WalkFilter, type WalkFilterState } from './walk-filter.ts';

/** Generations that a kind has at least and at most; the two youngest count as active. */
export const MIN_NR_GENS = 2;
export const MAX_NR_GENS = 4;
export const ANON = 0;
export const FILE = 1;
/** Lists of a cgroup: a generation's two kinds beside each other. */
export const GEN_LISTS: number = MAX_NR_GENS * 2;
/** Uses beyond the first are counted in two bits (LRU_REFS_WIDTH). */
const REFS_WIDTH = 2;
const MOST_REFS = (1 << REFS_WIDTH) - 1;

/** Where the lists of generations lie among all lists. */
export interface GenerationPlaces {
  readonly table: FrameTable;
  readonly lists: FrameLists;
  /** Number of the first list of generations. */
  readonly first: number;
  /** Most cgroups there can be. */
  readonly groups: number;
  /** A page more or less on an old-fashioned list, which others still read the size of: list 0 to 3. */
  resize(group: number, list: number, change: number): void;
}

/**
 * The generations of all cgroups' pages (struct lru_gen_folio): each kind has the sequence numbers from its oldest to the
 * youngest, and a list for each. A folio that is used is moved to a younger one; the oldest is evicted.
 */
export class Generations {
  readonly #at: GenerationPlaces;
  /** Generation of each frame, from 1; 0 for a frame on no list. */
  readonly #gen: Uint8Array;
  /** Uses through file descriptors beyond the first (LRU_REFS_MASK). */
  readonly #refs: Uint8Array;
  readonly #maxSeq: Int32Array;
  readonly #minSeq: Int32Array;
  readonly #tiers: (Tiers | undefined)[] = [];
  readonly #filters: (WalkFilter | undefined)[] = [];

  constructor(places: GenerationPlaces) {
    this.#at = places;
    this.#gen = new Uint8Array(places.table.frames);
    this.#refs = new Uint8Array(places.table.frames);
    this.#maxSeq = new Int32Array(places.groups).fill(MIN_NR_GENS + 1);
    this.#minSeq = new Int32Array(places.groups * 2);
  }

  maxSeq(group: number): number {
    return this.#maxSeq[group] as number;
  }

  minSeq(group: number, type: number): number {
    return this.#minSeq[group * 2 + type] as number;
  }

  /** Generations that a kind has now (get_nr_gens). */
  count(group: number, type: number): number {
    return this.maxSeq(group) - this.minSeq(group, type) + 1;
  }

  tiers(group: number): Tiers {
    let tiers = this.#tiers[group];
    if (tiers === undefined) {
      tiers = new Tiers();
      this.#tiers[group] = tiers;
    }
    return tiers;
  }

  /** Which tables of a cgroup's processes are worth a walk. */
  filter(group: number): WalkFilter {
    let filter = this.#filters[group];
    if (filter === undefined) {
      filter = new WalkFilter();
      this.#filters[group] = filter;
    }
    return filter;
  }

  /** Pages of a generation of a kind. */
  pages(group: number, seq: number, type: number): number {
    return this.#at.lists.sizes[this.#list(group, seq % MAX_NR_GENS, type)] as number;
  }

  /** The frame that has been longest in a generation, or 0. */
  oldest(group: number, seq: number, type: number): number {
    return this.#at.lists.tail(this.#list(group, seq % MAX_NR_GENS, type));
  }

  /** A frame of the two youngest generations, which count as active. */
  isYoung(frame: number): boolean {
    const gen = this.#gen[frame] as number;
    return gen > 0 && this.#isActive(this.#at.table.memcg[frame] as number, gen - 1);
  }

  typeOf(frame: Pfn): 0 | 1 {
    return this.#at.table.has(frame, PG_SWAPBACKED) ? ANON : FILE;
  }

  /** Uses of a folio, the first one included (folio_lru_refs). */
  refs(frame: Pfn): number {
    return this.#at.table.has(frame, PG_REFERENCED) ? (this.#refs[frame] as number) + 1 : 0;
  }

  tier(frame: Pfn): number {
    return tierOf(this.refs(frame), this.#at.table.has(frame, PG_WORKINGSET));
  }

  /** A frame is put on a list (lru_gen_add_folio). @param reclaiming it was written and is to go next */
  add(frame: Pfn, reclaiming = false): void {
    const { table, lists } = this.#at;
    const group = table.memcg[frame] as number;
    const type = this.typeOf(frame);
    const gen = this.#seqFor(frame, group, type, reclaiming) % MAX_NR_GENS;
    table.clear(frame, PG_ACTIVE);
    this.#gen[frame] = gen + 1;
    const list = this.#list(group, gen, type);
    if (reclaiming) lists.addTail(frame, list);
    else lists.addHead(frame, list);
    this.#resize(group, gen, type, 1);
  }

  /** Takes a frame off its list (lru_gen_del_folio). @param reclaiming for eviction: its age is forgotten */
  remove(frame: Pfn, reclaiming = false): void {
    const { table, lists } = this.#at;
    const group = table.memcg[frame] as number;
    const gen = (this.#gen[frame] as number) - 1;
    const type = this.typeOf(frame);
    lists.remove(frame, this.#list(group, gen, type));
    this.#resize(group, gen, type, -1);
    this.#gen[frame] = 0;
    if (!reclaiming && this.#isActive(group, gen)) table.set(frame, PG_ACTIVE);
  }

  /** The sequence number at which a frame begins (lru_gen_folio_seq). */
  #seqFor(frame: Pfn, group: number, type: number, reclaiming: boolean): number {
    const { table } = this.#at;
    const flags = table.flags[frame] as number;
    const isWaiting = flags & PG_RECLAIM && flags & (PG_DIRTY | PG_WRITEBACK);
    const isWorkingset = flags & PG_WORKINGSET ? 1 : 0;
    let age = MAX_NR_GENS - isWorkingset;
    if (flags & PG_ACTIVE) age = MIN_NR_GENS - isWorkingset;
    else if (reclaiming) age = MAX_NR_GENS;
    else if ((type === ANON && (flags & PG_SWAPCACHE) === 0) || isWaiting) age = MIN_NR_GENS;
    return Math.max(this.maxSeq(group) - age + 1, this.minSeq(group, type));
  }

  /** A folio was used through a file descriptor (lru_gen_inc_refs). */
  incRefs(frame: Pfn): void {
    const { table } = this.#at;
    if (table.has(frame, PG_UNEVICTABLE)) return;
    if (!table.has(frame, PG_REFERENCED)) {
      this.#refs[frame] = 0;
      table.set(frame, PG_REFERENCED);
    } else if (this.#refs[frame] === MOST_REFS) table.set(frame, PG_WORKINGSET);
    else (this.#refs[frame] as number)++;
  }

  /** Uses that a folio had when it was evicted count again. */
  setRefs(frame: Pfn, refs: number): void {
    this.#refs[frame] = refs;
  }

  /** Eviction forgets how often it was used. */
  clearRefs(frame: Pfn): void {
    this.#refs[frame] = 0;
    this.#at.table.clear(frame, PG_REFERENCED | PG_WORKINGSET);
  }

  /** A mapping used it: the first time it is marked (lru_gen_set_refs). @returns whether it was marked before */
  useByMapping(frame: Pfn): boolean {
    const { table } = this.#at;
    if (!table.has(frame, PG_REFERENCED | PG_WORKINGSET)) {
      this.#refs[frame] = 0;
      table.set(frame, PG_REFERENCED);
      return false;
    }
    table.clear(frame, PG_REFERENCED);
    table.set(frame, PG_WORKINGSET);
    return true;
  }

  /** The page tables say that it was used: the second time it belongs to the youngest (folio_update_gen). */
  promote(frame: Pfn): void {
    if (!this.useByMapping(frame) || this.#gen[frame] === 0) return;
    this.#refs[frame] = 0;
    this.#moveTo(frame, this.maxSeq(this.#at.table.memcg[frame] as number) % MAX_NR_GENS, true);
  }

  /** One generation younger than the oldest (folio_inc_gen). @param toHead as its youngest, else as its oldest */
  incGen(frame: Pfn, toHead: boolean): void {
    this.#moveTo(frame, (this.#gen[frame] as number) % MAX_NR_GENS, toHead);
  }

  #moveTo(frame: Pfn, gen: number, toHead: boolean): void {
    const { table, lists } = this.#at;
    const group = table.memcg[frame] as number;
    const type = this.typeOf(frame);
    const old = (this.#gen[frame] as number) - 1;
    if (old === gen) return;
    lists.remove(frame, this.#list(group, old, type));
    this.#resize(group, old, type, -1);
    this.#gen[frame] = gen + 1;
    if (toHead) lists.addHead(frame, this.#list(group, gen, type));
    else lists.addTail(frame, this.#list(group, gen, type));
    this.#resize(group, gen, type, 1);
  }

  /** A new youngest generation (inc_max_seq); where there are four the oldest is joined with the next. */
  incMaxSeq(group: number, maySwap: boolean): void {
    for (const type of [FILE, ANON]) if (this.count(group, type) === MAX_NR_GENS) this.#incMinSeq(group, type, maySwap);
    const max = this.maxSeq(group);
    for (const type of [ANON, FILE]) {
      const change = this.pages(group, max - 1, type) - this.pages(group, max + 1, type);
      this.#at.resize(group, type * 2, change);
      this.#at.resize(group, type * 2 + 1, -change);
    }
    this.#maxSeq[group] = max + 1;
  }

  #incMinSeq(group: number, type: number, maySwap: boolean): void {
    const seq = this.minSeq(group, type);
    if (type === FILE || maySwap) {
      for (let frame = this.oldest(group, seq, type); frame !== 0; frame = this.oldest(group, seq, type)) {
        this.tiers(group).protectedOne(type, this.tier(pfn(frame)));
        this.incGen(pfn(frame), false);
      }
    }
    this.tiers(group).carryOver(type);
    this.#minSeq[group * 2 + type] = seq + 1;
  }

  /** Generations that have become empty are gone (try_to_inc_min_seq). @returns whether there were any */
  dropEmpty(group: number, maySwap: boolean): boolean {
    const max = this.maxSeq(group);
    const found = [this.minSeq(group, ANON), this.minSeq(group, FILE)] as [number, number];
    for (let type = maySwap ? ANON : FILE; type <= FILE; type++)
      while ((found[type] as number) + MIN_NR_GENS <= max && this.pages(group, found[type] as number, type) === 0)
        (found[type] as number)++;
    if (maySwap) {
      // One kind does not get ahead of the other for good.
      const seq = max - MIN_NR_GENS;
      if (found[ANON] > seq && found[FILE] < seq) found[ANON] = seq;
      else if (found[FILE] > seq && found[ANON] < seq) found[FILE] = seq;
    }
    let dropped = false;
    for (const type of [ANON, FILE]) {
      if ((found[type] as number) <= this.minSeq(group, type)) continue;
      this.tiers(group).carryOver(type);
      this.#minSeq[group * 2 + type] = found[type] as number;
      dropped = true;
    }
    return dropped;
  }

  /** Frames of one of the old-fashioned lists 0 to 3, for views and checks. */
  *frames(group: number, list: number): Generator<Pfn> {
    for (let gen = 0; gen < MAX_NR_GENS; gen++)
      if (this.#isActive(group, gen) === (list % 2 === 1))
        yield* this.#at.lists.frames(this.#list(group, gen, list >> 1));
  }

  #isActive(group: number, gen: number): boolean {
    const max = this.maxSeq(group);
    return gen === max % MAX_NR_GENS || gen === (max - 1) % MAX_NR_GENS;
  }

  #list(group: number, gen: number, type: number): number {
    return this.#at.first + group * GEN_LISTS + gen * 2 + type;
  }

  #resize(group: number, gen: number, type: number, change: number): void {
    this.#at.resize(group, type * 2 + (this.#isActive(group, gen) ? 1 : 0), change);
  }

  save(): GenerationsState {
    return {
      gen: this.#gen.slice(),
      refs: this.#refs.slice(),
      maxSeq: this.#maxSeq.slice(),
      minSeq: this.#minSeq.slice(),
      tiers: Array.from(this.#tiers, (tiers) => tiers?.save()),
      filters: Array.from(this.#filters, (filter) => filter?.save()),
    };
  }

  restore(state: GenerationsState): void {
    this.#gen.set(state.gen);
    this.#refs.set(state.refs);
    this.#maxSeq.set(state.maxSeq);
    this.#minSeq.set(state.minSeq);
    this.#tiers.length = 0;
    state.tiers.forEach((saved, group) => {
      if (saved !== undefined) this.tiers(group).restore(saved);
    });
    this.#filters.length = 0;
    state.filters.forEach((saved, group) => {
      if (saved !== undefined) this.filter(group).restore(saved);
    });
  }
}

export interface GenerationsState {
  readonly gen: Uint8Array;
  readonly refs: Uint8Array;
  readonly maxSeq: Int32Array;
  readonly minSeq: Int32Array;
  readonly tiers: readonly (Float64Array | undefined)[];
  readonly filters: readonly (WalkFilterState | undefined)[];
}
