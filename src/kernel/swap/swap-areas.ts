import type { Pfn } from '../../hardware/units.ts';
import type { PageCore } from '../core.ts';
import { PG_RESERVED } from '../frames/frame-table.ts';
import { MIGRATE_MOVABLE } from '../frames/zone.ts';
import { areaOf, MOST_SLOTS, swapEntry } from '../page-table/soft-entry.ts';
import { panic } from '../panic.ts';
import { NR_ZSPAGES } from '../vmstat.ts';
import { SwapArea, type SwapAreaInit, type SwapAreaState } from './swap-area.ts';
import type { SwapDevice } from './swap-devices.ts';

/** Areas that a machine may have (MAX_SWAPFILES without the special types). */
const MOST_AREAS = 24;

/** The swap areas of the machine and which of them gives the next slot (mm/swapfile.c). */
export abstract class SwapAreas {
  protected readonly core: PageCore;
  /** By number. */
  readonly #areas: (SwapArea | undefined)[] = [];
  /** By priority; those of equal priority in the order of their turns (swap_avail_head). */
  #available: SwapArea[] = [];
  /** Without a priority of its own an area comes behind all before it. */
  #leastPriority = -1;
  /** Where each CPU looks for the next slot first, by its number (percpu_swap_cluster). */
  readonly #cursorAreas: (SwapArea | undefined)[] = [];
  readonly #cursorSlots: number[] = [];
  #total = 0;
  #used = 0;

  constructor(core: PageCore) {
    this.core = core;
  }

  /** The areas by their numbers, as /proc/swaps lists them. */
  get areas(): SwapArea[] {
    return this.#areas.filter((area) => area !== undefined);
  }

  /** SwapTotal in pages. */
  get total(): number {
    return this.#total;
  }

  /** SwapFree in pages. */
  get free(): number {
    return this.#total - this.#used;
  }

  /** More than half of swap is used: slots are given back as soon as their pages are in memory (vm_swap_full). */
  get isFull(): boolean {
    return this.free * 2 < this.#total;
  }

  /** A moving disk is in use: readahead goes by slots then (nr_rotate_swap). */
  get hasRotational(): boolean {
    for (const area of this.#available) if (area.device.rotational) return true;
    return false;
  }

  /** As many areas are in use as there can be (MAX_SWAPFILES). */
  get isUsedUp(): boolean {
    return this.areas.length >= MOST_AREAS;
  }

  /**
   * Puts an area into use (the end of swapon). One that is too large for the entries is used as far as they reach.
   * @param priority from 0 to 32767; without one it comes behind all areas before it
   */
  add(init: Omit<SwapAreaInit, 'number' | 'priority'>, priority: number = --this.#leastPriority): void {
    let number = this.#areas.indexOf(undefined);
    if (number < 0) number = this.#areas.length;
    const area = this.#make({ ...init, number, priority, slots: Math.min(init.slots, MOST_SLOTS) });
    this.#enlist(area);
    this.#total += area.usable;
  }

  #make(init: SwapAreaInit): SwapArea {
    const { allocator, table, vmstat } = this.core;
    const frames = {
      take: () => {
        const frame = allocator.allocate(0, MIGRATE_MOVABLE);
        if (frame < 0) return -1;
        table.flags[frame] = PG_RESERVED;
        vmstat.count(NR_ZSPAGES);
        return frame as Pfn;
      },
      give: (frame: Pfn) => {
        allocator.release(frame, 0);
        vmstat.count(NR_ZSPAGES, -1);
      },
    };
    const area = new SwapArea(init, (slot) => this.reclaimSlot(swapEntry(area.number, slot)), frames);
    this.#areas[area.number] = area;
    return area;
  }

  #enlist(area: SwapArea): void {
    const behind = this.#available.findIndex((other) => other.priority < area.priority);
    this.#available.splice(behind < 0 ? this.#available.length : behind, 0, area);
  }

  /** No more slots of an area are given out (the beginning of swapoff, del_from_avail_list). */
  close(area: SwapArea): void {
    this.#available.splice(this.#available.indexOf(area), 1);
    for (let cpu = 0; cpu < this.#cursorAreas.length; cpu++)
      if (this.#cursorAreas[cpu] === area) this.#cursorAreas[cpu] = undefined;
    this.#total -= area.usable;
  }

  /** It gives slots out again: swapoff could not empty it (reinsert_swap_info). */
  reopen(area: SwapArea): void {
    this.#enlist(area);
    this.#total += area.usable;
  }

  /** Takes an empty, closed area away (the end of swapoff). Those behind it without a priority of their own move up. */
  drop(area: SwapArea): void {
    this.#areas[area.number] = undefined;
    if (area.priority >= 0) return;
    for (const other of this.#available) if (other.priority < area.priority) other.priority++;
    this.#leastPriority++;
  }

  area(entry: number): SwapArea {
    return this.#areas[areaOf(entry)] ?? panic(`swap: no area ${areaOf(entry)}`);
  }

  /**
   * A free slot (folio_alloc_swap): the one behind the last, while its cluster has any; then one of the area whose turn it
   * is, areas of equal priority taking turns cluster by cluster. On a moving disk every slot is a turn, as its cluster is
   * not a CPU's own.
   * @returns its entry, used now, or 0 when swap is full
   */
  protected takeEntry(): number {
    const cpu = this.core.tlb.current;
    const current = this.#cursorAreas[cpu];
    const near = current === undefined ? 0 : current.clusters.takeNear(this.#cursorSlots[cpu] ?? 0, this.isFull);
    if (current !== undefined && near !== 0) return this.#taken(current, near);
    for (const area of this.#available.slice()) {
      // Those behind it at its priority are next.
      this.#available.splice(this.#available.indexOf(area), 1);
      this.#enlist(area);
      const slot = this.#takeFrom(area);
      if (slot !== 0) return this.#taken(area, slot);
    }
    return 0;
  }

  /**
   * Neighbouring places for a large folio (folio_alloc_swap with an order): only block devices have them, files on a disk
   * may lie in pieces. @returns the first entry, or 0
   */
  protected takeEntries(order: number): number {
    for (const area of this.#available) {
      const room = area.usable - area.used >= 1 << order;
      const slot = room && area.device.kind === 'partition' ? area.clusters.takeRun(order) : 0;
      if (slot === 0) continue;
      area.used += 1 << order;
      this.#used += 1 << order;
      return swapEntry(area.number, slot);
    }
    return 0;
  }

  #takeFrom(area: SwapArea): number {
    if (area.used >= area.usable) return 0;
    const { clusters, device } = area;
    const near = device.rotational && clusters.next !== 0 ? clusters.takeNear(clusters.next, this.isFull) : 0;
    return near !== 0 ? near : clusters.take(this.isFull);
  }

  #taken(area: SwapArea, slot: number): number {
    area.used++;
    this.#used++;
    if (!area.device.rotational) {
      const cpu = this.core.tlb.current;
      this.#cursorSlots[cpu] = area.clusters.next;
      this.#cursorAreas[cpu] = area.clusters.next === 0 ? undefined : area;
    }
    return swapEntry(area.number, slot);
  }

  /** Frees a slot that nothing refers to any more. @returns whether it is free */
  protected releaseIfUnused(area: SwapArea, slot: number): boolean {
    if (!area.releaseIfUnused(slot)) return false;
    this.#used--;
    return true;
  }

  /** A page that only the swap cache still holds gives its slot up (__try_to_reclaim_swap). @returns false when it cannot */
  protected abstract reclaimSlot(entry: number): boolean;

  protected saveAreas(): SwapAreasState {
    return {
      leastPriority: this.#leastPriority,
      turns: this.#available.map((area) => area.number),
      cursorAreas: Array.from(this.#cursorAreas, (area) => area?.number ?? -1),
      cursorSlots: Array.from(this.#cursorSlots, (slot) => slot ?? 0),
      areas: this.areas.map((area) => ({ ...area.save(), device: area.device.name })),
    };
  }

  /** @param deviceNamed the devices that the areas of the state lie on */
  protected restoreAreas(state: SwapAreasState, deviceNamed: (name: string) => SwapDevice): void {
    this.#areas.length = 0;
    this.#total = 0;
    this.#used = 0;
    for (const saved of state.areas) {
      while (this.#areas.length < saved.number) this.#areas.push(undefined);
      const area = this.#make({ ...saved, device: deviceNamed(saved.device) });
      area.restore(saved);
      this.#total += area.usable;
      this.#used += area.used;
    }
    this.#leastPriority = state.leastPriority;
    this.#available = state.turns.map((number) => this.area(swapEntry(number, 0)));
    const areas = state.cursorAreas.map((number) => this.#areas[number]);
    this.#cursorAreas.splice(0, this.#cursorAreas.length, ...areas);
    this.#cursorSlots.splice(0, this.#cursorSlots.length, ...state.cursorSlots);
  }
}

export interface SwapAreasState {
  readonly leastPriority: number;
  /** Numbers of the areas in the order in which they give slots. */
  readonly turns: readonly number[];
  /** By CPU; -1 for none. */
  readonly cursorAreas: readonly number[];
  readonly cursorSlots: readonly number[];
  readonly areas: readonly (SwapAreaState & { readonly device: string })[];
}
