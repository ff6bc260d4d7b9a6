import { keyRefuses } from './paging/protection-keys.ts';
import { PageWalker } from './paging/walk.ts';
import type { PhysicalMemory } from './physical-memory.ts';
import type { ProcessorModel } from './processors/processor-model.ts';
import {
  DIRTY_WALKS,
  L1_DATA_MISSES,
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
import { TlbHierarchy } from './tlb/tlb-hierarchy.ts';
import {
  FETCH,
  FLAG_DIRTY,
  FLAG_GLOBAL,
  FLAG_NX,
  FLAG_WRITE,
  keyOf,
  LOAD,
  PAGES_PER_SIZE,
  SIZE_4K,
  STORE,
  sizeOf,
} from './tlb/translation.ts';
import type { TranslationCache } from './tlb/translation-cache.ts';
import { pfn } from './units.ts';

/**
 * The memory management unit: what becomes of an access that the L1 TLB of 4 KiB pages did not answer. L1 for other
 * pages, L2, page walk, page fault.
 *
 * A translation that does not allow an access is walked again, as the processor does: the walk sets a dirty bit, finds
 * rights that the kernel has widened since, or faults. A fault forgets what is cached for its page (SDM vol. 3,
 * 4.10.4.1). Refusals are never cached.
 */
export class Mmu {
  readonly tlbs: TlbHierarchy;
  readonly walker: PageWalker;
  readonly counters = new TlbCounters();
  /** CR3 and PKRU. */
  root = pfn(0);
  pcid = 0;
  pkru = 0;
  /** What to add to a 4 KiB page's number to have its tag: the PCID times a stride. */
  context = 0;
  /** Counts uses of translations, for LRU. */
  now = 0;
  /** The place in its L1 of the last `resolve`, -1 when it is kept nowhere. */
  way = 0;

  constructor(model: ProcessorModel, memory: PhysicalMemory, levels: 4 | 5) {
    this.tlbs = new TlbHierarchy(model, levels);
    this.walker = new PageWalker(memory, model, levels);
  }

  /**
   * An access that the L1 array of 4 KiB pages did not answer: `way` is its entry there that does not allow a store, or
   * -1. Returns the frame or -(error code + 1), and leaves the L1 entry in `way`.
   */
  resolve(page: number, kind: number, way: number): number {
    const isFetch = kind === FETCH;
    const l1 = isFetch ? this.tlbs.instruction : this.tlbs.data;
    const l2 = isFetch ? this.tlbs.l2Instruction : this.tlbs.l2Data;
    if (way >= 0 || l1.hasOthers || l2.hasOthers) return this.#resolveAny(page, kind);
    const now = ++this.now;
    const tag = page + this.context;
    const inL2 = l2.small.find(tag);
    if (inL2 < 0) return this.#walk(page, kind, false, false);
    const flags = l2.small.flagsAt(inL2);
    if (!this.#allows(flags, kind)) return this.#resolveAny(page, kind);
    l2.small.stamps[inL2] = now;
    const frame = l2.small.frameAt(inL2);
    this.way = l1.small.add(tag, frame, flags, this.#allows(flags, STORE), now);
    return this.#countMiss(frame, flags, page, isFetch, true);
  }

  /** `resolve` for what is rare: large and global pages, and translations that do not allow the access. */
  #resolveAny(page: number, kind: number): number {
    const isFetch = kind === FETCH;
    const l1 = isFetch ? this.tlbs.instruction : this.tlbs.data;
    const l2 = isFetch ? this.tlbs.l2Instruction : this.tlbs.l2Data;
    const now = ++this.now;
    const inL1 = l1.lookup(page, this.pcid);
    if (inL1) {
      const flags = l1.array.flagsAt(l1.way);
      if (this.#allows(flags, kind)) {
        l1.array.stamps[l1.way] = now;
        this.way = l1.array.first + l1.way;
        return frameOf(l1.array.frameAt(l1.way), flags, page);
      }
    }
    const inL2 = l2.lookup(page, this.pcid);
    if (inL2 && !inL1) {
      l2.array.stamps[l2.way] = now;
      const flags = l2.array.flagsAt(l2.way);
      if (this.#allows(flags, kind)) {
        const frame = l2.array.frameAt(l2.way);
        this.way = l1.insert(page, frame, flags, this.#allows(flags, STORE), now);
        return this.#countMiss(frame, flags, page, isFetch, true);
      }
    }
    return this.#walk(page, kind, inL1, inL2);
  }

  /** The page walk, when no TLB knows the page or what the one at hand knows (`lookup`) does not allow the access. */
  #walk(page: number, kind: number, inL1: boolean, inL2: boolean): number {
    const isFetch = kind === FETCH;
    const l1 = isFetch ? this.tlbs.instruction : this.tlbs.data;
    const l2 = isFetch ? this.tlbs.l2Instruction : this.tlbs.l2Data;
    const walker = this.walker;
    const values = this.counters.values;
    const answer = walker.walk(this.root, page, kind, this.pcid, this.pkru, this.now);
    values[WALKS]++;
    values[WALK_STEPS] += walker.steps;
    if (walker.shortened) values[WALK_CACHE_HITS]++;
    if (answer < 0) {
      values[WALK_FAULTS]++;
      if (inL1 || inL2) this.tlbs.drop(page, this.pcid);
      walker.caches.drop(page, this.pcid);
      return answer;
    }
    const { frame, flags } = walker;
    const isStale =
      (inL1 && differs(l1.array, l1.way, frame, flags)) || (inL2 && differs(l2.array, l2.way, frame, flags));
    if (isStale) this.tlbs.drop(page, this.pcid);
    else if (inL1 || inL2) values[DIRTY_WALKS]++;
    const storable = this.#allows(flags, STORE);
    if (inL1 || inL2 || isOther(flags)) {
      if (inL2 && !isStale) l2.array.payload[2 * l2.way + 1] = flags;
      else if (!inL1 || isStale) l2.insert(page, frame, flags, false, this.now);
      this.way = l1.insert(page, frame, flags, storable, this.now);
    } else {
      l2.small.add(page + this.context, frame, flags, false, this.now);
      this.way = l1.small.add(page + this.context, frame, flags, storable, this.now);
    }
    return inL1 ? frameOf(frame, flags, page) : this.#countMiss(frame, flags, page, isFetch, inL2);
  }

  /** Whether a cached translation lets an access pass without a walk. */
  #allows(flags: number, kind: number): boolean {
    if (kind === FETCH) return (flags & FLAG_NX) === 0;
    if (keyRefuses(this.pkru, keyOf(flags), kind === STORE)) return false;
    return kind === LOAD || (flags & (FLAG_WRITE | FLAG_DIRTY)) === (FLAG_WRITE | FLAG_DIRTY);
  }

  /** Counts a miss in L1 and returns the page's frame. */
  #countMiss(frame: number, flags: number, page: number, isFetch: boolean, inL2: boolean): number {
    const { values } = this.counters;
    const size = sizeOf(flags);
    if (isFetch) {
      values[L1_INSTRUCTION_MISSES + size]++;
      values[(inL2 ? L2_INSTRUCTION_HITS : L2_INSTRUCTION_MISSES) + size]++;
    } else {
      values[L1_DATA_MISSES + size]++;
      values[(inL2 ? L2_DATA_HITS : L2_DATA_MISSES) + size]++;
    }
    return frameOf(frame, flags, page);
  }
}

/** The frame of a 4 KiB page within a page of any size. */
const frameOf = (frame: number, flags: number, page: number): number =>
  frame + (page & (PAGES_PER_SIZE[sizeOf(flags)] - 1));

/** Whether a translation is not one of a 4 KiB page of the current PCID. */
const isOther = (flags: number): boolean => (flags & FLAG_GLOBAL) !== 0 || sizeOf(flags) !== SIZE_4K;

/** Whether a walk found another page or other rights than an entry has; a dirty bit alone is no difference. */
const differs = (cache: TranslationCache, way: number, frame: number, flags: number): boolean =>
  cache.frameAt(way) !== frame || (cache.flagsAt(way) | FLAG_DIRTY) !== (flags | FLAG_DIRTY);
