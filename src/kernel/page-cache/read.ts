import { PAGE_SIZE, type Pfn, pfn } from '../../hardware/units.ts';
import { EFAULT, EINTR, ENOMEM } from '../errno.ts';
import type { Task } from '../process/process.ts';
import { type EventLog, FILEMAP_MM_FILEMAP_GET_PAGES } from '../tracepoints.ts';
import type { File } from './file.ts';
import type { Inode } from './inode.ts';
import type { PageCache } from './page-cache.ts';
import type { PageIo } from './page-io.ts';
import type { Readahead } from './readahead.ts';
import type { UserCopy } from './user-copy.ts';

/** PAGEVEC_SIZE: folios that one look into the cache brings. */
const BATCH_FOLIOS = 31;

/** read(2) through the cache (filemap_read in mm/filemap.c). */
export class FileReader {
  readonly #cache: PageCache;
  readonly #io: PageIo;
  readonly #readahead: Readahead;
  readonly #user: UserCopy;
  readonly #trace: EventLog;

  constructor(cache: PageCache, io: PageIo, readahead: Readahead, user: UserCopy, trace: EventLog) {
    this.#trace = trace;
    this.#cache = cache;
    this.#io = io;
    this.#readahead = readahead;
    this.#user = user;
  }

  /** Reads up to `length` bytes at `position` into the user's buffer: bytes read, or a negated errno if none was. */
  read(task: Task, file: File, position: number, length: number, buffer: number): number {
    const { inode, ra } = file;
    const asked = position + length;
    const index = Math.floor(position / PAGE_SIZE);
    const offset = position - index * PAGE_SIZE;
    if (offset + length <= PAGE_SIZE && asked <= inode.size) {
      const frame = pfn(inode.pages.get(index));
      if (frame > 0 && this.#cache.isReady(frame)) {
        this.#traceGot(task, inode, index, index + 1);
        return this.#readPage(task, file, frame, index, offset, length, buffer);
      }
    }
    let at = position;
    let lastPosition = ra.prevPos;
    let error = 0;
    while (at < asked && at < inode.size && error === 0) {
      if (!this.#cache.relieve(task, 'read')) {
        error = -EINTR;
        break;
      }
      const first = Math.floor(at / PAGE_SIZE);
      const behind = this.getPages(task, file, first, Math.ceil(asked / PAGE_SIZE));
      if (behind < 0) {
        error = behind;
        break;
      }
      const end = Math.min(inode.size, asked, behind * PAGE_SIZE);
      const copied = this.#copyOut(task, file, at, end, lastPosition, buffer + (at - position));
      at += copied;
      lastPosition = at;
      if (at < end) error = -EFAULT;
    }
    ra.prevPos = lastPosition;
    return at > position ? at - position : error;
  }

  /** The common case: bytes of one page that is cached and has no mark. */
  #readPage(
    task: Task,
    { ra }: File,
    frame: Pfn,
    index: number,
    offset: number,
    length: number,
    buffer: number,
  ): number {
    const order = this.#cache.orderOf(frame);
    if (Math.floor((ra.prevPos - 1) / PAGE_SIZE) >> order !== index >> order) this.#cache.markAccessed(frame);
    const copied = this.#user.toUser(task, buffer, frame, offset, length);
    ra.prevPos = index * PAGE_SIZE + offset + copied;
    return copied > 0 ? copied : -EFAULT;
  }

  /**
   * Brings a batch of cached pages from `first` on (filemap_get_pages): the index behind it, or -ENOMEM. Where nothing
   * is cached readahead runs first; a marked folio ends the batch and starts the next readahead.
   * @param last index behind the last page that this read call asks for
   */
  getPages(task: Task, file: File, first: number, last: number): number {
    const { inode } = file;
    let behind = this.#batch(file, first, last);
    if (behind === first) {
      this.#readahead.sync(task, file, first, last - first);
      behind = this.#batch(file, first, last);
    }
    if (behind === first) {
      if (this.#cache.add(task, inode, first) === -1) return -ENOMEM;
      this.#io.read(task, inode, first, first + 1);
      behind = first + 1;
    }
    this.#cache.setUptodate(pfn(inode.pages.get(behind - 1)));
    const folio = this.#cache.headOf(inode.pages.get(behind - 1) as Pfn);
    if (this.#cache.isMarked(folio)) {
      const index = behind - 1 - ((inode.pages.get(behind - 1) as Pfn) - folio);
      // The pages of the batch are in our hands: what is read ahead must not take their memory.
      this.#cache.hold(inode, first, behind, true);
      this.#readahead.async(task, file, index, folio, last - index);
      this.#cache.hold(inode, first, behind, false);
    }
    this.#traceGot(task, inode, first, last);
    return behind;
  }

  #traceGot(task: Task, { ino, dev }: Inode, first: number, last: number): void {
    if (this.#trace.on) this.#trace.emit(FILEMAP_MM_FILEMAP_GET_PAGES, task.tid, ino, dev, first, last - 1);
  }

  /**
   * The index behind the cached folios from `first` on: at most a batch of them, ended by a marked one. One that is not up
   * to date makes a batch of its own.
   */
  #batch(file: File, first: number, last: number): number {
    const { pages } = file.inode;
    let index = first;
    for (let folios = 0; index < last && folios < BATCH_FOLIOS; folios++) {
      const frame = pages.get(index);
      if (frame <= 0) break;
      if (!this.#cache.isUptodate(pfn(frame))) return folios === 0 ? index + 1 : index;
      index = this.#behindFolio(pfn(frame), index);
      if (this.#cache.isMarked(pfn(frame))) break;
    }
    return Math.min(index, last);
  }

  #behindFolio(frame: Pfn, index: number): number {
    const pages = this.#cache.folioPages(frame);
    return pages === 1 ? index + 1 : index - (frame - this.#cache.headOf(frame)) + pages;
  }

  /**
   * Copies cached bytes [at, end) out, marking each folio as used; the first one only if the last read ended in another
   * (pos_same_folio), so that small reads through a page count once. Returns the bytes copied.
   */
  #copyOut(task: Task, file: File, at: number, end: number, lastPosition: number, buffer: number): number {
    const { pages } = file.inode;
    let position = at;
    while (position < end) {
      const index = Math.floor(position / PAGE_SIZE);
      const frame = pfn(pages.get(index));
      const folioEnd = this.#behindFolio(frame, index);
      const size = this.#cache.folioPages(frame) * PAGE_SIZE;
      if (position > at || Math.floor(position / size) !== Math.floor((lastPosition - 1) / size))
        this.#cache.markAccessed(frame);
      const folioStop = Math.min(end, folioEnd * PAGE_SIZE);
      while (position < folioStop) {
        const pageIndex = Math.floor(position / PAGE_SIZE);
        const offset = position - pageIndex * PAGE_SIZE;
        const bytes = Math.min(folioStop - position, PAGE_SIZE - offset);
        const page = pfn(pages.get(pageIndex));
        const copied = this.#user.toUser(task, buffer + (position - at), page, offset, bytes);
        position += copied;
        if (copied < bytes) return position - at;
      }
    }
    return position - at;
  }
}
