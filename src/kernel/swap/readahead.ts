/**
 * Reading swapped pages ahead of their use (mm/swap_state.c, linux-formulas 5): by neighbours in memory where seeking
 * costs nothing, by neighbours on the disk where a head has to move.
 */
import { type Pfn, type Vpn, vpn } from '../../hardware/units.ts';
import type { Vma } from '../address-space/vma.ts';
import type { PageCore } from '../core.ts';
import { PG_READAHEAD } from '../frames/frame-table.ts';
import { areaOf, entrySwap, isSwapEntry, slotOf, swapEntry } from '../page-table/soft-entry.ts';
import type { Params } from '../params.ts';
import type { Task } from '../process/process.ts';
import { SWAP_RA, SWAP_RA_HIT } from '../vmstat.ts';
import type { Swap } from './swap.ts';

/** SWAP_RA_ORDER_CEILING: 32 pages. */
const MOST_ORDER = 5;
/** What the machine's own count begins with (swapin_readahead_hits). */
const FIRST_HITS = 4;
/** Hits are kept in six bits. */
const MOST_HITS = 63;

export class SwapReadahead {
  readonly #core: PageCore;
  readonly #swap: Swap;
  readonly #params: Params;
  /** State of the disk's readahead, one for the whole machine. */
  #hits = FIRST_HITS;
  #previousOffset = 0;
  #lastWindow = 0;

  constructor(core: PageCore, swap: Swap, params: Params) {
    this.#core = core;
    this.#swap = swap;
    this.#params = params;
  }

  /** Neighbours in memory are read rather than neighbours on the disk (swap_use_vma_readahead). */
  get #goesByMemory(): boolean {
    return this.#params.vmaReadahead === 1 && !this.#swap.hasRotational;
  }

  /** A fault finds its page in the swap cache (swap_update_readahead): if it was read ahead, that was worth it. */
  hit(vma: Vma, page: Vpn, frame: Pfn): void {
    if (!this.#goesByMemory) {
      this.hitShared(frame);
      return;
    }
    vma.swapReadahead.page = page;
    if (this.#takeMark(frame)) vma.swapReadahead.hits = Math.min(vma.swapReadahead.hits + 1, MOST_HITS);
  }

  /** The same of a page of a memory file: the machine's own count is told. */
  hitShared(frame: Pfn): void {
    if (this.#takeMark(frame)) this.#hits++;
  }

  #takeMark(frame: Pfn): boolean {
    const { table, vmstat } = this.#core;
    if (!table.has(frame, PG_READAHEAD)) return false;
    table.clear(frame, PG_READAHEAD);
    vmstat.count(SWAP_RA_HIT);
    return true;
  }

  /**
   * Reads the page of an entry and its neighbours into the swap cache (swapin_readahead).
   * @returns the page's frame, or -1 when there is no memory
   */
  read(task: Task, vma: Vma, page: Vpn, entry: number, mayReclaim: boolean | 'light'): Pfn | -1 {
    if (!this.#goesByMemory) return this.readCluster(task, entry, mayReclaim);
    this.#readNeighbours(task, vma, page, mayReclaim);
    return this.#swap.readIntoCache(task, entry, mayReclaim);
  }

  /** The same by neighbours on the disk (swap_cluster_readahead): all that memory files have. */
  readCluster(task: Task | undefined, entry: number, mayReclaim: boolean | 'light'): Pfn | -1 {
    this.#readSlots(task, entry, mayReclaim);
    return this.#swap.readIntoCache(task, entry, mayReclaim);
  }

  /** One page into the swap cache, unless it is there, marked so that its use is noticed. */
  #readAhead(task: Task | undefined, entry: number, mayReclaim: boolean | 'light'): void {
    const { table, vmstat } = this.#core;
    if (this.#swap.cached(entry) >= 0) return;
    const frame = this.#swap.readIntoCache(task, entry, mayReclaim, true);
    if (frame < 0) return;
    table.set(frame as Pfn, PG_READAHEAD);
    vmstat.count(SWAP_RA);
  }

  /** swap_vma_readahead: a window around the page, shaped by the direction of the last two faults. */
  #readNeighbours(task: Task, vma: Vma, page: Vpn, mayReclaim: boolean | 'light'): void {
    const most = 1 << Math.min(this.#params.pageCluster, MOST_ORDER);
    const state = vma.swapReadahead;
    const size = most === 1 ? 1 : windowSize(state.page, page, state.hits, most, state.window);
    const before = state.page;
    state.page = page;
    state.window = size;
    state.hits = 0;
    if (size === 1) return;
    const left = page === before + 1 ? 0 : page === before - 1 ? size - 1 : (size - 1) >> 1;
    // The window stays in the mapping and in the table of the last level.
    const table = page - (page % 512);
    const start = Math.max(page - left, vma.start, table);
    const end = Math.min(page - left + size, vma.end, table + 512);
    const { pageTables } = this.#core;
    pageTables.forEachTable(vma.mm, vpn(start), vpn(end), (firstSlot, firstPage, count) => {
      for (let i = 0; i < count; i++) {
        const lo = pageTables.lo(firstSlot + i);
        const hi = pageTables.hi(firstSlot + i);
        if (!isSwapEntry(lo, hi)) continue;
        if (firstPage + i === page) this.#swap.readIntoCache(task, entrySwap(lo, hi), mayReclaim);
        else this.#readAhead(task, entrySwap(lo, hi), mayReclaim);
      }
    });
  }

  /** swap_cluster_readahead: an aligned block of slots around the page's own. */
  #readSlots(task: Task | undefined, entry: number, mayReclaim: boolean | 'light'): void {
    const slot = slotOf(entry);
    const most = 1 << this.#params.pageCluster;
    const hits = this.#hits;
    this.#hits = 0;
    const size = most === 1 ? 1 : windowSize(this.#previousOffset, slot, hits, most, this.#lastWindow);
    if (hits === 0) this.#previousOffset = slot;
    this.#lastWindow = size;
    if (size === 1) return;
    const area = this.#swap.area(entry);
    // Slot 0 is the header.
    const first = Math.max(1, slot - (slot % size));
    const last = Math.min(slot - (slot % size) + size - 1, area.slots - 1);
    for (let s = first; s <= last; s++)
      if (s === slot) this.#swap.readIntoCache(task, entry, mayReclaim);
      else this.#readAhead(task, swapEntry(areaOf(entry), s), mayReclaim);
  }
}

/** __swapin_nr_pages: more hits widen the window, none narrow it, slowly. */
function windowSize(previous: number, offset: number, hits: number, most: number, lastWindow: number): number {
  let pages = hits + 2;
  if (pages === 2) {
    if (offset !== previous + 1 && offset !== previous - 1) pages = 1;
  } else {
    let rounded = 4;
    while (rounded < pages) rounded <<= 1;
    pages = rounded;
  }
  return Math.max(Math.min(pages, most), lastWindow >> 1);
}
