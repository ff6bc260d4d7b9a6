import { type PAGE_SIZE_NAMES, SIZE_1G, SIZE_2M, SIZE_4K } from './translation.ts';

/** Indexes of `TlbCounters.values`. A group of three is by page size: 4K, 2M, 1G. */
export const LOADS = 0;
export const STORES = 1;
export const FETCHES = 2;
export const L1_DATA_MISSES = 3;
export const L1_INSTRUCTION_MISSES = 6;
export const L2_DATA_HITS = 9;
export const L2_INSTRUCTION_HITS = 12;
export const L2_DATA_MISSES = 15;
export const L2_INSTRUCTION_MISSES = 18;
/** Hits in L1 on 2M and 1G pages; what is left of the accesses after misses and these hit on 4K pages. */
export const L1_DATA_LARGE_HITS = 21;
export const L1_INSTRUCTION_LARGE_HITS = 24;
/** Page walks, those among them that ended in a fault, and those that only had to set a dirty bit. */
export const WALKS = 27;
export const WALK_FAULTS = 28;
export const DIRTY_WALKS = 29;
/** Entries that walks read from memory. */
export const WALK_STEPS = 30;
/** Walks that a page-walk cache shortened. */
export const WALK_CACHE_HITS = 31;
export const FLUSHES = 32;
export const INVLPGS = 33;
/** Shootdown interrupts received; counted by the kernel, which sends them. */
export const SHOOTDOWNS = 34;
const COUNT = 35;

/** Hits and misses by page size. */
export type BySize = Readonly<Record<(typeof PAGE_SIZE_NAMES)[number], number>>;

/**
 * What a CPU counts. An access is counted when it is done; one that faults is counted when it is tried again and
 * succeeds, so hits + misses of L1 are the accesses, and misses of L1 are hits + misses of L2.
 */
export class TlbCounters {
  readonly values = new Float64Array(COUNT);

  get accesses(): number {
    return this.dataAccesses + this.values[FETCHES];
  }

  get dataAccesses(): number {
    return this.values[LOADS] + this.values[STORES];
  }

  /** All misses of the L1 data TLB, or with another group's first index of that group. */
  sum(group: number): number {
    return this.values[group] + this.values[group + 1] + this.values[group + 2];
  }

  /** Adds another CPU's counts. */
  add(other: TlbCounters): void {
    for (let i = 0; i < COUNT; i++) this.values[i] += other.values[i];
  }

  toJSON(): TlbCountersJson {
    const { values } = this;
    const level = (accesses: number, misses: number, largeHits: number): TlbLevelJson => {
      const missed = this.#bySize(misses);
      const small = accesses - this.sum(misses) - values[largeHits + SIZE_2M] - values[largeHits + SIZE_1G];
      return { hits: { ...this.#bySize(largeHits), '4K': small }, misses: missed };
    };
    return {
      loads: values[LOADS],
      stores: values[STORES],
      fetches: values[FETCHES],
      l1Data: level(this.dataAccesses, L1_DATA_MISSES, L1_DATA_LARGE_HITS),
      l1Instruction: level(values[FETCHES], L1_INSTRUCTION_MISSES, L1_INSTRUCTION_LARGE_HITS),
      l2Data: { hits: this.#bySize(L2_DATA_HITS), misses: this.#bySize(L2_DATA_MISSES) },
      l2Instruction: { hits: this.#bySize(L2_INSTRUCTION_HITS), misses: this.#bySize(L2_INSTRUCTION_MISSES) },
      walks: values[WALKS],
      walkFaults: values[WALK_FAULTS],
      dirtyWalks: values[DIRTY_WALKS],
      walkSteps: values[WALK_STEPS],
      walkCacheHits: values[WALK_CACHE_HITS],
      flushes: values[FLUSHES],
      invlpgs: values[INVLPGS],
      shootdowns: values[SHOOTDOWNS],
    };
  }

  #bySize(group: number): BySize {
    const { values } = this;
    return { '4K': values[group + SIZE_4K], '2M': values[group + SIZE_2M], '1G': values[group + SIZE_1G] };
  }
}

export interface TlbLevelJson {
  readonly hits: BySize;
  readonly misses: BySize;
}

export interface TlbCountersJson {
  readonly loads: number;
  readonly stores: number;
  readonly fetches: number;
  readonly l1Data: TlbLevelJson;
  readonly l1Instruction: TlbLevelJson;
  readonly l2Data: TlbLevelJson;
  readonly l2Instruction: TlbLevelJson;
  readonly walks: number;
  readonly walkFaults: number;
  readonly dirtyWalks: number;
  readonly walkSteps: number;
  readonly walkCacheHits: number;
  readonly flushes: number;
  readonly invlpgs: number;
  readonly shootdowns: number;
}
