import { PAGE_SIZE, type Pfn, pfn } from '../../hardware/units.ts';
import type { PageCore } from '../core.ts';
import { PG_UNEVICTABLE, PG_WRITEBACK } from '../frames/frame-table.ts';
import type { Task } from '../process/process.ts';
import { unmapFrame, unmapRange } from './file-rmap.ts';
import { setIndexEntry } from './index-nodes.ts';
import type { Inode } from './inode.ts';
import type { Metadata } from './metadata.ts';
import type { PageCache } from './page-cache.ts';
import type { PageIo } from './page-io.ts';
import type { Shmem } from './shmem.ts';
import type { WriteBack } from './write-back.ts';

const LAST_INDEX = 0x7fffffff;
const roundUp = (bytes: number): number => Math.ceil(bytes / PAGE_SIZE) * PAGE_SIZE;

/** A folio of a file: its first frame, the page index of that, and how many pages it has. */
interface Folio {
  readonly head: Pfn;
  readonly index: number;
  readonly pages: number;
}

/** Cutting files and their cached pages (mm/truncate.c, ext4_setattr). */
export class Truncation {
  readonly #core: PageCore;
  readonly #cache: PageCache;
  readonly #io: PageIo;
  readonly #metadata: Metadata;
  readonly #writeBack: WriteBack;
  readonly #shmem: Shmem;

  constructor(core: PageCore, cache: PageCache, io: PageIo, metadata: Metadata, writeBack: WriteBack, shmem: Shmem) {
    this.#writeBack = writeBack;
    this.#shmem = shmem;
    this.#core = core;
    this.#cache = cache;
    this.#io = io;
    this.#metadata = metadata;
  }

  /**
   * Sets a file's size; what lies behind a smaller one is lost, in private copies too (ext4_setattr, truncate_setsize). The
   * same size again counts as a smaller one.
   */
  setSize(task: Task | undefined, inode: Inode, size: number): void {
    const old = inode.size;
    if (size === old && inode.kind === 'shmem') return;
    this.#metadata.inodeChanged(task, inode);
    if (size > old) this.zeroTail(task, inode);
    inode.size = size;
    if (size > old) return;
    if (size === 0) inode.flushOnClose = inode.kind === 'file';
    const first = Math.ceil(size / PAGE_SIZE);
    unmapRange(this.#core, inode, first, LAST_INDEX, true);
    this.#truncateRange(inode, size, LAST_INDEX * PAGE_SIZE);
    // The disk, too, must read as zeros behind the new end (ext4_block_truncate_page).
    if (inode.kind === 'file') this.#zeroBlock(task, inode, size, roundUp(size));
    this.#freeBlocks(task, inode, first, LAST_INDEX);
  }

  /**
   * Frees the blocks and pages of a byte range (FALLOC_FL_PUNCH_HOLE): whole pages are dropped, though private copies of
   * them stay; parts of pages are zeroed, and on a disk so are their blocks (ext4_zero_partial_blocks).
   */
  punchHole(task: Task | undefined, inode: Inode, offset: number, length: number): void {
    if (offset >= inode.size) return;
    const end = Math.min(offset + length, roundUp(inode.size));
    const first = Math.ceil(offset / PAGE_SIZE);
    const behind = Math.floor(end / PAGE_SIZE);
    // A hole that ends in the first page ends before page 0, and that number wraps around: Linux unmaps all that follows.
    const unmapped = behind === 0 ? LAST_INDEX : behind;
    if (first < unmapped) unmapRange(this.#core, inode, first, unmapped, false);
    this.#truncateRange(inode, offset, end);
    if (inode.kind === 'file') {
      this.#zeroBlock(task, inode, offset, Math.min(end, roundUp(offset)));
      if (behind >= first) this.#zeroBlock(task, inode, behind * PAGE_SIZE, end);
    }
    this.#metadata.inodeChanged(task, inode);
    if (first < behind) this.#freeBlocks(task, inode, first, behind);
  }

  #freeBlocks(task: Task | undefined, inode: Inode, first: number, end: number): void {
    const written = inode.extents.remove(first, end);
    const unwritten = inode.unwritten.remove(first, end);
    if (written || unwritten) this.#metadata.blocksChanged(task, inode);
  }

  /**
   * Zeroes bytes of one page (__ext4_block_zero_page_range). A page that is not cached is taken into the cache, read if it
   * has a block; one without a block stays clean, and nobody has looked at all of it yet. It counts as used (FGP_ACCESSED).
   */
  #zeroBlock(task: Task | undefined, inode: Inode, from: number, to: number): void {
    if (from >= to) return;
    const index = Math.floor(from / PAGE_SIZE);
    if (this.#cache.find(inode, index) < 0) {
      const added = this.#cache.add(task, inode, index);
      if (added < 0) return;
      this.#io.read(task, inode, index, index + 1);
      this.#cache.clearUptodate(pfn(added));
    }
    const frame = pfn(this.#cache.find(inode, index));
    this.#cache.markAccessed(frame);
    this.#zero(frame, from - index * PAGE_SIZE, to - index * PAGE_SIZE);
    if (inode.extents.has(index)) this.#cache.markBufferDirty(task, inode, frame);
  }

  /** The file is about to grow: the rest of its last page must be zeros. */
  zeroTail(task: Task | undefined, inode: Inode): void {
    if (inode.kind === 'file') this.#zeroBlock(task, inode, inode.size, roundUp(inode.size));
  }

  /**
   * The first pages of a write behind the end are there: what lies between that end and the write in the pages of both is
   * zeros (ext4_zero_partial_blocks, called by ext4_da_do_write_end).
   * @param end the file's size before, in bytes
   */
  zeroGap(task: Task, inode: Inode, end: number, position: number): void {
    if (inode.kind !== 'file') return;
    const start = position - (position % PAGE_SIZE);
    this.#zeroBlock(task, inode, end, Math.min(position, roundUp(end)));
    if (start >= end) this.#zeroBlock(task, inode, start, position);
  }

  /** fallocate(2) behind the end: the file grows, and the pages of its old and its new end are taken into the cache. */
  extend(task: Task | undefined, inode: Inode, size: number): void {
    if (size <= inode.size) return;
    this.zeroTail(task, inode);
    inode.size = size;
    this.zeroTail(task, inode);
  }

  /** Zeroes bytes of one frame. */
  #zero(frame: Pfn, from: number, to: number): void {
    if (from < to && this.#core.memory.hasStorage(frame)) this.#core.memory.view(frame).fill(0, from, to);
  }

  /**
   * Removes the cached pages of a byte range, nothing mapped any more (truncate_inode_pages_range). The folios at its two
   * ends are cut; one that cannot be, because it is dirty, stays as it is, zeroed as far as the range goes. What is in flight
   * is waited for.
   */
  #truncateRange(inode: Inode, from: number, to: number): void {
    this.#writeBack.wait(inode, Math.floor(from / PAGE_SIZE), Math.ceil(to / PAGE_SIZE));
    let first = Math.ceil(from / PAGE_SIZE);
    let end = Math.floor(to / PAGE_SIZE);
    // A page of which only a part is cut must be in memory (shmem_get_partial_folio).
    if (inode.kind === 'shmem')
      for (const byte of [from, to])
        if (byte % PAGE_SIZE !== 0) this.#shmem.find(this.#core.current, inode, Math.floor(byte / PAGE_SIZE));
    const start = this.#folioAt(inode, Math.floor(from / PAGE_SIZE));
    if (start !== undefined && !this.#truncatePartial(inode, start, from, to)) {
      first = start.index + start.pages;
      if (to <= first * PAGE_SIZE) end = start.index;
    }
    const last = this.#folioAt(inode, Math.floor((to - 1) / PAGE_SIZE));
    const isSame = last !== undefined && start !== undefined && last.index < start.index + start.pages;
    if (last !== undefined && !isSame && !this.#truncatePartial(inode, last, from, to)) end = last.index;
    inode.pages.forEach(
      first,
      end - 1,
      (index, entry) => {
        if (entry > 0) this.#cache.remove(inode, pfn(entry));
        else this.#cache.dropValue(inode, index);
      },
      true,
    );
  }

  #folioAt(inode: Inode, index: number): Folio | undefined {
    const frame = index < LAST_INDEX ? this.#cache.find(inode, index) : -1;
    if (frame < 0) return undefined;
    const head = this.#cache.headOf(pfn(frame));
    return { head, index: index - (frame - head), pages: this.#cache.folioPages(head) };
  }

  /**
   * Cuts a folio where a byte range begins or ends in it (truncate_inode_partial_folio): its bytes in the range are zeroed,
   * and a large one is split so that whole pages can be dropped. @returns false when it has to stay in one piece
   */
  #truncatePartial(inode: Inode, folio: Folio, from: number, to: number): boolean {
    const { head, index, pages } = folio;
    const offset = Math.max(0, from - index * PAGE_SIZE);
    const end = Math.min(pages * PAGE_SIZE, to - index * PAGE_SIZE);
    if (offset === 0 && end === pages * PAGE_SIZE) {
      this.#unmapFolio(head, pages);
      this.#cache.remove(inode, head);
      return true;
    }
    for (let i = Math.floor(offset / PAGE_SIZE); i * PAGE_SIZE < end; i++)
      this.#zero(pfn(head + i), Math.max(0, offset - i * PAGE_SIZE), Math.min(PAGE_SIZE, end - i * PAGE_SIZE));
    if (pages === 1) return true;
    this.#unmapFolio(head, pages);
    if (this.#cache.isDirty(head)) return false;
    this.#cache.split(pfn(head + Math.floor(offset / PAGE_SIZE)));
    if (end < pages * PAGE_SIZE) this.#cache.split(pfn(head + Math.floor(end / PAGE_SIZE)));
    return true;
  }

  #unmapFolio(head: Pfn, pages: number): void {
    for (let i = 0; i < pages; i++) unmapFrame(this.#core, pfn(head + i));
  }

  /**
   * Drops the clean, unmapped folios that lie wholly in [first, end): what drop_caches and POSIX_FADV_DONTNEED do
   * (mapping_try_invalidate, find_lock_entries), and the shadows there. Returns how many pages went.
   */
  invalidate(inode: Inode, first = 0, end = LAST_INDEX): number {
    let dropped = 0;
    const drop = (index: number, entry: number): void => {
      if (entry < 0) {
        if (inode.kind === 'file') setIndexEntry(this.#core, inode, index, 0, 0);
        return;
      }
      const frame = pfn(entry);
      const start = index - (frame - this.#cache.headOf(frame));
      if (start < first || start + this.#cache.folioPages(frame) > end || this.#isBusy(frame)) return;
      dropped += this.#cache.folioPages(frame);
      this.#cache.remove(inode, frame);
    };
    inode.pages.forEach(first, end - 1, drop, true);
    return dropped;
  }

  /**
   * Drops every folio that has a page in [first, end), mapped or not: what a direct write does to the cache
   * (invalidate_inode_pages2_range). Dirty ones were written before.
   */
  invalidateAll(inode: Inode, first: number, end: number): void {
    inode.pages.forEach(first, end - 1, (_index, entry) => {
      const head = this.#cache.headOf(pfn(entry));
      if (this.#cache.isDirty(head)) return;
      this.#unmapFolio(head, this.#cache.folioPages(head));
      this.#cache.remove(inode, head);
    });
  }

  /** Mapped, dirty or locked in memory: mapping_evict_folio leaves it alone. */
  #isBusy(frame: Pfn): boolean {
    if (this.#cache.isDirty(frame) || this.#core.table.has(frame, PG_WRITEBACK | PG_UNEVICTABLE)) return true;
    return this.#cache.isMapped(frame);
  }

  /** A file without names and users is gone, its pages with it (evict, truncate_inode_pages_final). */
  evict(inode: Inode): void {
    this.#truncateRange(inode, 0, LAST_INDEX * PAGE_SIZE);
  }
}
