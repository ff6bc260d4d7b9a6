import { PAGE_SIZE, type Pfn, pfn } from '../../hardware/units.ts';
import type { PageCore } from '../core.ts';
import type { Task } from '../process/process.ts';
import { writeProtect } from './file-rmap.ts';
import { InFlight, type WriteRequest } from './in-flight.ts';
import type { Inode } from './inode.ts';
import type { PageCache } from './page-cache.ts';
import type { PageIo } from './page-io.ts';

const LAST_INDEX = 0x7fffffff;

/** Who must hear of what becomes of requests. */
export interface WriteBackListeners {
  /** A disk refused a write (mapping_set_error); errno is positive. */
  failed(inode: Inode, errno: number): void;
  /** Pages [first, end) of a file are given to its disk. @param task who asked for it, if it was not the flusher */
  submitted(task: Task | undefined, inode: Inode, first: number, end: number): void;
  /** A disk answered a request that was in flight. */
  answered(request: WriteRequest): void;
}

/**
 * Writes dirty pages to their disks (mm/page-writeback.c, ext4_writepages): a page is clean and under write-back from the
 * instant its request is submitted until the disk has answered, and may become dirty again meanwhile.
 */
export class WriteBack {
  readonly inFlight: InFlight;
  readonly #core: PageCore;
  readonly #cache: PageCache;
  readonly #io: PageIo;
  readonly #listeners: WriteBackListeners;

  constructor(core: PageCore, cache: PageCache, io: PageIo, listeners: WriteBackListeners) {
    this.#core = core;
    this.#cache = cache;
    this.#io = io;
    this.#listeners = listeners;
    this.inFlight = new InFlight(core.clock, (request) => {
      this.#end(request);
      listeners.answered(request);
    });
  }

  /** Writes the dirty pages of [first, end) and waits until the disk has them, and those in flight (WB_SYNC_ALL). */
  sync(inode: Inode, first = 0, end: number = LAST_INDEX): void {
    this.#submit(inode, first, end, true);
    this.inFlight.wait(inode, first, end);
  }

  /** Starts writing the dirty pages of [first, end), which nobody waits for; those in flight are left out (WB_SYNC_NONE). */
  start(inode: Inode, first = 0, end: number = LAST_INDEX): void {
    this.#submit(inode, first, end, false);
  }

  /** Waits for the pages of [first, end) that are in flight; dirty ones stay so (filemap_fdatawait_range). */
  wait(inode: Inode, first = 0, end: number = LAST_INDEX): void {
    this.inFlight.wait(inode, first, end);
  }

  /**
   * A page is about to be changed (folio_wait_stable): a device that must not see it change while it reads it, because it
   * computes a checksum or compresses, is waited for.
   */
  waitStable(inode: Inode, index: number): void {
    if (inode.fs.stableWrites === true) this.inFlight.wait(inode, index, index + 1);
  }

  /** Every file of a device, or of all devices (sync_inodes_sb). */
  syncAll(dev?: number): void {
    for (const inode of [...this.#cache.dirtyInodes])
      if (dev === undefined || inode.dev === dev) this.#submit(inode, 0, LAST_INDEX, true);
    this.inFlight.waitAll(dev);
  }

  #submit(inode: Inode, first: number, end: number, all: boolean): void {
    for (let at = first; inode.dirtyPages > 0 && at < end; ) {
      const behind = this.submitNext(inode, at, end, LAST_INDEX, all, this.#core.current);
      if (behind < 0) return;
      at = behind;
    }
  }

  /**
   * Submits one request: the next dirty pages of [from, end), neighbours in whole folios, as many as the device takes and
   * about `most`. Pages in flight cannot be submitted again: `all` waits for their answer first, else they are left out.
   * @param task who asked for it, if it was not the flusher; @returns the index behind it, -1 when there is none
   */
  submitNext(inode: Inode, from: number, end: number, most: number, all: boolean, task?: Task): number {
    const found = this.#nextDirty(inode, from, end, all);
    if (found < 0) return -1;
    const frame = pfn(inode.pages.get(found));
    const first = found - (frame - this.#cache.headOf(frame));
    if (this.#cache.isWriteback(frame)) this.inFlight.wait(inode, found, found + 1);
    const pages = Math.min(most, inode.fs.ioPages);
    let behind = first;
    while (behind < end && behind - first < pages) {
      const head = pfn(inode.pages.get(behind));
      if (head <= 0 || !this.#cache.isDirty(head) || this.#cache.isWriteback(head)) break;
      this.#begin(inode, head);
      behind += this.#cache.folioPages(head);
    }
    const blocksEnd = Math.min(behind, Math.ceil(inode.size / PAGE_SIZE));
    this.#listeners.submitted(task, inode, first, blocksEnd);
    const since = this.#core.clock.now;
    const request = {
      inode,
      first,
      end: behind,
      blocksEnd,
      since,
      due: since + this.#io.submit(inode, first, blocksEnd),
    };
    if (request.due > since) this.inFlight.add(request);
    else this.#end(request);
    return behind;
  }

  #nextDirty({ pages }: Inode, from: number, end: number, all: boolean): number {
    let index = pages.next(from, end - 1);
    for (; index >= 0; index = pages.next(index + 1, end - 1)) {
      const frame = pfn(pages.get(index));
      if (this.#cache.isDirty(frame) && (all || !this.#cache.isWriteback(frame))) return index;
    }
    return -1;
  }

  /** The next store to the folio must be seen: it is protected before it is called clean (folio_clear_dirty_for_io). */
  #begin(inode: Inode, head: Pfn): void {
    const pages = this.#cache.folioPages(head);
    for (let i = 0; i < pages; i++) writeProtect(this.#core, pfn(head + i));
    this.#cache.clearDirty(inode, head);
    this.#cache.startWriteback(head);
  }

  /** The disk has answered (ext4_end_bio): what the pages hold by now is what it got. */
  #end({ inode, first, end, blocksEnd }: WriteRequest): void {
    const error = this.#io.written(inode, first, blocksEnd);
    for (let index = first; index < end; ) {
      const head = pfn(inode.pages.get(index));
      index += this.#cache.folioPages(head);
      this.#cache.endWriteback(head);
    }
    // The page is clean all the same: what it held is in the cache until it is dropped, and then lost.
    if (error !== 0) this.#listeners.failed(inode, -error);
  }

  /** The file system's journal has the file's size and blocks as they are now (ext4_sync_file, jbd2). */
  commit(inode: Inode): void {
    inode.durable = { size: inode.size, extents: inode.extents.ranges() };
  }
}
