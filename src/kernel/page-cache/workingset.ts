import type { Pfn } from '../../hardware/units.ts';
import type { PageCore } from '../core.ts';
import { PG_ACTIVE, PG_SWAPBACKED, PG_WORKINGSET } from '../frames/frame-table.ts';
import { LRU_ACTIVE_ANON, LRU_ACTIVE_FILE, LRU_INACTIVE_ANON, LRU_INACTIVE_FILE } from '../frames/lru.ts';
import { ANON, FILE, type Generations, MAX_NR_GENS } from '../mglru/generations.ts';
import { tierOf } from '../mglru/tiers.ts';
import {
  WORKINGSET_ACTIVATE_ANON,
  WORKINGSET_ACTIVATE_FILE,
  WORKINGSET_REFAULT_ANON,
  WORKINGSET_REFAULT_FILE,
  WORKINGSET_RESTORE_ANON,
  WORKINGSET_RESTORE_FILE,
} from '../vmstat.ts';

/**
 * A shadow is a negative int32. Its 31 bits say whether the page had been active, which cgroup's reclaim took it, and that
 * cgroup's age then. Pages that went because the machine was short leave more room for the age.
 */
const ROOT_AGE_BITS = 29;
const CGROUP_AGE_BITS = 19;
const CGROUP_BITS = 10;
/** MGLRU's shadows hold a generation's number and two bits of use (LRU_REFS_WIDTH) in place of an age. */
const REFS = 4;

interface Shadow {
  readonly cgroup: number;
  readonly age: number;
  readonly ageBits: number;
  readonly wasActive: boolean;
}

function pack(cgroup: number, age: number, wasActive: boolean): number {
  const active = wasActive ? 1 : 0;
  if (cgroup === 0) return -1 - ((age % 2 ** ROOT_AGE_BITS) * 4 + active);
  const owned = (age % 2 ** CGROUP_AGE_BITS) * 2 ** CGROUP_BITS + cgroup;
  return -1 - (owned * 4 + 2 + active);
}

function unpack(shadow: number): Shadow {
  const bits = -1 - shadow;
  const wasActive = (bits & 1) === 1;
  const rest = bits >>> 2;
  if ((bits & 2) === 0) return { cgroup: 0, age: rest, ageBits: ROOT_AGE_BITS, wasActive };
  return { cgroup: rest % 2 ** CGROUP_BITS, age: rest >>> CGROUP_BITS, ageBits: CGROUP_AGE_BITS, wasActive };
}

/**
 * Recognises pages that come back soon after they were evicted (mm/workingset.c). Evictions and activations of a cgroup
 * advance its age and that of all above it; an evicted page leaves the age in the page index, or beside its place in swap, as
 * its shadow, and the difference at its return is how much larger memory had to be to have kept it.
 */
export class Workingset {
  readonly #core: PageCore;
  /** nonresident_age of each cgroup. */
  #ages: number[] = [0];
  /** Active pages of files that programs outside of the simulation keep in memory: they could have made room too. */
  elsewhere = 0;

  constructor(core: PageCore) {
    this.#core = core;
  }

  /**
   * The shadow of a page that is evicted now (workingset_eviction).
   * @param target the cgroup whose limit it goes for, 0 for the machine
   */
  eviction(frame: Pfn, target: number): number {
    const { generations } = this.#core.lru;
    if (generations !== undefined) return this.#generationShadow(generations, frame);
    const shadow = pack(target, this.#ages[target] ?? 0, this.#core.table.has(frame, PG_WORKINGSET));
    this.grow(target, 1);
    return shadow;
  }

  /** The oldest generation's number and how often the page was used (lru_gen_eviction). */
  #generationShadow(generations: Generations, frame: Pfn): number {
    const { table } = this.#core;
    const group = table.memcg[frame] as number;
    const type = generations.typeOf(frame);
    generations.tiers(group).evicted(type, generations.tier(frame));
    const token = generations.minSeq(group, type) * REFS + Math.max(generations.refs(frame) - 1, 0);
    return pack(group, token, table.has(frame, PG_WORKINGSET));
  }

  /** Evicted less than four generations ago (lru_gen_test_recent). */
  #isGenerationRecent(generations: Generations, { cgroup, age, ageBits }: Shadow): boolean {
    const now = generations.maxSeq(cgroup) % 2 ** (ageBits - 2);
    return Math.abs(now - Math.floor(age / REFS)) < MAX_NR_GENS;
  }

  /** lru_gen_refault: its tier comes back, and it is used as often as it was. */
  #generationRefault(generations: Generations, frame: Pfn, shadow: Shadow): void {
    const { table, lru } = this.#core;
    const payer = table.memcg[frame] as number;
    if (shadow.cgroup !== payer) return;
    const isFile = !table.has(frame, PG_SWAPBACKED);
    this.#countRefault(payer, isFile);
    if (!this.#isGenerationRecent(generations, shadow)) return;
    const refs = (shadow.age % REFS) + 1;
    const { wasActive } = shadow;
    generations.tiers(payer).refaulted(isFile ? FILE : ANON, tierOf(refs, wasActive));
    if (lru.inFault) this.#count(payer, isFile ? WORKINGSET_ACTIVATE_FILE : WORKINGSET_ACTIVATE_ANON);
    if (wasActive) {
      table.set(frame, PG_WORKINGSET);
      this.#count(payer, isFile ? WORKINGSET_RESTORE_FILE : WORKINGSET_RESTORE_ANON);
    } else generations.setRefs(frame, refs - 1);
  }

  #countRefault(payer: number, isFile: boolean): void {
    const group = this.#core.cgroups.get(payer);
    this.#count(payer, isFile ? WORKINGSET_REFAULT_FILE : WORKINGSET_REFAULT_ANON);
    if (isFile) group.refaultFile++;
    else group.refaultAnon++;
  }

  #count(payer: number, item: number): void {
    this.#core.vmstat.count(item);
    this.#core.cgroups.count(payer, item);
  }

  /**
   * Whether memory as it is now would have kept the page, had it been on the active list (workingset_test_recent).
   * @param isFile a page of a file; else of swap
   */
  isRecent(shadow: number, isFile = true): boolean {
    const { generations } = this.#core.lru;
    if (generations !== undefined) return this.#isGenerationRecent(generations, unpack(shadow));
    const { cgroup, age, ageBits } = unpack(shadow);
    const now = (this.#ages[cgroup] ?? 0) % 2 ** ageBits;
    const distance = now >= age ? now - age : now - age + 2 ** ageBits;
    return distance <= this.#couldKeep(cgroup, isFile);
  }

  /** Pages that could have made room: active ones of files, and with swap the anonymous ones; for those, all of files. */
  #couldKeep(cgroup: number, isFile: boolean): number {
    const { swap, groupStats, cgroups } = this.#core;
    const { sizes } = groupStats.of(cgroups.get(cgroup));
    let pages = (sizes[LRU_ACTIVE_FILE] as number) + (cgroup === 0 ? this.elsewhere : 0);
    if (!isFile) pages += sizes[LRU_INACTIVE_FILE] as number;
    if (swap.free === 0) return pages;
    pages += sizes[LRU_ACTIVE_ANON] as number;
    return isFile ? pages + (sizes[LRU_INACTIVE_ANON] as number) : pages;
  }

  /** A page with a shadow is in memory again (workingset_refault): a recent one begins as an active page. */
  refault(frame: Pfn, shadow: number): void {
    const { table, groupStats, lru } = this.#core;
    if (lru.generations !== undefined) {
      this.#generationRefault(lru.generations, frame, unpack(shadow));
      return;
    }
    const isFile = !table.has(frame, PG_SWAPBACKED);
    const payer = table.memcg[frame] as number;
    this.#countRefault(payer, isFile);
    if (!this.isRecent(shadow, isFile)) return;
    table.set(frame, PG_ACTIVE);
    this.grow(payer, 1);
    this.#count(payer, isFile ? WORKINGSET_ACTIVATE_FILE : WORKINGSET_ACTIVATE_ANON);
    groupStats.noteActivation(payer, isFile, 1);
    if (!unpack(shadow).wasActive) return;
    table.set(frame, PG_WORKINGSET);
    this.#core.noteRefault(payer, isFile, 1);
    this.#count(payer, isFile ? WORKINGSET_RESTORE_FILE : WORKINGSET_RESTORE_ANON);
  }

  /** Pages of a cgroup were evicted or became active: what went before is further away (workingset_age_nonresident). */
  grow(cgroup: number, pages: number): void {
    for (let group = this.#core.cgroups.get(cgroup); ; group = group.parent) {
      this.#ages[group.id] = (this.#ages[group.id] ?? 0) + pages;
      if (group.parent === undefined) return;
    }
  }

  /** Ages by cgroup, for a snapshot. */
  get age(): readonly number[] {
    return Array.from(this.#ages, (age) => age ?? 0);
  }

  restore(ages: readonly number[]): void {
    this.#ages = ages.slice();
  }
}
