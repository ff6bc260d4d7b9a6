import type { Pfn } from '../../hardware/units.ts';
import { PAGE_SIZE, pfn } from '../../hardware/units.ts';
import { payForBuffers } from '../cgroup/kernel-objects.ts';
import type { PageCore } from '../core.ts';
import { NO_PRESSURE } from '../frames/allocator.ts';
import {
  PG_ACTIVE,
  PG_CACHED,
  PG_DIRTY,
  PG_HEAD,
  PG_LOCKED,
  PG_ORDER_MASK,
  PG_PRIVATE,
  PG_REFERENCED,
  PG_TAIL,
  PG_WRITEBACK,
} from '../frames/frame-table.ts';
import type { AllocationPoint } from '../oom/oom-control.ts';
import { panic } from '../panic.ts';
import type { Task } from '../process/process.ts';
import {
  FILEMAP_MM_FILEMAP_ADD_TO_PAGE_CACHE,
  FILEMAP_MM_FILEMAP_DELETE_FROM_PAGE_CACHE,
  WRITEBACK_WRITEBACK_DIRTY_FOLIO,
} from '../tracepoints.ts';
import { NR_DIRTIED, NR_DIRTY, NR_FILE_PAGES, NR_SHMEM, NR_WRITEBACK } from '../vmstat.ts';
import { Folios } from './folios.ts';
import { setIndexEntry } from './index-nodes.ts';
import type { Inode } from './inode.ts';
import { entryOfValue } from './shmem-swap.ts';
import type { Workingset } from './workingset.ts';

/** Who must hear of what happens to pages. */
export interface CacheListeners {
  /** Takes back the promise of memory that was made for pages of a memory file. */
  uncommit(pages: number): void;
  /** A file has its first dirty page. */
  dirtied(inode: Inode): void;
}

/**
 * The pages of all files (mm/filemap.c): which frame holds which page of which file, and what is dirty.
 * Each page of a large folio stands in the index and on the LRU lists by itself.
 */
export class PageCache extends Folios {
  readonly #core: PageCore;
  readonly #workingset: Workingset;
  readonly #listeners: CacheListeners;
  /** Files with dirty pages, in the order in which they became dirty (b_dirty). */
  readonly dirtyInodes: Set<Inode> = new Set();

  constructor(core: PageCore, workingset: Workingset, listeners: CacheListeners) {
    super(core.table);
    this.#core = core;
    this.#listeners = listeners;
    this.#workingset = workingset;
  }

  /**
   * Between two steps of a long operation, with no page in hand: reclaims if memory was found short.
   * @returns whether the task still lives
   */
  relieve(task: Task, point: AllocationPoint): boolean {
    return this.#core.allocator.pressure === NO_PRESSURE || this.#core.relieve(task, point);
  }

  /** The frame of a page of a file, or -1. */
  find(inode: Inode, index: number): Pfn | -1 {
    const entry = inode.pages.get(index);
    return entry > 0 ? pfn(entry) : -1;
  }

  /**
   * Puts a new folio of zeros in the cache (filemap_add_folio); its first page is returned, -1 when there is no memory
   * and -2 when a page of it is there already. It is not up to date.
   */
  add(task: Task | undefined, inode: Inode, index: number, order = 0, mayReclaim: boolean | 'light' = 'light'): number {
    const pages = 1 << order;
    if (inode.pages.next(index, index + pages - 1) >= 0) return -2;
    const head = order === 0 ? this.#allocate(inode, mayReclaim) : this.#core.pages.allocateFolio(order);
    if (head < 0) return -1;
    this.enter(task, inode, index, pfn(head), order);
    return head;
  }

  /** Puts a folio that is in nobody's use in the cache (__filemap_add_folio). */
  enter(task: Task | undefined, inode: Inode, index: number, head: Pfn, order: number): void {
    const pages = 1 << order;
    const { table, trace, vmstat, lru } = this.#core;
    for (let i = 0; i < pages; i++) {
      const frame = pfn(head + i);
      table.set(frame, PG_CACHED);
      table.mapping[frame] = inode.id;
      table.index[frame] = index + i;
      const shadow = setIndexEntry(this.#core, inode, index + i, frame, table.memcg[frame] as number);
      if (shadow < 0) this.#workingset.refault(frame, shadow);
      lru.add(frame);
    }
    vmstat.count(NR_FILE_PAGES, pages);
    if (inode.kind === 'shmem') vmstat.count(NR_SHMEM, pages);
    if (trace.on)
      trace.emit(FILEMAP_MM_FILEMAP_ADD_TO_PAGE_CACHE, task?.tid ?? 0, head, inode.ino, index, inode.dev, order);
  }

  #allocate(inode: Inode, mayReclaim: boolean | 'light'): number {
    const { pages } = this.#core;
    return inode.kind === 'shmem' ? pages.allocateAnonymous(mayReclaim) : pages.allocateCache();
  }

  /**
   * Takes a folio that nothing maps out of the cache and frees it (filemap_remove_folio); a dirty one is forgotten.
   * @param evictedFor the group for whose limit reclaim wanted its memory, 0 for the machine: a shadow stays behind, by
   *   which a refault is known
   */
  remove(inode: Inode, frame: Pfn, evictedFor?: number): void {
    const { table, trace, vmstat, pages } = this.#core;
    const head = this.headOf(frame);
    const count = this.folioPages(frame);
    const index = table.index[head] as number;
    const order = table.order(head);
    if (trace.on) trace.emit(FILEMAP_MM_FILEMAP_DELETE_FROM_PAGE_CACHE, 0, head, inode.ino, index, inode.dev, order);
    this.#cancelDirty(inode, head);
    for (let i = 0; i < count; i++) {
      const page = pfn(head + i);
      if ((table.mapcount[page] as number) > 0) panic('PageCache.remove: the page is mapped');
      if (table.has(page, PG_WRITEBACK)) panic('PageCache.remove: the page is under write-back');
      const shadow =
        evictedFor === undefined || inode.kind !== 'file' ? 0 : this.#workingset.eviction(page, evictedFor);
      setIndexEntry(this.#core, inode, index + i, shadow, table.memcg[page] as number);
      if (table.has(page, PG_PRIVATE)) payForBuffers(this.#core, table.memcg[page] as number, 1, false);
      table.clear(page, PG_CACHED | PG_HEAD | PG_TAIL | PG_ORDER_MASK | PG_PRIVATE);
      pages.releaseUnused(page);
    }
    vmstat.count(NR_FILE_PAGES, -count);
    if (inode.kind !== 'shmem') return;
    vmstat.count(NR_SHMEM, -count);
    if (inode.commit === 'page') this.#listeners.uncommit(count);
  }

  /** A page of a memory file leaves it for the swap cache, a value in its place (shmem_delete_from_page_cache). */
  replaceByValue(inode: Inode, index: number, frame: Pfn, value: number): void {
    const { table, vmstat } = this.#core;
    setIndexEntry(this.#core, inode, index, value, table.memcg[frame] as number);
    table.clear(frame, PG_CACHED);
    table.mapping[frame] = 0;
    vmstat.count(NR_FILE_PAGES, -1);
    vmstat.count(NR_SHMEM, -1);
  }

  /** A page that was read from swap takes the place of the value that said where it was (shmem_add_to_page_cache). */
  addSwappedIn(inode: Inode, index: number, frame: Pfn): void {
    const { table, vmstat } = this.#core;
    this.clearMark(frame);
    table.set(frame, PG_CACHED);
    table.mapping[frame] = inode.id;
    table.index[frame] = index;
    setIndexEntry(this.#core, inode, index, frame, table.memcg[frame] as number);
    vmstat.count(NR_FILE_PAGES);
    vmstat.count(NR_SHMEM);
  }

  /**
   * Forgets what is kept of a page that is not in memory: the shadow of an evicted page, or the place in swap of a page of a
   * memory file (shmem_free_swap).
   */
  dropValue(inode: Inode, index: number): void {
    const value = setIndexEntry(this.#core, inode, index, 0, 0);
    if (inode.kind === 'file') return;
    this.#core.swap.releaseAndForget(entryOfValue(value));
    if (inode.commit === 'page') this.#listeners.uncommit(1);
  }

  /** The shadow of a page of a memory file that lies in swap, 0 for none (swap_cache_get_shadow). */
  shadowInSwap(value: number): number {
    return this.#core.swap.shadow(entryOfValue(value));
  }

  /** Cached pages of [first, end) are in somebody's hands, or not any more: reclaim leaves them alone (filemap_get_pages). */
  hold(inode: Inode, first: number, end: number, isHeld: boolean): void {
    for (let index = first; index < end; index++) {
      const frame = this.find(inode, index);
      if (frame < 0) continue;
      const head = this.headOf(frame as Pfn);
      if (isHeld) this.#core.table.set(head, PG_LOCKED);
      else this.#core.table.clear(head, PG_LOCKED);
    }
  }

  /** The folio of a frame was used (folio_mark_accessed). */
  markAccessed(frame: Pfn): void {
    const { table, lru } = this.#core;
    if (((table.flags[frame] as number) & (PG_HEAD | PG_TAIL)) === 0) {
      lru.markAccessed(frame);
      return;
    }
    // All pages of a folio have the same marks, and one that is active and referenced keeps them.
    const settled = PG_ACTIVE | PG_REFERENCED;
    if (((table.flags[frame] as number) & settled) === settled) return;
    const head = this.headOf(frame);
    const pages = this.folioPages(frame);
    for (let i = 0; i < pages; i++) lru.markAccessed(pfn(head + i));
  }

  /**
   * A mapping wrote to the folio of a frame (folio_mark_dirty). It is no mark of readahead any more: both meanings of that
   * bit go.
   */
  markDirty(task: Task | undefined, inode: Inode, frame: Pfn): void {
    this.clearMark(frame);
    this.markBufferDirty(task, inode, frame);
  }

  /**
   * The folio of a frame differs from the disk now (mark_buffer_dirty, what write(2) and truncation do). Whoever makes it
   * so pays for the write, as task_io_account_write counts it; memory files have no disk.
   */
  markBufferDirty(task: Task | undefined, inode: Inode, frame: Pfn): void {
    const { table, vmstat } = this.#core;
    if (table.has(frame, PG_DIRTY)) return;
    const pages = this.folioPages(frame);
    this.setFolioFlags(frame, PG_DIRTY);
    if (inode.kind === 'shmem') return;
    this.#createBuffers(frame, pages);
    const { trace } = this.#core;
    if (inode.dirtyPages === 0) this.#listeners.dirtied(inode);
    inode.dirtyPages += pages;
    this.dirtyInodes.add(inode);
    if (trace.on) {
      const name = trace.intern(`${inode.dev >>> 20}:${inode.dev & 0xfffff}`);
      const index = this.#core.table.index[this.headOf(frame)] as number;
      trace.emit(WRITEBACK_WRITEBACK_DIRTY_FOLIO, task?.tid ?? 0, name, inode.ino, index);
    }
    vmstat.count(NR_DIRTY, pages);
    vmstat.count(NR_DIRTIED, pages);
    if (task === undefined) return;
    task.process.writtenBytes += pages * PAGE_SIZE;
    task.nrDirtied += pages;
  }

  /** create_empty_buffers: they stay until the folio leaves the cache. */
  #createBuffers(frame: Pfn, pages: number): void {
    const { table } = this.#core;
    if (table.has(frame, PG_PRIVATE)) return;
    this.setFolioFlags(frame, PG_PRIVATE);
    payForBuffers(this.#core, table.memcg[frame] as number, pages, true);
  }

  /** A dirty folio goes: its write will not happen, to the credit of who made it go (task_io_account_cancelled_write). */
  #cancelDirty(inode: Inode, head: Pfn): void {
    if (!this.isDirty(head)) return;
    const { current } = this.#core;
    if (inode.kind !== 'shmem' && current !== undefined)
      current.process.cancelledBytes += this.folioPages(head) * PAGE_SIZE;
    this.clearDirty(inode, head);
  }

  /** The folio equals the disk again, or will never get there (folio_clear_dirty_for_io, folio_cancel_dirty). */
  clearDirty(inode: Inode, frame: Pfn): void {
    const { table, vmstat } = this.#core;
    if (!table.has(frame, PG_DIRTY)) return;
    const head = this.headOf(frame);
    const pages = this.folioPages(frame);
    for (let i = 0; i < pages; i++) table.clear(pfn(head + i), PG_DIRTY);
    if (inode.kind === 'shmem') return;
    inode.dirtyPages -= pages;
    if (inode.dirtyPages === 0) this.dirtyInodes.delete(inode);
    vmstat.count(NR_DIRTY, -pages);
  }

  /** The folio is given to its disk (folio_start_writeback). */
  startWriteback(head: Pfn): void {
    this.setFolioFlags(head, PG_WRITEBACK);
    this.#core.vmstat.count(NR_WRITEBACK, this.folioPages(head));
  }

  /**
   * The disk has answered (folio_end_writeback). A folio that reclaim came across meanwhile is the next to go, and so is one
   * with a mark of readahead, which is the same bit (folio_rotate_reclaimable).
   */
  endWriteback(head: Pfn): void {
    const { table, lru, vmstat } = this.#core;
    const pages = this.folioPages(head);
    for (let i = 0; i < pages; i++) table.clear(pfn(head + i), PG_WRITEBACK);
    vmstat.count(NR_WRITEBACK, -pages);
    if (!this.isMarked(head)) return;
    this.clearMark(head);
    if (!this.isDirty(head)) for (let i = 0; i < pages; i++) lru.rotate(pfn(head + i));
  }
}
