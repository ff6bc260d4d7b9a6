/**
 * Which pages come back after they were evicted, by kind and by how often they were used (the controller of mm/vmscan.c:
 * read_ctrl_pos, positive_ctrl_err, reset_ctrl_pos): what comes back more often is evicted less.
 */

/** Tiers by use through file descriptors: 0 or 1, 2, 3 or 4 uses, and the working set. */
export const MAX_NR_TIERS = 4;
/** Pages that eviction takes at a time. */
export const MIN_LRU_BATCH = 64;
const TYPES = 2;

const EVICTED = 0;
const REFAULTED = 1;
const PROTECTED = 2;
const AVG_REFAULTED = 3;
const AVG_TOTAL = 4;
const COUNTS = 5;

/** A point of the controller: how much of what went came back, weighed. */
interface Position {
  readonly refaulted: number;
  readonly total: number;
  readonly gain: number;
}

/** tier of a folio that was used so often (lru_tier_from_refs). */
export const tierOf = (refs: number, isWorkingset: boolean): number =>
  isWorkingset ? MAX_NR_TIERS - 1 : refs < 2 ? 0 : refs === 2 ? 1 : 2;

/** The controller of one cgroup's pages. */
export class Tiers {
  /** By count, kind and tier. */
  readonly #counts = new Float64Array(COUNTS * TYPES * MAX_NR_TIERS);

  evicted(type: number, tier: number): void {
    this.#add(EVICTED, type, tier);
  }

  refaulted(type: number, tier: number): void {
    this.#add(REFAULTED, type, tier);
  }

  /** A folio was spared: its tier comes back too often. */
  protectedOne(type: number, tier: number): void {
    this.#add(PROTECTED, type, tier);
  }

  /** The oldest generation of a kind is gone: old counts count half from now on. */
  carryOver(type: number): void {
    for (let tier = 0; tier < MAX_NR_TIERS; tier++) {
      const refaulted = this.#get(AVG_REFAULTED, type, tier) + this.#get(REFAULTED, type, tier);
      const total =
        this.#get(AVG_TOTAL, type, tier) + this.#get(EVICTED, type, tier) + this.#get(PROTECTED, type, tier);
      this.#set(AVG_REFAULTED, type, tier, Math.floor(refaulted / 2));
      this.#set(AVG_TOTAL, type, tier, Math.floor(total / 2));
      for (const count of [EVICTED, REFAULTED, PROTECTED]) this.#set(count, type, tier, 0);
    }
  }

  /** The kind that is cheaper to evict: 1 for files (get_type_to_scan). */
  typeToScan(swappiness: number): 0 | 1 {
    const anon = this.#all(0, swappiness);
    const file = this.#all(1, 200 - swappiness);
    return isCheaper(anon, file) ? 1 : 0;
  }

  /** The last tier of a kind that may be evicted: those above it come back more often than the first (get_tier_idx). */
  lastTier(type: number): number {
    const first = this.#at(type, 0, 2);
    for (let tier = 1; tier < MAX_NR_TIERS; tier++) if (!isCheaper(first, this.#at(type, tier, 3))) return tier - 1;
    return MAX_NR_TIERS - 1;
  }

  #at(type: number, tier: number, gain: number): Position {
    return {
      refaulted: this.#get(AVG_REFAULTED, type, tier) + this.#get(REFAULTED, type, tier),
      total: this.#get(AVG_TOTAL, type, tier) + this.#get(PROTECTED, type, tier) + this.#get(EVICTED, type, tier),
      gain,
    };
  }

  #all(type: number, gain: number): Position {
    let refaulted = 0;
    let total = 0;
    for (let tier = 0; tier < MAX_NR_TIERS; tier++) {
      const position = this.#at(type, tier, gain);
      refaulted += position.refaulted;
      total += position.total;
    }
    return { refaulted, total, gain };
  }

  #add(count: number, type: number, tier: number): void {
    this.#set(count, type, tier, this.#get(count, type, tier) + 1);
  }

  #get(count: number, type: number, tier: number): number {
    return this.#counts[(count * TYPES + type) * MAX_NR_TIERS + tier] as number;
  }

  #set(count: number, type: number, tier: number, value: number): void {
    this.#counts[(count * TYPES + type) * MAX_NR_TIERS + tier] = value;
  }

  save(): Float64Array {
    return this.#counts.slice();
  }

  restore(state: Float64Array): void {
    this.#counts.set(state);
  }
}

/** Whether the second may be evicted rather than the first (positive_ctrl_err): it comes back no more often, as weighed. */
const isCheaper = (first: Position, second: Position): boolean =>
  second.refaulted < MIN_LRU_BATCH ||
  second.refaulted * (first.total + MIN_LRU_BATCH) * first.gain <= (first.refaulted + 1) * second.total * second.gain;
