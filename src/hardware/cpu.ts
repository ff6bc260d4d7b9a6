import { keyRefuses } from './paging/protection-keys.ts';
import { PageWalker } from './paging/walk.ts';
import type { PhysicalMemory } from './physical-memory.ts';
import type { ProcessorModel, TlbLevelModel } from './processors/processor-model.ts';
import {
  DIRTY_WALKS,
  FLUSHES,
  INVLPGS,
  L1_DATA_LARGE_HITS,
  L1_DATA_MISSES,
  L1_INSTRUCTION_LARGE_HITS,
  L1_INSTRUCTION_MISSES,
  L2_DATA_HITS,
  L2_DATA_MISSES,
  L2_INSTRUCTION_HITS,
  L2_INSTRUCTION_MISSES,
  TlbCounters,
  WALK_CACHE_HITS,
  WALK_FAULTS,
  WALK_STEPS,
  WALKS,
} from './tlb/counters.ts';
import { TlbLevel, type TlbLevelState } from './tlb/tlb-level.ts';
import {
  FETCH,
  FLAG_DIRTY,
  FLAG_GLOBAL,
  FLAG_NX,
  FLAG_WRITE,
  keyOf,
  LOAD,
  PAGES_PER_SIZE,
  pcidCount,
  pcidStride,
  SIZE_4K,
  STORE,
  sizeOf,
} from './tlb/translation.ts';
import type { TranslationCache, TranslationCacheState } from './tlb/translation-cache.ts';
import type { Pfn, Vpn } from './units.ts';
import { pfn } from './units.ts';

export { FETCH, LOAD, STORE };

/** The tag of no page and of no empty entry. */
export const NO_TAG = -2;

/**
 * A CPU as memory management sees it: CR3 and PKRU, two levels of TLB, the page walker. Every access is a user's.
 *
 * The way of an access: L1 TLB, L2 TLB, page walk, page fault. A translation that does not allow an access is walked
 * again, as the processor does: it sets a dirty bit, finds rights that the kernel has widened since, or faults. A
 * fault forgets what is cached for its page (SDM vol. 3, 4.10.4.1). Refusals are never cached.
 *
 * For speed, a replay names pages by small numbers and lets `hitRuns` pass all runs that hit L1; only the others come
 * through `load`, `store` and `fetch`. Those count everything but the accesses, which the replay adds to
 * `counters.values[LOADS]` and so on when it has done a block.
 */
export class Cpu {
  readonly id: number;
  readonly model: ProcessorModel;
  readonly counters = new TlbCounters();
  /**
   * The tags of the L1 TLBs of 4 KiB pages, one after the other: of data for loads, from `storeBit` on of data for
   * stores (only where a store may pass), from twice that on of instructions. A place is an index into this.
   */
  readonly #tags: Float64Array;
  /** By place without its store bit: loads and stores share an entry's stamp. */
  readonly #stamps: Float64Array;
  /**
   * A power of two: the place of stores through an entry is that of loads plus this, so whoever has learnt the one knows
   * where to try the other.
   */
  readonly storeBit: number;
  /** What to add to a 4 KiB page's number to have its tag: the current PCID times a stride. */
  context = 0;
  /** Counts uses of translations, for LRU. */
  now = 0;

  readonly #dtlb: TranslationCache;
  readonly #itlb: TranslationCache;
  readonly #l1Data: TlbLevel;
  readonly #l1Instruction: TlbLevel;
  readonly #l2Data: TlbLevel;
  readonly #l2Instruction: TlbLevel;
  readonly #walker: PageWalker;
  readonly #levels: 4 | 5;
  #root = pfn(0);
  #pcid = 0;
  #pkru = 0;
  /** The L1 entry of the last access, 0 when it is not one of 4 KiB. */
  #way = 0;

  /** @param levels of page tables: 5 when CR4.LA57 is set */
  constructor(id: number, model: ProcessorModel, memory: PhysicalMemory, levels: 4 | 5 = 4) {
    this.id = id;
    this.model = model;
    this.#levels = levels;
    const data = smallEntries(model.l1Data);
    const code = smallEntries(model.l1Instruction);
    const storeBit = 2 ** Math.ceil(Math.log2(data));
    const codeStart = 2 * storeBit;
    this.storeBit = storeBit;
    this.#tags = new Float64Array(codeStart + code).fill(NO_TAG);
    this.#stamps = new Float64Array(codeStart + code);
    this.#l1Data = new TlbLevel(model.l1Data, levels, {
      tags: this.#tags.subarray(0, data),
      storeTags: this.#tags.subarray(storeBit, storeBit + data),
      stamps: this.#stamps.subarray(0, data),
    });
    this.#l1Instruction = new TlbLevel(model.l1Instruction, levels, {
      tags: this.#tags.subarray(codeStart),
      storeTags: new Float64Array(code),
      stamps: this.#stamps.subarray(codeStart),
    });
    this.#l2Data = new TlbLevel(model.l2, levels);
    this.#l2Instruction = model.l2Instruction ? new TlbLevel(model.l2Instruction, levels) : this.#l2Data;
    this.#walker = new PageWalker(memory, model, levels);
    this.#dtlb = this.#l1Data.small;
    this.#itlb = this.#l1Instruction.small;
  }

  get root(): Pfn {
    return this.#root;
  }

  get pkru(): number {
    return this.#pkru;
  }

  /**
   * Loads CR3. Without PCIDs (a negative one, or a model without) all but global translations are forgotten;
   * with one, what is cached for it is forgotten unless `noFlush` (bit 63 of CR3). Throws RangeError for a PCID that
   * cannot be told apart: from 4096, or with 5 levels from 127.
   */
  switchTo(root: Pfn, pcid: number, noFlush: boolean): void {
    if (pcid >= pcidCount(this.#levels))
      throw new RangeError(`Cpu.switchTo: PCID ${pcid} of ${pcidCount(this.#levels)}`);
    const withPcid = this.model.pcid && pcid >= 0;
    this.#root = root;
    this.#pcid = withPcid ? pcid : 0;
    this.context = this.#pcid * pcidStride(this.#levels);
    if (!withPcid) this.flushAll(false);
    else if (!noFlush) this.flushPcid(pcid);
  }

  /** WRPKRU. Translations stay; what they allow is judged anew. */
  setPkru(pkru: number): void {
    if (pkru === this.#pkru) return;
    this.#pkru = pkru;
    this.#l1Data.dropKeyed();
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
    const l1 = kind === FETCH ? this.#itlb : this.#dtlb;
    const tag = page + this.context;
    const way = l1.find(tag);
    let frame: number;
    if (way >= 0 && (kind !== STORE || l1.storeTags[way] === tag)) {
      l1.stamps[way] = ++this.now;
      frame = l1.frameAt(way);
    } else {
      frame = this.#resolve(page, kind, count, way);
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
    const tags = this.#tags;
    const stamps = this.#stamps;
    const entry = ~this.storeBit;
    const now = this.now + 1 - from;
    let run = from;
    for (; run < end; run++) {
      const number = runs[run];
      const place = places[number];
      if (tags[place] !== expected[number]) break;
      stamps[place & entry] = now + run;
    }
    this.now = now + run - 1;
    return run;
  }

  /** A run of loads. Returns its place for `hitRuns`, or -(error code + 1). Does not count the loads. */
  load(page: Vpn, count: number): number {
    const way = this.#dtlb.find(page + this.context);
    if (way < 0) return this.#resolveWay(page, LOAD, count, way);
    this.#dtlb.stamps[way] = ++this.now;
    return way;
  }

  /** A run that begins with a store. Returns its place for `hitRuns`, or -(error code + 1). Does not count it. */
  store(page: Vpn, count: number): number {
    const tag = page + this.context;
    let way = this.#dtlb.find(tag);
    if (way < 0 || this.#dtlb.storeTags[way] !== tag) {
      way = this.#resolveWay(page, STORE, count, way);
      return way < 0 ? way : way + this.storeBit;
    }
    this.#dtlb.stamps[way] = ++this.now;
    return way + this.storeBit;
  }

  /** A run of fetches. Returns its place for `hitRuns`, or -(error code + 1). Does not count the fetches. */
  fetch(page: Vpn, count: number): number {
    let way = this.#itlb.find(page + this.context);
    if (way < 0) {
      way = this.#resolveWay(page, FETCH, count, way);
      return way < 0 ? way : way + 2 * this.storeBit;
    }
    this.#itlb.stamps[way] = ++this.now;
    return way + 2 * this.storeBit;
  }

  /**
   * INVLPG, or INVPCID of one address when the PCID is not the current one. Forgets the page's translations, global
   * ones only in the first case, and all page-walk caches of the PCID (SDM vol. 3, 4.10.4.1).
   */
  invlpg(page: Vpn, pcid: number): void {
    const of = this.model.pcid && pcid >= 0 ? pcid : 0;
    this.counters.values[INVLPGS]++;
    this.#forget(page, of);
    if (of === this.#pcid) {
      this.#l1Data.dropGlobal(page);
      this.#l1Instruction.dropGlobal(page);
      this.#l2Data.dropGlobal(page);
      this.#l2Instruction.dropGlobal(page);
    }
    this.#walker.caches.dropPcid(of);
  }

  /** INVPCID of a single context: forgets all of one PCID but global translations. */
  flushPcid(pcid: number): void {
    this.counters.values[FLUSHES]++;
    this.#l1Data.dropPcid(pcid);
    this.#l1Instruction.dropPcid(pcid);
    this.#l2Data.dropPcid(pcid);
    if (this.#l2Instruction !== this.#l2Data) this.#l2Instruction.dropPcid(pcid);
    this.#walker.caches.dropPcid(pcid);
  }

  /** INVPCID of all contexts. */
  flushAll(includingGlobal: boolean): void {
    this.counters.values[FLUSHES]++;
    this.#l1Data.dropAll(includingGlobal);
    this.#l1Instruction.dropAll(includingGlobal);
    this.#l2Data.dropAll(includingGlobal);
    if (this.#l2Instruction !== this.#l2Data) this.#l2Instruction.dropAll(includingGlobal);
    this.#walker.caches.dropAll();
  }

  #resolveWay(page: number, kind: number, count: number, way: number): number {
    const frame = this.#resolve(page, kind, count, way);
    return frame < 0 ? frame : this.#way;
  }

  /**
   * An access that the L1 array of 4 KiB pages did not answer: `way` is its entry there that does not allow a store, or
   * -1. Returns the frame or -(error code + 1), and leaves the L1 entry in `#way`.
   */
  #resolve(page: number, kind: number, count: number, way: number): number {
    const isFetch = kind === FETCH;
    const l1 = isFetch ? this.#l1Instruction : this.#l1Data;
    const l2 = isFetch ? this.#l2Instruction : this.#l2Data;
    if (way >= 0 || l1.hasOthers || l2.hasOthers) return this.#resolveAny(page, kind, count);
    const now = ++this.now;
    const tag = page + this.context;
    const inL2 = l2.small.find(tag);
    if (inL2 < 0) return this.#walk(page, kind, count, false, false);
    const flags = l2.small.flagsAt(inL2);
    if (!this.#allows(flags, kind)) return this.#resolveAny(page, kind, count);
    l2.small.stamps[inL2] = now;
    const frame = l2.small.frameAt(inL2);
    this.#way = l1.small.add(tag, frame, flags, this.#allows(flags, STORE), now);
    return this.#countMiss(frame, flags, page, isFetch, count, true);
  }

  /** `resolve` for what is rare: large and global pages, and translations that do not allow the access. */
  #resolveAny(page: number, kind: number, count: number): number {
    const isFetch = kind === FETCH;
    const l1 = isFetch ? this.#l1Instruction : this.#l1Data;
    const l2 = isFetch ? this.#l2Instruction : this.#l2Data;
    const now = ++this.now;
    const inL1 = l1.lookup(page, this.#pcid);
    if (inL1) {
      const flags = l1.array.flagsAt(l1.way);
      if (this.#allows(flags, kind)) {
        l1.array.stamps[l1.way] = now;
        this.#way = l1.array === l1.small ? l1.way : 0;
        return this.#countHit(l1.array.frameAt(l1.way), flags, page, isFetch, count);
      }
    }
    const inL2 = l2.lookup(page, this.#pcid);
    if (inL2 && !inL1) {
      l2.array.stamps[l2.way] = now;
      const flags = l2.array.flagsAt(l2.way);
      if (this.#allows(flags, kind)) {
        const frame = l2.array.frameAt(l2.way);
        this.#way = Math.max(0, l1.insert(page, frame, flags, this.#allows(flags, STORE), now));
        return this.#countMiss(frame, flags, page, isFetch, count, true);
      }
    }
    return this.#walk(page, kind, count, inL1, inL2);
  }

  /** The page walk, when no TLB knows the page or what the one at hand knows (`lookup`) does not allow the access. */
  #walk(page: number, kind: number, count: number, inL1: boolean, inL2: boolean): number {
    const isFetch = kind === FETCH;
    const l1 = isFetch ? this.#l1Instruction : this.#l1Data;
    const l2 = isFetch ? this.#l2Instruction : this.#l2Data;
    const walker = this.#walker;
    const values = this.counters.values;
    const answer = walker.walk(this.#root, page, kind, this.#pcid, this.#pkru, this.now);
    values[WALKS]++;
    values[WALK_STEPS] += walker.steps;
    if (walker.shortened) values[WALK_CACHE_HITS]++;
    if (answer < 0) {
      values[WALK_FAULTS]++;
      if (inL1 || inL2) this.#forget(page, this.#pcid);
      walker.caches.drop(page, this.#pcid);
      return answer;
    }
    const { frame, flags } = walker;
    const isStale =
      (inL1 && differs(l1.array, l1.way, frame, flags)) || (inL2 && differs(l2.array, l2.way, frame, flags));
    if (isStale) this.#forget(page, this.#pcid);
    else if (inL1 || inL2) values[DIRTY_WALKS]++;
    const storable = this.#allows(flags, STORE);
    if (inL1 || inL2 || isOther(flags)) {
      if (inL2 && !isStale) l2.array.payload[2 * l2.way + 1] = flags;
      else if (!inL1 || isStale) l2.insert(page, frame, flags, false, this.now);
      this.#way = Math.max(0, l1.insert(page, frame, flags, storable, this.now));
    } else {
      l2.small.add(page + this.context, frame, flags, false, this.now);
      this.#way = l1.small.add(page + this.context, frame, flags, storable, this.now);
    }
    if (inL1) return this.#countHit(frame, flags, page, isFetch, count);
    return this.#countMiss(frame, flags, page, isFetch, count, inL2);
  }

  /** Whether a cached translation lets an access pass without a walk. */
  #allows(flags: number, kind: number): boolean {
    if (kind === FETCH) return (flags & FLAG_NX) === 0;
    if (keyRefuses(this.#pkru, keyOf(flags), kind === STORE)) return false;
    return kind === LOAD || (flags & (FLAG_WRITE | FLAG_DIRTY)) === (FLAG_WRITE | FLAG_DIRTY);
  }

  /** Counts a hit in L1 and returns the page's frame. */
  #countHit(frame: number, flags: number, page: number, isFetch: boolean, count: number): number {
    const size = sizeOf(flags);
    if (size === SIZE_4K) return frame;
    this.counters.values[(isFetch ? L1_INSTRUCTION_LARGE_HITS : L1_DATA_LARGE_HITS) + size] += count;
    return frame + (page & (PAGES_PER_SIZE[size] - 1));
  }

  /** Counts a miss in L1, of which the rest of the run hits, and returns the page's frame. */
  #countMiss(frame: number, flags: number, page: number, isFetch: boolean, count: number, inL2: boolean): number {
    const { values } = this.counters;
    const size = sizeOf(flags);
    if (isFetch) {
      values[L1_INSTRUCTION_MISSES + size]++;
      values[(inL2 ? L2_INSTRUCTION_HITS : L2_INSTRUCTION_MISSES) + size]++;
    } else {
      values[L1_DATA_MISSES + size]++;
      values[(inL2 ? L2_DATA_HITS : L2_DATA_MISSES) + size]++;
    }
    return this.#countHit(frame, flags, page, isFetch, count - 1);
  }

  #forget(page: number, pcid: number): void {
    this.#l1Data.drop(page, pcid);
    this.#l1Instruction.drop(page, pcid);
    this.#l2Data.drop(page, pcid);
    if (this.#l2Instruction !== this.#l2Data) this.#l2Instruction.drop(page, pcid);
  }

  /** Everything but the model and the memory, which the machine saves. */
  save(): CpuState {
    return {
      root: this.#root,
      pcid: this.#pcid,
      pkru: this.#pkru,
      now: this.now,
      counters: this.counters.values.slice(),
      l1Data: this.#l1Data.save(),
      l1Instruction: this.#l1Instruction.save(),
      l2Data: this.#l2Data.save(),
      l2Instruction: this.#l2Instruction === this.#l2Data ? undefined : this.#l2Instruction.save(),
      walkCaches: this.#walker.caches.save(),
    };
  }

  /** Goes on from a saved state of a CPU of the same model. Throws RangeError when it is of another. */
  restore(state: CpuState): void {
    this.#l1Data.restore(state.l1Data);
    this.#l1Instruction.restore(state.l1Instruction);
    this.#l2Data.restore(state.l2Data);
    if (state.l2Instruction !== undefined) this.#l2Instruction.restore(state.l2Instruction);
    this.#walker.caches.restore(state.walkCaches);
    this.counters.values.set(state.counters);
    this.#root = pfn(state.root);
    this.#pcid = state.pcid;
    this.context = state.pcid * pcidStride(this.#levels);
    this.#pkru = state.pkru;
    this.now = state.now;
  }
}

/** Whether a translation is not one of a 4 KiB page of the current PCID. */
const isOther = (flags: number): boolean => (flags & FLAG_GLOBAL) !== 0 || sizeOf(flags) !== SIZE_4K;

/** Whether a walk found another page or other rights than an entry has; a dirty bit alone is no difference. */
const differs = (cache: TranslationCache, way: number, frame: number, flags: number): boolean =>
  cache.frameAt(way) !== frame || (cache.flagsAt(way) | FLAG_DIRTY) !== (flags | FLAG_DIRTY);

/** Entries of a level's array of 4 KiB pages. */
const smallEntries = (model: TlbLevelModel): number => model.find((array) => array.pages.includes('4K'))?.entries ?? 0;

export interface CpuState {
  readonly root: number;
  readonly pcid: number;
  readonly pkru: number;
  readonly now: number;
  readonly counters: Float64Array;
  readonly l1Data: TlbLevelState;
  readonly l1Instruction: TlbLevelState;
  readonly l2Data: TlbLevelState;
  readonly l2Instruction: TlbLevelState | undefined;
  readonly walkCaches: (TranslationCacheState | undefined)[];
}
