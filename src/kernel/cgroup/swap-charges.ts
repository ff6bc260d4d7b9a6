/** What groups have in swap, and may have (mem_cgroup_try_charge_swap and its neighbours in mm/memcontrol.c). */
import type { Pfn } from '../../hardware/units.ts';
import type { CgroupVersion } from './charging.ts';
import type { MemCgroup } from './mem-cgroup.ts';
import { countMemoryEvent, MEMCG_SWAP_FAIL, MEMCG_SWAP_MAX } from './memory-events.ts';

export abstract class SwapCharges {
  readonly version: CgroupVersion;
  /** The frame table's column of cgroup numbers. */
  protected readonly owners: Uint16Array;

  constructor(version: CgroupVersion, owners: Uint16Array) {
    this.version = version;
    this.owners = owners;
  }

  /** The group of a number, the root for one that is gone. */
  abstract get(id: number): MemCgroup;
  /** A removed group has lost a charge: without the last one it goes. */
  protected abstract releaseIfUnused(group: MemCgroup): void;

  /**
   * Places in swap that a group could still use (mem_cgroup_get_nr_swap_pages).
   * @param free places that are free in all areas
   */
  freeSwap(group: MemCgroup, free: number): number {
    let most = free;
    if (this.version === 2)
      for (let at = group; at.parent !== undefined; at = at.parent) most = Math.min(most, at.swap.margin);
    return most;
  }

  /** Whether a place in swap should be given up as soon as its page is in memory (mem_cgroup_swap_full). */
  isSwapFull(frame: Pfn): boolean {
    if (this.version === 1) return false;
    for (let at = this.get(this.owners[frame] as number); at.parent !== undefined; at = at.parent)
      if (at.swap.usage * 2 >= Math.min(at.swap.high, at.swap.max)) return true;
    return false;
  }

  /**
   * May a page go to swap? Of version 2, its group must have room there (mem_cgroup_try_charge_swap).
   * @param hasRoom an area has the places
   */
  mayUseSwap(frame: Pfn, hasRoom: boolean, pages = 1): boolean {
    const group = this.get(this.owners[frame] as number);
    if (this.version === 1) return hasRoom;
    if (hasRoom && this.freeSwap(group, pages) >= pages) return true;
    if (hasRoom) countMemoryEvent(group, MEMCG_SWAP_MAX, 2);
    countMemoryEvent(group, MEMCG_SWAP_FAIL, 2);
    return false;
  }

  /**
   * A page goes to swap. Version 1: its memory is free, its place in memory and swap together stays (memcg1_swapout).
   * Version 2 counts the place. @returns number of the group, 0 for none
   */
  swapOut(frame: Pfn): number {
    const id = this.owners[frame] as number;
    if (id === 0) return 0;
    const group = this.get(id);
    (this.version === 1 ? group.memsw : group.swap).charge(1);
    group.swapped++;
    return id;
  }

  /** A place in swap is free again (mem_cgroup_uncharge_swap). */
  swapFreed(id: number): void {
    if (id === 0) return;
    const group = this.get(id);
    (this.version === 1 ? group.memsw : group.swap).uncharge(1);
    group.swapped--;
    if (group.dying) this.releaseIfUnused(group);
  }
}
