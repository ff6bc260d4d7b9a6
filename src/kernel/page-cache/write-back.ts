import { PAGE_SIZE, type Pfn, pfn } from '../../hardware/units.ts';
import type { PageCore } from '../core.ts';
import { writeProtect } from './file-rmap.ts';
import type { Inode } from './inode.ts';
import type { PageCache } from './page-cache.ts';
import type { PageIo } from './page-io.ts';

const LAST_INDEX = 0x7fffffff;

/**
 * Writes dirty pages to their disks (mm/page-writeback.c, write_cache_pages): for a program that waits, and for the
 * flusher, which submits and hears of the end later.
 */
export class WriteBack {
  readonly #core: PageCore;
  readonly #cache: PageCache;
  readonly #io: PageIo;
  readonly #failed: (inode: Inode, errno: number) => void;

  /** @param failed told of every write that a disk refused (mapping_set_error); errno is positive */
  constructor(core: PageCore, cache: PageCache, io: PageIo, failed: (inode: Inode, errno: number) => void) {
    this.#core = core;
    this.#cache = cache;
    this.#io = io;
    this.#failed = failed;
  }

  /** Writes the dirty pages of [first, end), a request for each run of neighbours, and waits for the disk to have all. */
  sync(inode: Inode, first = 0, end: number = LAST_INDEX): void {
    if (inode.dirtyPages > 0) this.#io.together(() => this.#write(inode, first, end, true));
  }

  /** The disk has answered what `submit` gave it: the pages of [first, end) that are dirty still are written. */
  complete(inode: Inode, first: number, end: number): void {
    this.#write(inode, first, end, false);
  }

  /** Gives the pages of [first, end) to the disk: nanoseconds until it has them, 0 for one that answers at once. */
  submit(inode: Inode, first: number, end: number): number {
    return this.#io.writeTime(inode, first, end);
  }

  /** Starts writing the dirty pages of [first, end), which nobody waits for (WB_SYNC_NONE). */
  start(inode: Inode, first: number, end: number): void {
    const last = Math.min(end, Math.ceil(inode.size / PAGE_SIZE));
    for (let at = first; at < last; ) {
      const run = this.#runFrom(inode, at, last, LAST_INDEX);
      if (run === undefined) return;
      this.submit(inode, run[0], run[1]);
      this.complete(inode, run[0], run[1]);
      at = run[1];
    }
  }

  /**
   * The next run of dirty pages at or behind `from`, else from the file's start on (range_cyclic), of whole folios and
   * about `most` pages at most.
   */
  nextRun(inode: Inode, from: number, most: number): [first: number, end: number] | undefined {
    const fileEnd = Math.ceil(inode.size / PAGE_SIZE);
    return this.#runFrom(inode, from, fileEnd, most) ?? this.#runFrom(inode, 0, fileEnd, most);
  }

  #runFrom(inode: Inode, from: number, fileEnd: number, most: number): [first: number, end: number] | undefined {
    const first = this.#nextDirty(inode, from, fileEnd);
    if (first < 0) return undefined;
    let end = first;
    while (end < fileEnd && end - first < most) {
      const frame = pfn(inode.pages.get(end));
      if (frame <= 0 || !this.#cache.isDirty(frame)) break;
      end += this.#cache.folioPages(frame) - (frame - this.#cache.headOf(frame));
    }
    return [first, Math.min(end, fileEnd)];
  }

  #nextDirty({ pages }: Inode, from: number, end: number): number {
    let index = pages.next(from, end - 1);
    while (index >= 0 && !this.#cache.isDirty(pfn(pages.get(index)))) index = pages.next(index + 1, end - 1);
    return index;
  }

  #write(inode: Inode, first: number, end: number, waits: boolean): void {
    if (inode.dirtyPages === 0) return;
    const fileEnd = Math.ceil(inode.size / PAGE_SIZE);
    const last = Math.min(end, fileEnd) - 1;
    let runStart = -1;
    let runEnd = -1;
    inode.pages.forEach(first, last, (index, entry) => {
      const frame = pfn(entry);
      if (index < runEnd || !this.#cache.isDirty(frame)) return;
      const head = this.#cache.headOf(frame);
      const start = index - (frame - head);
      if (start !== runEnd) {
        if (runEnd >= 0) this.#request(inode, runStart, runEnd, waits);
        runStart = start;
      }
      // A dirty folio may reach out of a file that was cut; nothing is written there.
      runEnd = Math.min(start + this.#cache.folioPages(frame), fileEnd);
      this.#clean(inode, head);
    });
    if (runEnd >= 0) this.#request(inode, runStart, runEnd, waits);
  }

  #request(inode: Inode, first: number, end: number, waits: boolean): void {
    const error = this.#io.write(inode, first, end, waits);
    // The page is clean all the same: what it held is in the cache until it is dropped, and then lost.
    if (error !== 0) this.#failed(inode, -error);
  }

  /**
   * The next store to the folio must be seen: it is protected before it is called clean (folio_clear_dirty_for_io). When
   * the write is over, a mark that reclaim left goes, and with it one of readahead (folio_end_writeback).
   */
  #clean(inode: Inode, head: Pfn): void {
    const pages = this.#cache.folioPages(head);
    for (let i = 0; i < pages; i++) writeProtect(this.#core, pfn(head + i));
    this.#cache.clearDirty(inode, head);
    this.#cache.clearMark(head);
  }

  /** The file system's journal has the file's size and blocks as they are now (ext4_sync_file, jbd2). */
  commit(inode: Inode): void {
    inode.durable = { size: inode.size, extents: inode.extents.ranges() };
  }

  /** Every file of a device, or of all devices (sync_filesystem). */
  syncAll(dev?: number): void {
    this.#io.together(() => {
      for (const inode of [...this.#cache.dirtyInodes]) if (dev === undefined || inode.dev === dev) this.sync(inode);
    });
  }
}
