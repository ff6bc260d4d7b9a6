import type { Pfn } from '../../hardware/units.ts';
import type { PageCore } from '../core.ts';
import { PG_ACTIVE, PG_WORKINGSET } from '../frames/frame-table.ts';
import { LRU_ACTIVE_FILE } from '../frames/lru.ts';
import { WORKINGSET_ACTIVATE_FILE, WORKINGSET_REFAULT_FILE, WORKINGSET_RESTORE_FILE } from '../vmstat.ts';

/** Bits of the age that a shadow keeps; one more says that the page had been active. */
const AGE_BITS = 30;
const AGE_MASK = 2 ** AGE_BITS - 1;

/**
 * Recognises pages that come back soon after they were evicted (mm/workingset.c). Evictions and activations advance one
 * age; an evicted page leaves the age in the page index as its shadow, and the difference at its return is how much
 * larger memory had to be to have kept it.
 */
export class Workingset {
  readonly #core: PageCore;
  /** nonresident_age. */
  #age = 0;
  /** Active pages of files that programs outside of the simulation keep in memory: they could have made room too. */
  elsewhere = 0;

  constructor(core: PageCore) {
    this.#core = core;
  }

  /** The shadow of a page that is evicted now: a negative int32 (workingset_eviction). */
  eviction(frame: Pfn): number {
    const shadow = -1 - ((this.#age & AGE_MASK) * 2 + (this.#core.table.has(frame, PG_WORKINGSET) ? 1 : 0));
    this.#age++;
    return shadow | 0;
  }

  /** Whether memory as it is now would have kept the page, had it been on the active list (workingset_test_recent). */
  isRecent(shadow: number): boolean {
    const distance = (this.#age - agePart(shadow)) & AGE_MASK;
    return distance <= (this.#core.lru.sizes[LRU_ACTIVE_FILE] as number) + this.elsewhere;
  }

  /** A page with a shadow is read again (workingset_refault): a recent one begins as an active page. */
  refault(frame: Pfn, shadow: number): void {
    const { table, vmstat } = this.#core;
    vmstat.count(WORKINGSET_REFAULT_FILE);
    if (!this.isRecent(shadow)) return;
    this.#age++;
    table.set(frame, PG_ACTIVE);
    vmstat.count(WORKINGSET_ACTIVATE_FILE);
    if (!wasWorkingset(shadow)) return;
    table.set(frame, PG_WORKINGSET);
    vmstat.count(WORKINGSET_RESTORE_FILE);
  }

  /** A page was activated (workingset_activation). */
  activation(): void {
    this.#age++;
  }

  get age(): number {
    return this.#age;
  }

  restore(age: number): void {
    this.#age = age;
  }
}

const agePart = (shadow: number): number => (-1 - shadow) >>> 1;
const wasWorkingset = (shadow: number): boolean => ((-1 - shadow) & 1) === 1;
