import { PAGE_SIZE, type Pfn, pfn } from '../../hardware/units.ts';
import type { PageCore } from '../core.ts';
import { writeProtect } from './file-rmap.ts';
import type { Inode } from './inode.ts';
import type { PageCache } from './page-cache.ts';
import type { PageIo } from './page-io.ts';

/**
 * Writes dirty pages to their disks when a program asks for it: fsync, msync, sync (mm/page-writeback.c,
 * write_cache_pages). The write is over when the call returns.
 */
export class WriteBack {
  readonly #core: PageCore;
  readonly #cache: PageCache;
  readonly #io: PageIo;

  constructor(core: PageCore, cache: PageCache, io: PageIo) {
    this.#core = core;
    this.#cache = cache;
    this.#io = io;
  }

  /** Writes the dirty pages of [first, end), a request for each run of neighbours. */
  sync(inode: Inode, first = 0, end = Number.POSITIVE_INFINITY): void {
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
        if (runEnd >= 0) this.#io.write(inode, runStart, runEnd);
        runStart = start;
      }
      // A dirty folio may reach out of a file that was cut; nothing is written there.
      runEnd = Math.min(start + this.#cache.folioPages(frame), fileEnd);
      this.#clean(inode, head);
    });
    if (runEnd >= 0) this.#io.write(inode, runStart, runEnd);
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

  /** Every file of a device, or of all devices (sync_filesystem). */
  syncAll(dev?: number): void {
    for (const inode of [...this.#cache.dirtyInodes]) if (dev === undefined || inode.dev === dev) this.sync(inode);
  }
}
