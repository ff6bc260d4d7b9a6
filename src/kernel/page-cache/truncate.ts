import { PAGE_SIZE, type Pfn, pfn } from '../../hardware/units.ts';
import type { PageCore } from '../core.ts';
import { PG_UNEVICTABLE, PG_WRITEBACK } from '../frames/frame-table.ts';
import type { Task } from '../process/process.ts';
import { unmapFrame, unmapRange } from './file-rmap.ts';
import type { Inode } from './inode.ts';
import type { PageCache } from './page-cache.ts';
import type { PageIo } from './page-io.ts';

const LAST_INDEX = 0x7fffffff;

/** Cutting files and their cached pages (mm/truncate.c, ext4_setattr). */
export class Truncation {
  readonly #core: PageCore;
  readonly #cache: PageCache;
  readonly #io: PageIo;

  constructor(core: PageCore, cache: PageCache, io: PageIo) {
    this.#core = core;
    this.#cache = cache;
    this.#io = io;
  }

  /** Sets a file's size; what lies behind a smaller one is lost, in private copies too (truncate_setsize). */
  setSize(task: Task | undefined, inode: Inode, size: number): void {
    const old = inode.size;
    if (size === old) return;
    // The page that the old or the new end lies in must read as zeros behind it, on the disk too.
    if (inode.kind === 'file') this.#zeroTail(task, inode, Math.min(old, size));
    inode.size = size;
    if (size > old) return;
    const first = Math.ceil(size / PAGE_SIZE);
    unmapRange(this.#core, inode, first, LAST_INDEX, true);
    this.#dropPages(inode, first, LAST_INDEX);
    if (inode.kind === 'shmem') this.#zeroPart(inode, Math.floor(size / PAGE_SIZE), size % PAGE_SIZE, PAGE_SIZE);
    inode.extents.remove(first, LAST_INDEX);
  }

  /** ext4_block_truncate_page: the rest of a file's last page is read, zeroed and dirty, if it has a block. */
  #zeroTail(task: Task | undefined, inode: Inode, end: number): void {
    const offset = end % PAGE_SIZE;
    const index = Math.floor(end / PAGE_SIZE);
    if (offset === 0) return;
    this.#zeroBlock(task, inode, index, offset, PAGE_SIZE);
  }

  /** Zeroes bytes of one page, which is read for that when it has a block (__ext4_block_zero_page_range). */
  #zeroBlock(task: Task | undefined, inode: Inode, index: number, from: number, to: number): void {
    if (this.#cache.find(inode, index) < 0) {
      if (!inode.extents.has(index)) return;
      const added = this.#cache.add(task, inode, index);
      if (added < 0) return;
      this.#io.read(task, inode, index, index + 1);
      this.#cache.clearUptodate(pfn(added));
    }
    this.#zeroPart(inode, index, from, to);
    this.#cache.markDirty(task, inode, pfn(this.#cache.find(inode, index)));
  }

  #zeroPart(inode: Inode, index: number, from: number, to: number): void {
    const frame = this.#cache.find(inode, index);
    if (frame < 0 || from >= to || !this.#core.memory.hasStorage(pfn(frame))) return;
    this.#core.memory.view(pfn(frame)).fill(0, from, to);
  }

  /**
   * Frees the blocks and pages of a byte range (FALLOC_FL_PUNCH_HOLE): whole pages are dropped, though private copies of
   * them stay; parts of pages are zeroed and dirty.
   */
  punchHole(task: Task | undefined, inode: Inode, offset: number, length: number): void {
    const end = offset + length;
    const first = Math.ceil(offset / PAGE_SIZE);
    const behind = Math.floor(end / PAGE_SIZE);
    this.#zeroRange(task, inode, offset, Math.min(end, first * PAGE_SIZE));
    if (behind >= first) this.#zeroRange(task, inode, behind * PAGE_SIZE, end);
    if (behind <= first) return;
    unmapRange(this.#core, inode, first, behind, false);
    this.#dropPages(inode, first, behind);
    inode.extents.remove(first, behind);
  }

  /** Zeroes bytes inside one page, reading it first when it has a block. */
  #zeroRange(task: Task | undefined, inode: Inode, from: number, to: number): void {
    if (from >= to || from >= inode.size) return;
    const index = Math.floor(from / PAGE_SIZE);
    this.#zeroBlock(task, inode, index, from % PAGE_SIZE, to - index * PAGE_SIZE);
  }

  /** Removes the cached pages [first, end), which nothing maps; folios that reach out of the range are split before. */
  #dropPages(inode: Inode, first: number, end: number): void {
    this.#splitAt(inode, first);
    this.#splitAt(inode, end);
    inode.pages.forEach(
      first,
      end - 1,
      (index, entry) => {
        if (entry > 0) this.#cache.remove(inode, pfn(entry));
        else inode.pages.delete(index);
      },
      true,
    );
  }

  /** Splits the large folio that a page index lies in, unless it begins there (truncate_inode_partial_folio). */
  #splitAt(inode: Inode, index: number): void {
    const frame = this.#cache.find(inode, index);
    if (frame < 0) return;
    const head = this.#cache.headOf(pfn(frame));
    if (head === frame) return;
    const pages = this.#cache.folioPages(head);
    for (let i = 0; i < pages; i++) unmapFrame(this.#core, pfn(head + i));
    this.#cache.split(pfn(frame));
  }

  /**
   * Drops the clean, unmapped folios that lie wholly in [first, end): what drop_caches and POSIX_FADV_DONTNEED do
   * (mapping_try_invalidate, find_lock_entries). No shadow stays behind. Returns how many pages went.
   */
  invalidate(inode: Inode, first = 0, end = LAST_INDEX): number {
    let dropped = 0;
    inode.pages.forEach(first, end - 1, (index, entry) => {
      const frame = pfn(entry);
      const start = index - (frame - this.#cache.headOf(frame));
      if (start < first || start + this.#cache.folioPages(frame) > end || this.#isBusy(frame)) return;
      dropped += this.#cache.folioPages(frame);
      this.#cache.remove(inode, frame);
    });
    return dropped;
  }

  /** Mapped, dirty or locked in memory: mapping_evict_folio leaves it alone. */
  #isBusy(frame: Pfn): boolean {
    if (this.#cache.isDirty(frame) || this.#core.table.has(frame, PG_WRITEBACK | PG_UNEVICTABLE)) return true;
    return this.#cache.isMapped(frame);
  }

  /** A file without names and users is gone, its pages with it (evict, truncate_inode_pages_final). */
  evict(inode: Inode): void {
    this.#dropPages(inode, 0, LAST_INDEX);
  }
}
