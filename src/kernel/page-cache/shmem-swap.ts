/**
 * Memory files in swap (mm/shmem.c). Where a page was, the page index keeps a value entry that says where in swap it is;
 * no page table knows of it, so a swapped page of a memory file belongs to nobody's VmSwap.
 */
import { type Pfn, pfn } from '../../hardware/units.ts';
import type { PageCore } from '../core.ts';
import { BELOW_MIN } from '../frames/allocator.ts';
import { PG_DIRTY, PG_SWAPCACHE } from '../frames/frame-table.ts';
import { areaOf } from '../page-table/soft-entry.ts';
import type { Task } from '../process/process.ts';
import type { SwapArea } from '../swap/swap-area.ts';
import type { Inode } from './inode.ts';
import type { PageCache } from './page-cache.ts';

/** What a page index holds for a place in swap, and back (swp_to_radix_entry, radix_to_swp_entry): a negative int32. */
const valueOfEntry = (entry: number): number => ~entry;
export const entryOfValue = (value: number): number => ~value;

/** The swap-in side of swap, which is made after the files. */
export interface SwapReader {
  /** Reads a place and its neighbours on the disk into the swap cache (swap_cluster_readahead). @returns its frame or -1 */
  readCluster(task: Task | undefined, entry: number, mayReclaim: boolean | 'light'): Pfn | -1;
  /** A page that was wanted is in the swap cache already (swap_update_readahead without a mapping). */
  hitShared(frame: Pfn): void;
}

export class ShmemSwap {
  readonly #core: PageCore;
  readonly #cache: PageCache;
  readonly #reader: () => SwapReader;

  constructor(core: PageCore, cache: PageCache, reader: () => SwapReader) {
    this.#core = core;
    this.#cache = cache;
    this.#reader = reader;
  }

  /** Whether a page is in swap and has no copy in memory: to have it means to read it. */
  isSwappedOut(inode: Inode, index: number): boolean {
    const value = inode.pages.get(index);
    return value < 0 && this.#core.swap.cached(entryOfValue(value)) < 0;
  }

  /**
   * Gives a dirty page that nothing maps a place in swap, which takes the page's place in the file (shmem_writeout). The
   * caller writes it there.
   * @returns false when swap has no room
   */
  writeOut(inode: Inode, frame: Pfn): boolean {
    const { swap, table } = this.#core;
    const index = table.index[frame] as number;
    const entry = swap.allocate(frame);
    if (entry === 0) return false;
    swap.duplicate(entry);
    this.#cache.replaceByValue(inode, index, frame, valueOfEntry(entry));
    return true;
  }

  /**
   * Brings a page back (shmem_swapin_folio): from the swap cache, straight from a device that answers at once, else with
   * its neighbours on the disk. Its place in swap is given up at once.
   * @returns its frame, or -1 when there is no memory
   */
  swapIn(task: Task | undefined, inode: Inode, index: number, mayReclaim: boolean | 'light'): Pfn | -1 {
    const { swap, table } = this.#core;
    const entry = entryOfValue(inode.pages.get(index));
    const cached = swap.cached(entry);
    let frame = cached;
    if (cached >= 0) this.#reader().hitShared(cached as Pfn);
    else if (swap.area(entry).device.synchronous) frame = swap.readDirect(task, entry, mayReclaim);
    else frame = this.#reader().readCluster(task, entry, mayReclaim);
    if (frame < 0) return -1;
    const page = pfn(frame);
    if (table.has(page, PG_SWAPCACHE)) swap.leaveCache(page);
    this.#cache.addSwappedIn(inode, index, page);
    table.set(page, PG_DIRTY);
    swap.release(entry);
    return page;
  }

  /** Brings every page of a file that lies in an area back (shmem_unuse). @returns false when memory is used up */
  unuse(inode: Inode, area: SwapArea): boolean {
    let complete = true;
    inode.pages.forEach(
      0,
      0x7fffffff,
      (index, value) => {
        if (!complete || value >= 0 || areaOf(entryOfValue(value)) !== area.number) return;
        if (this.swapIn(undefined, inode, index, 'light') < 0 || this.#core.allocator.pressure >= BELOW_MIN)
          complete = false;
      },
      true,
    );
    return complete;
  }

  /** Reads the swapped pages of an index range into the swap cache (shmem_swapin_range, MADV_WILLNEED). */
  readAhead(task: Task, inode: Inode, first: number, end: number): void {
    inode.pages.forEach(
      first,
      end - 1,
      (_index, value) => {
        if (value < 0) this.#core.swap.readIntoCache(task, entryOfValue(value), 'light');
      },
      true,
    );
  }
}

/** Pages of an index range that are in swap (shmem_partial_swap_usage). */
export function swappedPages(inode: Inode, first: number, end: number): number {
  if (inode.kind !== 'shmem' || inode.pages.shadows === 0) return 0;
  let pages = 0;
  inode.pages.forEach(
    first,
    end - 1,
    (_index, value) => {
      if (value < 0) pages++;
    },
    true,
  );
  return pages;
}
