import { Mmu } from './mmu.ts';
import type { PhysicalMemory } from './physical-memory.ts';
import type { ProcessorModel } from './processors/processor-model.ts';
import { FLUSHES, INVLPGS, type TlbCounters } from './tlb/counters.ts';
import { NO_TAG, type TlbHierarchyState } from './tlb/tlb-hierarchy.ts';
import { FETCH, LOAD, pcidCount, pcidStride, STORE } from './tlb/translation.ts';
import type { TranslationCache, TranslationCacheState } from './tlb/translation-cache.ts';
import type { Pfn, Vpn } from './units.ts';
import { pfn } from './units.ts';

export { FETCH, LOAD, NO_TAG, STORE };

/**
 * A CPU as memory management sees it: CR3, PKRU, the TLBs, and accesses, which are all a user's.
 *
 * For speed, a replay names pages by small numbers and lets `hitRuns` pass all runs that hit L1; only the others come
 * through `load`, `store` and `fetch`. Those count everything but the accesses, which the replay adds to
 * `counters.values[LOADS]` and so on when it has done a block.
 */
export class Cpu {
  readonly id: number;
  readonly model: ProcessorModel;
  /** It runs a guest: its walks are walked themselves (paging/nested.ts). Changes what they cost, not what they do. */
  readonly nested: boolean;
  readonly counters: TlbCounters;
  /**
   * A power of two: the place of stores through an entry is that of loads plus this, so whoever has learnt the one knows
   * where to try the other.
   */
  readonly storeBit: number;
  /** After `load`, `store` or `fetch`: the tag by which the place that they returned is known. */
  tag = 0;

  readonly #mmu: Mmu;
  /** The L1 TLBs of 4 KiB pages. */
  readonly #dtlb: TranslationCache;
  readonly #itlb: TranslationCache;
  readonly #levels: 4 | 5;

  /** @param levels of page tables: 5 when CR4.LA57 is set */
  constructor(id: number, model: ProcessorModel, memory: PhysicalMemory, levels: 4 | 5 = 4, nested = false) {
    this.id = id;
    this.nested = nested;
    this.model = model;
    this.#levels = levels;
    this.#mmu = new Mmu(model, memory, levels);
    this.counters = this.#mmu.counters;
    this.storeBit = this.#mmu.tlbs.storeBit;
    this.#dtlb = this.#mmu.tlbs.data.small;
    this.#itlb = this.#mmu.tlbs.instruction.small;
  }

  get root(): Pfn {
    return this.#mmu.root;
  }

  get pkru(): number {
    return this.#mmu.pkru;
  }

  /** What to add to a 4 KiB page's number to have its tag. Changes with the address space. */
  get context(): number {
    return this.#mmu.context;
  }

  /** Uses of translations so far. */
  get now(): number {
    return this.#mmu.now;
  }

  /**
   * Loads CR3. Without PCIDs (a negative one, or a model without) all but global translations are forgotten;
   * with one, what is cached for it is forgotten unless `noFlush` (bit 63 of CR3). Throws RangeError for a PCID that
   * cannot be told apart: from 4096, or with 5 levels from 127.
   */
  switchTo(root: Pfn, pcid: number, noFlush: boolean): void {
    if (pcid >= pcidCount(this.#levels))
      throw new RangeError(`Cpu.switchTo: PCID ${pcid} of ${pcidCount(this.#levels)}`);
    const mmu = this.#mmu;
    mmu.root = root;
    mmu.pcid = this.#tagged(pcid);
    mmu.context = mmu.pcid * pcidStride(this.#levels);
    if (!this.model.pcid || pcid < 0) this.flushAll(false);
    else if (!noFlush) this.flushPcid(pcid);
  }

  /** The PCID that translations are tagged with: 0 for all where there are none. */
  #tagged(pcid: number): number {
    return this.model.pcid && pcid >= 0 ? pcid : 0;
  }

  /** WRPKRU. Translations stay; what they allow is judged anew. */
  setPkru(pkru: number): void {
    if (pkru === this.#mmu.pkru) return;
    this.#mmu.pkru = pkru;
    this.#mmu.tlbs.data.dropKeyed();
  }

  /**
   * One access. Returns the frame of the 4 KiB page, or -(error code + 1) for a page fault (PF_*).
   * @param kind LOAD, STORE or FETCH
   */
  translate(page: Vpn, kind: number): number {
    return this.access(page, kind, 1);
  }

  /** A run of `count` accesses of one kind to one page: as `translate`, counting all of them. */
  access(page: Vpn, kind: number, count: number): number {
    const mmu = this.#mmu;
    const l1 = kind === FETCH ? this.#itlb : this.#dtlb;
    const tag = page + mmu.context;
    const way = l1.find(tag);
    let frame: number;
    if (way >= 0 && (kind !== STORE || l1.storeTags[way] === tag)) {
      l1.stamps[way] = ++mmu.now;
      frame = l1.frameAt(way);
    } else {
      frame = mmu.resolve(page, kind, way);
      if (frame < 0) return frame;
    }
    this.counters.values[kind] += count;
    return frame;
  }

  /**
   * Passes runs while they hit L1. `runs[i]` is a number below 256 for the page and kind of run i; `expected` and
   * `places` say for each such number the tag of its page (the page number + `context`) and the place that `load`,
   * `store` or `fetch` returned for it last. A place that is out of date, or 0, is safe: the tag decides. NO_TAG
   * as the expected one always ends the loop.
   * Returns the first run that does not hit, or `end`.
   *
   * Nothing is called within the loop: a call would make V8 check every array again for each run.
   */
  hitRuns(runs: Uint8Array, from: number, end: number, expected: Float64Array, places: Int32Array): number {
    const tags = this.#mmu.tlbs.tags;
    const stamps = this.#mmu.tlbs.stamps;
    const entry = ~this.storeBit;
    const now = this.#mmu.now + 1 - from;
    let run = from;
    for (; run < end; run++) {
      const number = runs[run];
      const place = places[number];
      if (tags[place] !== expected[number]) break;
      stamps[place & entry] = now + run;
    }
    this.#mmu.now = now + run - 1;
    return run;
  }

  /**
   * A run of loads. Returns its place for `hitRuns`, and leaves the tag that stands there in `tag`, or returns
   * -(error code + 1). Does not count the loads.
   */
  load(page: Vpn): number {
    this.tag = page + this.#mmu.context;
    const way = this.#dtlb.find(this.tag);
    if (way < 0) return this.#resolvePlace(page, LOAD, way, 0);
    this.#dtlb.stamps[way] = ++this.#mmu.now;
    return way;
  }

  /** The same for a run that begins with a store. */
  store(page: Vpn): number {
    this.tag = page + this.#mmu.context;
    const way = this.#dtlb.find(this.tag);
    if (way < 0 || this.#dtlb.storeTags[way] !== this.tag) return this.#resolvePlace(page, STORE, way, this.storeBit);
    this.#dtlb.stamps[way] = ++this.#mmu.now;
    return way + this.storeBit;
  }

  /** The same for a run of fetches. */
  fetch(page: Vpn): number {
    this.tag = page + this.#mmu.context;
    const way = this.#itlb.find(this.tag);
    if (way < 0) return this.#resolvePlace(page, FETCH, way, 2 * this.storeBit);
    this.#itlb.stamps[way] = ++this.#mmu.now;
    return way + 2 * this.storeBit;
  }

  #resolvePlace(page: number, kind: number, way: number, base: number): number {
    const mmu = this.#mmu;
    const frame = mmu.resolve(page, kind, way);
    if (frame < 0) return frame;
    // A page of a size or kind that L1 keeps nowhere is looked for in vain the next time.
    if (mmu.way < 0) return base;
    this.tag = mmu.tlbs.tags[(kind === FETCH ? base : 0) + mmu.way];
    return base + mmu.way;
  }

  /**
   * INVLPG, or INVPCID of one address when the PCID is not the current one. Forgets the page's translations, global
   * ones only in the first case, and all page-walk caches of the PCID (SDM vol. 3, 4.10.4.1).
   */
  invlpg(page: Vpn, pcid: number): void {
    const { tlbs, walker } = this.#mmu;
    const tagged = this.#tagged(pcid);
    this.counters.values[INVLPGS]++;
    tlbs.drop(page, tagged);
    if (tagged === this.#mmu.pcid) tlbs.dropGlobal(page);
    walker.caches.dropPcid(tagged);
  }

  /** INVPCID of a single context: forgets all of one PCID but global translations. */
  flushPcid(pcid: number): void {
    const tagged = this.#tagged(pcid);
    this.counters.values[FLUSHES]++;
    this.#mmu.tlbs.dropPcid(tagged);
    this.#mmu.walker.caches.dropPcid(tagged);
  }

  /** INVPCID of all contexts. */
  flushAll(includingGlobal: boolean): void {
    this.counters.values[FLUSHES]++;
    this.#mmu.tlbs.dropAll(includingGlobal);
    this.#mmu.walker.caches.dropAll();
  }

  /** Everything but the model and the memory, which the machine saves. */
  save(): CpuState {
    const { root, pcid, pkru, now, tlbs, walker } = this.#mmu;
    const counters = this.counters.values.slice();
    return { root, pcid, pkru, now, counters, tlbs: tlbs.save(), walkCaches: walker.caches.save() };
  }

  /** Goes on from a saved state of a CPU of the same model. Throws RangeError when it is of another. */
  restore(state: CpuState): void {
    const mmu = this.#mmu;
    mmu.tlbs.restore(state.tlbs);
    mmu.walker.caches.restore(state.walkCaches);
    mmu.root = pfn(state.root);
    mmu.pcid = state.pcid;
    mmu.context = state.pcid * pcidStride(this.#levels);
    mmu.pkru = state.pkru;
    mmu.now = state.now;
    this.counters.values.set(state.counters);
  }
}

export interface CpuState {
  readonly root: number;
  readonly pcid: number;
  readonly pkru: number;
  readonly now: number;
  readonly counters: Float64Array;
  readonly tlbs: TlbHierarchyState;
  readonly walkCaches: (TranslationCacheState | undefined)[];
}
