import { PAGE_SIZE, type Pfn, pfn } from '../../hardware/units.ts';
import type { Task } from '../process/process.ts';
import {
  type EventLog,
  READAHEAD_PAGE_CACHE_ASYNC_RA,
  READAHEAD_PAGE_CACHE_RA_ORDER,
  READAHEAD_PAGE_CACHE_RA_UNBOUNDED,
  READAHEAD_PAGE_CACHE_SYNC_RA,
} from '../tracepoints.ts';
import type { File } from './file.ts';
import { MAX_FOLIO_ORDER } from './file-system.ts';
import type { Inode } from './inode.ts';
import { nextMiss, prevMiss } from './misses.ts';
import type { PageCache } from './page-cache.ts';
import type { PageIo } from './page-io.ts';
import { alignedSize, initialWindow, largestWindow, nextWindow } from './windows.ts';

/** POSIX_FADV_WILLNEED and FADV_RANDOM read in pieces of 2 MiB (force_page_cache_ra). */
const FORCED_CHUNK = (2 << 20) / PAGE_SIZE;

const log2 = (n: number): number => 31 - Math.clz32(n);
const lowestSetBit = (n: number): number => 31 - Math.clz32(n & -n);

/**
 * Reads files ahead of their readers (mm/readahead.c). The state is the open file's: a window [start, start + size) was
 * read last, and when the reader reaches the page that lies `asyncSize` before its end, which carries a mark, the next
 * window is read.
 */
export class Readahead {
  readonly #cache: PageCache;
  readonly #io: PageIo;
  readonly #trace: EventLog;

  constructor(cache: PageCache, io: PageIo, trace: EventLog) {
    this.#cache = cache;
    this.#io = io;
    this.#trace = trace;
  }

  /** A page that is wanted is missing; `request` pages are asked for from there on (page_cache_sync_ra). */
  sync(task: Task | undefined, file: File, index: number, request: number): void {
    const { ra, inode } = file;
    this.#traceRequest(READAHEAD_PAGE_CACHE_SYNC_RA, task, file, index, request);
    if (ra.raPages === 0 || file.random) {
      this.force(task, file, index, ra.raPages === 0 ? 1 : request);
      return;
    }
    const max = largestWindow(ra.raPages, inode.fs.ioPages, request);
    if (index === 0 || request > max || this.#isSequential(file, index)) {
      const size = initialWindow(request, max);
      this.#setWindow(file, index, size, size > request ? size - request : size >> 1);
    } else {
      const miss = prevMiss(this.#cache, inode, index - 1, max);
      const history = index - miss - 1;
      if (history <= request) {
        this.#readPages(task, inode, index, request, 0);
        return;
      }
      this.#setWindow(file, index, Math.min((miss < 0 ? 2 * history : history) + request, max), 1);
    }
    this.readWindow(task, file);
  }

  /** The read begins in the page where the last one ended, or in the one behind it. */
  #isSequential(file: File, index: number): boolean {
    if (file.ra.prevPos < 0) return false;
    const distance = index - Math.floor(file.ra.prevPos / PAGE_SIZE);
    return distance === 0 || distance === 1;
  }

  #setWindow(file: File, start: number, size: number, asyncSize: number): void {
    file.ra.start = start;
    file.ra.size = size;
    file.ra.asyncSize = asyncSize;
    file.ra.order = 0;
  }

  /** The reader has come to a marked folio at `index` (page_cache_async_ra). */
  async(task: Task | undefined, file: File, index: number, folio: Pfn, request: number): void {
    const { ra, inode } = file;
    this.#traceRequest(READAHEAD_PAGE_CACHE_ASYNC_RA, task, file, index, request);
    if (ra.raPages === 0) return;
    this.#cache.clearMark(folio);
    const max = largestWindow(ra.raPages, inode.fs.ioPages, request);
    const marked = ra.start + ra.size - ra.asyncSize;
    if (index === marked - (marked % this.#cache.folioPages(folio))) {
      ra.start += ra.size;
      ra.size = Math.max(ra.size, nextWindow(ra.size, max));
    } else {
      // Another stream's mark, or the state was lost: what is cached from here on is taken for the old window.
      const start = nextMiss(this.#cache, inode, index + 1, max);
      if (start - index > max) return;
      ra.start = start;
      ra.size = nextWindow(start - index + request, max);
    }
    ra.order += 2;
    ra.size = alignedSize(ra.start, ra.size, ra.order, max);
    ra.asyncSize = ra.size;
    this.readWindow(task, file);
  }

  /** The window that a request found. */
  #traceRequest(point: number, task: Task | undefined, { ra, inode }: File, index: number, request: number): void {
    if (!this.#trace.on) return;
    this.#trace.emit(point, task?.tid ?? 0, inode.ino, inode.dev, index, ra.size, ra.asyncSize, request);
  }

  /** Reads exactly these pages, at most what window or device allow (force_page_cache_ra). */
  force(task: Task | undefined, file: File, index: number, pages: number): void {
    const { ra, inode } = file;
    const end = index + Math.min(pages, Math.max(inode.fs.ioPages, ra.raPages));
    for (let at = index; at < end; at += FORCED_CHUNK)
      this.#readPages(task, inode, at, Math.min(FORCED_CHUNK, end - at), 0);
  }

  /**
   * Reads the file's window and puts the mark (page_cache_ra_order): in folios of the window's order where the file
   * system has large folios, each aligned to its size and none behind the window or the file.
   */
  readWindow(task: Task | undefined, file: File): void {
    const { ra, inode } = file;
    const trace = this.#trace;
    if (trace.on) {
      const { start, order, size, asyncSize } = ra;
      trace.emit(READAHEAD_PAGE_CACHE_RA_ORDER, task?.tid ?? 0, inode.ino, inode.dev, start, order, size, asyncSize);
    }
    if (!inode.fs.largeFolios) {
      ra.order = 0;
      this.#readPages(task, inode, ra.start, ra.size, ra.asyncSize);
      return;
    }
    ra.order = Math.min(MAX_FOLIO_ORDER, ra.order, log2(Math.max(1, ra.size)));
    const limit = Math.min(Math.floor((inode.size - 1) / PAGE_SIZE), ra.start + ra.size - 1);
    const mark = ra.start + ra.size - ra.asyncSize;
    let index = ra.start;
    while (index <= limit) {
      const order = folioOrder(index, limit, ra.order);
      const head = this.#cache.add(task, inode, index, order);
      if (head < 0) break;
      if (index === mark - (mark % (1 << order))) this.#cache.mark(pfn(head));
      index += 1 << order;
    }
    this.#io.read(task, inode, ra.start, index);
    // Pages that were cached already, or memory that is in pieces: the rest of the window in single pages.
    if (index <= limit) this.#readPages(task, inode, index, ra.size - (index - ra.start), ra.asyncSize);
  }

  /**
   * Reads the missing ones of `count` pages, in single pages, up to the end of the file (do_page_cache_ra). The mark goes
   * on the page that lies `lookahead` before the end, if that page is new.
   */
  #readPages(task: Task | undefined, inode: Inode, index: number, count: number, lookahead: number): void {
    const trace = this.#trace;
    if (trace.on)
      trace.emit(READAHEAD_PAGE_CACHE_RA_UNBOUNDED, task?.tid ?? 0, inode.ino, inode.dev, index, count, lookahead);
    if (inode.size === 0) return;
    const last = Math.floor((inode.size - 1) / PAGE_SIZE);
    if (index > last) return;
    const end = Math.min(index + count, last + 1);
    const mark = lookahead > 0 && lookahead <= end - index ? end - lookahead : -1;
    let first = index;
    let at = index;
    for (; at < end; at++) {
      const frame = this.#cache.add(task, inode, at);
      if (frame === -1) break;
      if (frame >= 0) {
        if (at === mark) this.#cache.mark(pfn(frame));
        continue;
      }
      this.#io.read(task, inode, first, at);
      first = at + 1;
    }
    this.#io.read(task, inode, first, at);
  }
}

/** The largest folio up to an order that is aligned at `index` and does not reach behind `limit`. */
function folioOrder(index: number, limit: number, wanted: number): number {
  let order = wanted;
  if (index % (1 << order) !== 0) order = lowestSetBit(index);
  while (order > 0 && index + (1 << order) - 1 > limit) order--;
  return order;
}
