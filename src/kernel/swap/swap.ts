import { PAGE_SIZE, type Pfn, pfn } from '../../hardware/units.ts';
import type { PageCore } from '../core.ts';
import { PG_DIRTY, PG_READAHEAD, PG_SWAPCACHE } from '../frames/frame-table.ts';
import { areaOf, slotOf, swapEntry } from '../page-table/soft-entry.ts';
import type { Task } from '../process/process.ts';
import { CAUSE_DISK } from '../time/clock.ts';
import { NR_SWAPCACHED, NR_VMSCAN_WRITE, PSWPIN, PSWPOUT, SWPIN_ZERO, SWPOUT_ZERO } from '../vmstat.ts';
import { SwapArea, type SwapAreaState, type SwapDevice } from './swap-area.ts';

/** Areas that a machine may have (MAX_SWAPFILES without the special types). */
const MOST_AREAS = 24;

/**
 * Swap (mm/swapfile.c, mm/swap_state.c, mm/page_io.c): the areas, and the swap cache, which holds the pages that are in
 * memory and in swap at once.
 */
export class Swap {
  /** How long a request to the disk below takes, in ns, from a byte of the areas on; undefined when it takes no time. */
  requestTime: ((bytes: number, write: boolean, start: number) => number) | undefined;
  readonly #core: PageCore;
  readonly #areas: (SwapArea | undefined)[] = [];
  /** Entry of each frame in the swap cache (folio->swap). */
  readonly #entryOf = new Map<number, number>();
  /** Without a priority of its own an area comes behind all before it. */
  #leastPriority = -1;
  /** How often each priority's areas have taken turns. */
  #turn = 0;

  constructor(core: PageCore) {
    this.#core = core;
  }

  /** Areas in the order of their priority, as /proc/swaps lists them. */
  get areas(): SwapArea[] {
    return this.#areas
      .filter((area) => area !== undefined)
      .sort((a, b) => b.priority - a.priority || a.number - b.number);
  }

  /** SwapTotal in pages. */
  get total(): number {
    return this.areas.reduce((sum, area) => sum + area.usable, 0);
  }

  /** SwapFree in pages. */
  get free(): number {
    return this.areas.reduce((sum, area) => sum + area.usable - area.used, 0);
  }

  /** More than half of swap is used: slots are given back as soon as their pages are in memory (vm_swap_full). */
  get isFull(): boolean {
    return this.free * 2 < this.total;
  }

  /** A moving disk is in use: readahead goes by slots then (nr_rotate_swap). */
  get hasRotational(): boolean {
    return this.areas.some((area) => area.device.rotational);
  }

  /** Puts an area into use (swapon). @returns undefined when there are as many as there can be */
  add(device: SwapDevice, slots: number, priority?: number): SwapArea | undefined {
    let number = this.#areas.indexOf(undefined);
    if (number < 0) number = this.#areas.length;
    if (number >= MOST_AREAS) return undefined;
    const area = new SwapArea(number, device, slots, priority ?? --this.#leastPriority);
    this.#areas[number] = area;
    return area;
  }

  /** Takes an empty area out of use (the end of swapoff). */
  drop(area: SwapArea): void {
    this.#areas[area.number] = undefined;
  }

  area(entry: number): SwapArea {
    const area = this.#areas[areaOf(entry)];
    if (area === undefined) throw new RangeError(`Swap: no area ${areaOf(entry)}`);
    return area;
  }

  /** The page of an entry if it is in memory, else -1 (swap_cache_get_folio). */
  cached(entry: number): Pfn | -1 {
    const frame = this.area(entry).cached[slotOf(entry)] as number;
    return frame === 0 ? -1 : pfn(frame);
  }

  /** The entry of a page of the swap cache. */
  entryOf(frame: Pfn): number {
    return this.#entryOf.get(frame) ?? 0;
  }

  /**
   * Gives a page a place in swap and puts it in the swap cache (folio_alloc_swap): the area of the highest priority that
   * has room, areas of equal priority in turn.
   * @returns the entry, 0 when swap is full
   */
  allocate(frame: Pfn): number {
    const areas = this.areas;
    for (let i = 0; i < areas.length; ) {
      const equal = areas.filter((area) => area.priority === (areas[i] as SwapArea).priority);
      for (let n = 0; n < equal.length; n++) {
        const area = equal[(this.#turn + n) % equal.length] as SwapArea;
        const slot = area.take();
        if (slot === 0) continue;
        this.#turn++;
        const entry = swapEntry(area.number, slot);
        this.enterCache(frame, entry);
        area.owner[slot] = this.#core.cgroups.swapOut(frame);
        this.#core.table.set(frame, PG_DIRTY);
        return entry;
      }
      i += equal.length;
    }
    return 0;
  }

  enterCache(frame: Pfn, entry: number): void {
    this.area(entry).cached[slotOf(entry)] = frame;
    this.#entryOf.set(frame, entry);
    this.#core.table.set(frame, PG_SWAPCACHE);
    this.#core.vmstat.count(NR_SWAPCACHED);
  }

  /** The page and its place in swap part; the slot is free when no entry refers to it (delete_from_swap_cache). */
  leaveCache(frame: Pfn): void {
    const entry = this.entryOf(frame);
    const area = this.area(entry);
    area.cached[slotOf(entry)] = 0;
    this.#entryOf.delete(frame);
    this.#core.table.clear(frame, PG_SWAPCACHE | PG_READAHEAD);
    this.#core.vmstat.count(NR_SWAPCACHED, -1);
    this.#releaseIfUnused(area, slotOf(entry));
  }

  /** One more page-table entry refers to a place (swap_duplicate). */
  duplicate(entry: number): void {
    (this.area(entry).references[slotOf(entry)] as number)++;
  }

  /** How many page-table entries refer to a place (__swap_count). */
  references(entry: number): number {
    return this.area(entry).references[slotOf(entry)] as number;
  }

  /** One entry less; with the last one the slot is free, unless the page is still in the cache (swap_free). */
  release(entry: number): void {
    const area = this.area(entry);
    (area.references[slotOf(entry)] as number)--;
    this.#releaseIfUnused(area, slotOf(entry));
  }

  /** As `release`; a page of the cache that nobody wants any more goes with its slot (free_swap_and_cache). */
  releaseAndForget(entry: number): void {
    this.release(entry);
    const frame = this.cached(entry);
    if (frame < 0 || this.references(entry) > 0 || (this.#core.table.mapcount[frame] as number) > 0) return;
    this.leaveCache(frame as Pfn);
    this.#core.pages.releaseUnused(frame as Pfn);
  }

  /**
   * Writes a page of the swap cache to its place (swap_writeout). A page of zeros is only marked.
   * @returns whether the write is done already
   */
  writeOut(frame: Pfn): boolean {
    const { table, vmstat, memory, contents } = this.#core;
    const entry = this.entryOf(frame);
    const area = this.area(entry);
    table.clear(frame, PG_DIRTY);
    vmstat.count(NR_VMSCAN_WRITE);
    if (contents === 'bytes') {
      const isZero = !memory.hasStorage(frame) || memory.view(frame).every((byte) => byte === 0);
      area.zero[slotOf(entry)] = isZero ? 1 : 0;
      if (isZero) {
        vmstat.count(SWPOUT_ZERO);
        return true;
      }
      area.store(slotOf(entry), memory.view(frame));
    }
    vmstat.count(PSWPOUT);
    // Nobody waits for it, but it keeps the disk busy.
    this.#request(entry, true);
    return area.device.synchronous;
  }

  /**
   * Reads a place into a fresh frame, and charges the reading to the task (swap_read_folio).
   * @param ahead nobody waits for it
   */
  readIn(task: Task | undefined, entry: number, frame: Pfn, ahead: boolean): void {
    const { vmstat, memory, contents, clock } = this.#core;
    const area = this.area(entry);
    if (area.zero[slotOf(entry)] === 1) {
      vmstat.count(SWPIN_ZERO);
      return;
    }
    if (contents === 'bytes') area.load(slotOf(entry), memory.view(frame));
    vmstat.count(PSWPIN);
    if (task !== undefined) task.process.readBytes += PAGE_SIZE;
    const time = this.#request(entry, false);
    if (!ahead && time > 0) clock.spend(time, CAUSE_DISK);
  }

  /** One page to or from the disk below. @returns how long who waits for it waits, in ns */
  #request(entry: number, write: boolean): number {
    if (this.area(entry).device.synchronous) return 0;
    return this.requestTime?.(PAGE_SIZE, write, slotOf(entry) * PAGE_SIZE) ?? 0;
  }

  #releaseIfUnused(area: SwapArea, slot: number): void {
    const owner = area.owner[slot] as number;
    if (!area.releaseIfUnused(slot)) return;
    area.owner[slot] = 0;
    this.#core.cgroups.swapFreed(owner);
  }

  /** Cgroup that a place in swap belongs to: it pays when the page comes back. */
  ownerOf(entry: number): number {
    return this.area(entry).owner[slotOf(entry)] as number;
  }

  save(): SwapState {
    return {
      leastPriority: this.#leastPriority,
      turn: this.#turn,
      areas: this.areas.map((area) => ({ ...area.save(), device: area.device.name })),
      entries: [...this.#entryOf],
    };
  }

  /** @param deviceNamed the devices that the areas of the state lie on */
  restore(state: SwapState, deviceNamed: (name: string) => SwapDevice): void {
    this.#areas.length = 0;
    this.#entryOf.clear();
    this.#leastPriority = state.leastPriority;
    this.#turn = state.turn;
    for (const saved of state.areas) {
      const area = new SwapArea(saved.number, deviceNamed(saved.device), saved.slots, saved.priority);
      area.restore(saved);
      while (this.#areas.length < saved.number) this.#areas.push(undefined);
      this.#areas[saved.number] = area;
    }
    for (const [frame, entry] of state.entries) this.#entryOf.set(frame, entry);
  }
}

export interface SwapState {
  readonly leastPriority: number;
  readonly turn: number;
  readonly areas: readonly (SwapAreaState & { readonly device: string })[];
  readonly entries: readonly (readonly [frame: number, entry: number])[];
}
