import type { Pfn } from '../../hardware/units.ts';
import type { PageCore } from '../core.ts';
import { PG_ACTIVE, PG_SWAPBACKED, PG_WORKINGSET } from '../frames/frame-table.ts';
import { LRU_ACTIVE_ANON, LRU_ACTIVE_FILE, LRU_INACTIVE_ANON, LRU_INACTIVE_FILE } from '../frames/lru.ts';
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
    const shadow = pack(target, this.#ages[target] ?? 0, this.#core.table.has(frame, PG_WORKINGSET));
    this.grow(target, 1);
    return shadow;
  }

  /**
   * Whether memory as it is now would have kept the page, had it been on the active list (workingset_test_recent).
   * @param isFile a page of a file; else of swap
   */
  isRecent(shadow: number, isFile = true): boolean {
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
    const { table, vmstat, cgroups, groupStats } = this.#core;
    const isFile = !table.has(frame, PG_SWAPBACKED);
    const payer = table.memcg[frame] as number;
    const group = cgroups.get(payer);
    const refault = isFile ? WORKINGSET_REFAULT_FILE : WORKINGSET_REFAULT_ANON;
    vmstat.count(refault);
    cgroups.count(payer, refault);
    if (isFile) group.refaultFile++;
    else group.refaultAnon++;
    if (!this.isRecent(shadow, isFile)) return;
    table.set(frame, PG_ACTIVE);
    this.grow(payer, 1);
    const activate = isFile ? WORKINGSET_ACTIVATE_FILE : WORKINGSET_ACTIVATE_ANON;
    vmstat.count(activate);
    cgroups.count(payer, activate);
    groupStats.noteActivation(payer, isFile, 1);
    if (!unpack(shadow).wasActive) return;
    table.set(frame, PG_WORKINGSET);
    this.#core.noteRefault(payer, isFile, 1);
    const restore = isFile ? WORKINGSET_RESTORE_FILE : WORKINGSET_RESTORE_ANON;
    vmstat.count(restore);
    cgroups.count(payer, restore);
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
