import { PAGE_SIZE, type Pfn, pfn } from '../../hardware/units.ts';
import { PG_DIRTY, PG_READAHEAD, PG_SWAPCACHE, PG_WORKINGSET } from '../frames/frame-table.ts';
import { slotOf, swapEntry } from '../page-table/soft-entry.ts';
import type { Task } from '../process/process.ts';
import { CAUSE_DISK } from '../time/clock.ts';
import { NR_SWAPCACHED, NR_VMSCAN_WRITE, PSWPIN, PSWPOUT, SWPIN_ZERO, SWPOUT_ZERO } from '../vmstat.ts';
import { SwapAreas, type SwapAreasState } from './swap-areas.ts';
import type { SwapDevice } from './swap-devices.ts';

/** A page is that many words, to see whether it is all zeros. */
const PAGE_WORDS = PAGE_SIZE / 4;

/**
 * Swap (mm/swapfile.c, mm/swap_state.c, mm/page_io.c): the areas, and the swap cache, which holds the pages that are in
 * memory and in swap at once.
 */
export class Swap extends SwapAreas {
  /** How long a request to the disk below takes, in ns, from a byte of the areas on; undefined when it takes no time. */
  requestTime: ((bytes: number, write: boolean, start: number) => number) | undefined;
  /** Entry of each frame in the swap cache (folio->swap); made with the first area. */
  #entryOf: Int32Array | undefined;

  /** The page of an entry if it is in memory, else -1 (swap_cache_get_folio). */
  cached(entry: number): Pfn | -1 {
    const frame = this.area(entry).cached[slotOf(entry)] as number;
    return frame === 0 ? -1 : pfn(frame);
  }

  /** More than half of swap is used, or of what a page's cgroups may have of it (mem_cgroup_swap_full). */
  isFullFor(frame: Pfn): boolean {
    return this.isFull || this.core.cgroups.isSwapFull(frame);
  }

  /** The entry of a page of the swap cache. */
  entryOf(frame: Pfn): number {
    return this.#entryOf?.[frame] ?? 0;
  }

  /**
   * Gives a page a place in swap and puts it in the swap cache, dirty: it has to be written there (folio_alloc_swap).
   * @returns the entry, 0 when swap is full or the page's cgroup may not have more of it
   */
  allocate(frame: Pfn): number {
    const { cgroups } = this.core;
    const entry = cgroups.mayUseSwap(frame, this.free > 0) ? this.takeEntry() : 0;
    if (entry === 0) return 0;
    // In version 2 the place is paid for from now on (mem_cgroup_try_charge_swap).
    if (cgroups.version === 2) this.area(entry).owner[slotOf(entry)] = cgroups.swapOut(frame);
    this.enterCache(frame, entry);
    this.core.table.set(frame, PG_DIRTY);
    return entry;
  }

  /** The same for a large folio, whose pages get neighbouring places. @returns whether there were any */
  allocateFolio(head: Pfn, order: number): boolean {
    const { cgroups, table } = this.core;
    const first = cgroups.mayUseSwap(head, this.free >= 1 << order, 1 << order) ? this.takeEntries(order) : 0;
    if (first === 0) return false;
    for (let i = 0; i < 1 << order; i++) {
      const frame = pfn(head + i);
      if (cgroups.version === 2) this.area(first).owner[slotOf(first + i)] = cgroups.swapOut(frame);
      this.enterCache(frame, first + i);
      table.set(frame, PG_DIRTY);
    }
    return true;
  }

  enterCache(frame: Pfn, entry: number): void {
    this.area(entry).cached[slotOf(entry)] = frame;
    this.#entryOf ??= new Int32Array(this.core.table.frames);
    this.#entryOf[frame] = entry;
    this.core.table.set(frame, PG_SWAPCACHE);
    this.core.vmstat.count(NR_SWAPCACHED);
  }

  /** A page of the swap cache lies in another frame from now on (replace_page_cache_folio). */
  moveCached(from: Pfn, to: Pfn): void {
    const entry = this.entryOf(from);
    this.area(entry).cached[slotOf(entry)] = to;
    if (this.#entryOf === undefined) return;
    this.#entryOf[to] = entry;
    this.#entryOf[from] = 0;
  }

  /** The page and its place in swap part; the slot is free when no entry refers to it (delete_from_swap_cache). */
  leaveCache(frame: Pfn): void {
    const entry = this.entryOf(frame);
    const area = this.area(entry);
    area.cached[slotOf(entry)] = 0;
    this.core.table.clear(frame, PG_SWAPCACHE | PG_READAHEAD);
    this.core.vmstat.count(NR_SWAPCACHED, -1);
    this.#releaseIfUnused(entry);
  }

  /**
   * Reclaim takes a clean page of the swap cache: only its place in swap is left (__remove_mapping, memcg1_swapout).
   * @param target the cgroup whose limit it goes for, 0 for the machine
   */
  swappedOut(frame: Pfn, target: number): void {
    const { cgroups, pages, workingset } = this.core;
    const entry = this.entryOf(frame);
    const area = this.area(entry);
    const slot = slotOf(entry);
    if (cgroups.version === 1) area.owner[slot] = cgroups.swapOut(frame);
    area.shadow[slot] = workingset.eviction(frame, target);
    this.leaveCache(frame);
    pages.releaseUnused(frame);
  }

  /**
   * A page gives its place up, a large folio all its places, unless an entry refers to one: it has to be written anew
   * (folio_free_swap).
   */
  giveUp(frame: Pfn): boolean {
    const { table } = this.core;
    const head = table.headOf(frame);
    const end = head + (1 << table.order(head));
    for (let page: number = head; page < end; page++) if (this.references(this.entryOf(pfn(page))) > 0) return false;
    for (let page: number = head; page < end; page++) {
      this.leaveCache(pfn(page));
      table.set(pfn(page), PG_DIRTY);
    }
    return true;
  }

  /**
   * The last mapping of a page of the swap cache went: the page goes too, and with it the place in swap, unless an entry
   * refers to a page of its folio (free_swap_cache).
   */
  forgetUnmapped(frame: Pfn): void {
    const { table, pages } = this.core;
    const head = table.headOf(frame);
    const end = head + (1 << table.order(head));
    for (let page: number = head; page < end; page++) {
      if ((table.mapcount[page] as number) > 0) return;
      if (table.has(pfn(page), PG_SWAPCACHE) && this.references(this.entryOf(pfn(page))) > 0) return;
    }
    for (let page: number = head; page < end; page++)
      if (table.has(pfn(page), PG_SWAPCACHE)) this.leaveCache(pfn(page));
    pages.releaseUnused(head);
  }

  protected override reclaimSlot(entry: number): boolean {
    return this.giveUp(this.cached(entry) as Pfn);
  }

  /** When the page of a place was evicted, as mm/workingset.c remembers it; 0 for never (swap_cache_get_shadow). */
  shadow(entry: number): number {
    return this.area(entry).shadow[slotOf(entry)] as number;
  }

  /** One more entry refers to a place (swap_duplicate). */
  duplicate(entry: number): void {
    (this.area(entry).references[slotOf(entry)] as number)++;
  }

  /** How many entries refer to a place (__swap_count). */
  references(entry: number): number {
    return this.area(entry).references[slotOf(entry)] as number;
  }

  /** One entry less; with the last one the slot is free, unless the page is still in the cache (swap_free). */
  release(entry: number): void {
    (this.area(entry).references[slotOf(entry)] as number)--;
    this.#releaseIfUnused(entry);
  }

  /** As `release`; a page of the cache that nobody wants any more goes with its slot (free_swap_and_cache). */
  releaseAndForget(entry: number): void {
    const frame = this.cached(entry);
    this.release(entry);
    if (frame >= 0) this.forgetUnmapped(frame as Pfn);
  }

  /**
   * Writes a page of the swap cache to its place (swap_writeout). A page of zeros is only marked.
   * @param mayMark false for a page of a large folio that holds more than zeros
   * @returns whether the write is done already; not so when it goes on, or failed and left the page dirty
   */
  writeOut(frame: Pfn, mayMark = true): boolean {
    const { table, vmstat, memory, contents, cgroups } = this.core;
    const payer = table.memcg[frame] as number;
    const entry = this.entryOf(frame);
    const area = this.area(entry);
    table.clear(frame, PG_DIRTY);
    vmstat.count(NR_VMSCAN_WRITE);
    const isZero = contents === 'bytes' && mayMark && this.isZero(frame);
    area.zero[slotOf(entry)] = isZero ? 1 : 0;
    if (isZero) {
      vmstat.count(SWPOUT_ZERO);
      cgroups.count(payer, SWPOUT_ZERO);
      return true;
    }
    if (!area.write(slotOf(entry), contents === 'bytes' ? memory.view(frame) : undefined)) {
      // Write-error on swap-device: the page stays, for there is no other copy (end_swap_bio_write).
      table.set(frame, PG_DIRTY);
      return false;
    }
    vmstat.count(PSWPOUT);
    cgroups.count(payer, PSWPOUT);
    // Nobody waits for it, but it keeps the disk busy.
    this.#request(entry, true);
    return area.device.synchronous;
  }

  /** Whether a page holds nothing but zeros. */
  isZero(frame: Pfn): boolean {
    const { memory } = this.core;
    return !memory.hasStorage(frame) || isAllZero(memory.view(frame));
  }

  /**
   * A fresh frame with the page of a place, charged to whom the page belonged (swap_read_folio). It is on no cache yet.
   * @param ahead nobody waits for it
   * @returns the frame, or -1 when there is no memory
   */
  readDirect(task: Task | undefined, entry: number, mayReclaim: boolean | 'light', ahead = false): Pfn | -1 {
    const { pages, cgroups, lru, workingset } = this.core;
    const area = this.area(entry);
    const slot = slotOf(entry);
    const owner = area.owner[slot] as number;
    // What a removed group had in swap belongs to who wants it back (mem_cgroup_swapin_charge_folio).
    const payer = cgroups.get(owner).dying ? (task?.mm.memcg ?? 0) : owner;
    const frame = pages.allocateAnonymous(mayReclaim, payer);
    if (frame < 0) return -1;
    if (cgroups.version === 1) {
      // The page pays for itself now, its place no longer (memcg1_swapin).
      cgroups.swapFreed(owner);
      area.owner[slot] = 0;
    }
    const shadow = area.shadow[slot] as number;
    if (shadow !== 0) workingset.refault(frame as Pfn, shadow);
    this.#read(task, entry, frame as Pfn, ahead);
    lru.add(frame as Pfn);
    return frame;
  }

  /**
   * The page of a place, read into the swap cache unless it is there (read_swap_cache_async).
   * @returns its frame, or -1 when there is no memory or nobody wants the page any more
   */
  readIntoCache(task: Task | undefined, entry: number, mayReclaim: boolean | 'light', ahead = false): Pfn | -1 {
    const cached = this.cached(entry);
    if (cached >= 0) return cached;
    if (this.references(entry) === 0) return -1;
    const frame = this.readDirect(task, entry, mayReclaim, ahead);
    if (frame >= 0) this.enterCache(frame as Pfn, entry);
    return frame;
  }

  #read(task: Task | undefined, entry: number, frame: Pfn, ahead: boolean): void {
    const { vmstat, memory, contents, clock, cgroups, table, psi } = this.core;
    const payer = table.memcg[frame] as number;
    const area = this.area(entry);
    if (area.zero[slotOf(entry)] === 1) {
      vmstat.count(SWPIN_ZERO);
      cgroups.count(payer, SWPIN_ZERO);
      return;
    }
    if (contents === 'bytes') area.backing.read(slotOf(entry), memory.view(frame));
    vmstat.count(PSWPIN);
    cgroups.count(payer, PSWPIN);
    if (task !== undefined) task.process.readBytes += PAGE_SIZE;
    const time = this.#request(entry, false);
    if (ahead || time === 0) return;
    psi.enter();
    clock.spend(time, CAUSE_DISK);
    psi.leave(table.has(frame, PG_WORKINGSET));
  }

  /** One page to or from the disk below. @returns how long who waits for it waits, in ns */
  #request(entry: number, write: boolean): number {
    if (this.area(entry).device.synchronous) return 0;
    return this.requestTime?.(PAGE_SIZE, write, slotOf(entry) * PAGE_SIZE) ?? 0;
  }

  #releaseIfUnused(entry: number): void {
    const area = this.area(entry);
    const slot = slotOf(entry);
    if (!this.releaseIfUnused(area, slot)) return;
    this.core.cgroups.swapFreed(area.owner[slot] as number);
    area.owner[slot] = 0;
  }

  save(): SwapState {
    return this.saveAreas();
  }

  /** @param deviceNamed the devices that the areas of the state lie on */
  restore(state: SwapState, deviceNamed: (name: string) => SwapDevice): void {
    this.restoreAreas(state, deviceNamed);
    this.#entryOf = undefined;
    for (const area of this.areas) {
      this.#entryOf ??= new Int32Array(this.core.table.frames);
      for (let slot = 1; slot < area.slots; slot++) {
        const frame = area.cached[slot] as number;
        if (frame !== 0) this.#entryOf[frame] = swapEntry(area.number, slot);
      }
    }
  }
}

export type SwapState = SwapAreasState;

function isAllZero(page: Uint8Array): boolean {
  const words = new Int32Array(page.buffer, page.byteOffset, PAGE_WORDS);
  for (let i = 0; i < PAGE_WORDS; i++) if (words[i] !== 0) return false;
  return true;
}
