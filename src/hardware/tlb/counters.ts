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
/** Page walks, those among them that ended in a fault, and those that only had to set a dirty bit. */
export const WALKS = 21;
export const WALK_FAULTS = 22;
export const DIRTY_WALKS = 23;
/** Entries that walks read from memory. */
export const WALK_STEPS = 24;
/** Walks that a page-walk cache shortened. */
export const WALK_CACHE_HITS = 25;
export const FLUSHES = 26;
export const INVLPGS = 27;
/** Shootdown interrupts received; counted by the kernel, which sends them. */
export const SHOOTDOWNS = 28;
const COUNT = 29;

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
    const level1 = (accesses: number, misses: number): Tlb1Json => ({
      hits: accesses - this.sum(misses),
      misses: this.#bySize(misses),
    });
    return {
      loads: values[LOADS],
      stores: values[STORES],
      fetches: values[FETCHES],
      l1Data: level1(this.dataAccesses, L1_DATA_MISSES),
      l1Instruction: level1(values[FETCHES], L1_INSTRUCTION_MISSES),
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

/** L1: what hits there is not asked for its size, as a replay passes over it. */
export interface Tlb1Json {
  readonly hits: number;
  readonly misses: BySize;
}

export interface TlbLevelJson {
  readonly hits: BySize;
  readonly misses: BySize;
}

export interface TlbCountersJson {
  readonly loads: number;
  readonly stores: number;
  readonly fetches: number;
  readonly l1Data: Tlb1Json;
  readonly l1Instruction: Tlb1Json;
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
