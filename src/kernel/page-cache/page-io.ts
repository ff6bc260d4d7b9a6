import { PAGE_SIZE, type Pfn, pfn } from '../../hardware/units.ts';
import type { PageCore } from '../core.ts';
import { PG_WORKINGSET } from '../frames/frame-table.ts';
import type { Task } from '../process/process.ts';
import { CAUSE_DISK } from '../time/clock.ts';
import { NR_WRITTEN, PGPGIN, PGPGOUT } from '../vmstat.ts';
import type { Inode } from './inode.ts';
import type { PageCache } from './page-cache.ts';

/** Files lie on the disk one after the other, in the order of their inode numbers, each in a gibibyte of its own. */
const FILE_SPACING = 2 ** 30;
const FILES_ON_DISK = 1024;

const placeOnDisk = (inode: Inode, index: number): number =>
  (inode.ino % FILES_ON_DISK) * FILE_SPACING + index * PAGE_SIZE;

/**
 * Moves pages between the cache and the disk. Reads are answered before the call returns: whoever asked is charged for the
 * bytes and waits for the time that the device takes. A run of neighbouring blocks is one request (mpage_readahead). Writes
 * are answered later.
 */
export class PageIo {
  readonly #core: PageCore;
  readonly #cache: PageCache;
  constructor(core: PageCore, cache: PageCache) {
    this.#core = core;
    this.#cache = cache;
  }

  /** Fills new cache pages [first, end) with the file's bytes (read_pages); those in holes stay zero without I/O. */
  read(task: Task | undefined, inode: Inode, first: number, end: number): void {
    const { psi, table } = this.#core;
    psi.enter();
    let run = 0;
    let isThrashing = false;
    for (let index = first; index < end; index++) {
      const frame = this.#cache.find(inode, index);
      if (frame < 0) continue;
      isThrashing ||= table.has(pfn(frame), PG_WORKINGSET);
      if (inode.extents.has(index)) {
        run++;
        if (this.#core.contents === 'bytes') this.#fill(inode, index, pfn(frame));
      } else {
        this.#transfer(task, inode, index - run, run, false);
        run = 0;
      }
      this.#cache.setUptodate(pfn(frame));
    }
    this.#transfer(task, inode, end - run, run, false);
    // A page that was in use when it was evicted: whoever reads it again waits for memory, not for his disk.
    psi.leave(isThrashing);
  }

  #fill(inode: Inode, index: number, frame: Pfn): void {
    if (inode.backing === undefined) return;
    inode.backing.readPage(index, this.#core.memory.view(frame));
  }

  /** Submits a write of cache pages [first, end): nanoseconds until the disk answers, 0 for one that does at once. */
  submit(inode: Inode, first: number, end: number): number {
    const bytes = (end - first) * PAGE_SIZE;
    this.#core.vmstat.count(PGPGOUT, bytes / 1024);
    return inode.fs.requestTime?.(bytes, true, placeOnDisk(inode, first)) ?? 0;
  }

  /**
   * The disk has answered a write of [first, end): the pages that it took have blocks from now on.
   * @returns 0, or the negated errno of the last page that it refused
   */
  written(inode: Inode, first: number, end: number): number {
    let error = 0;
    for (let index = first; index < end; index++) {
      const failed = this.#store(inode, index, pfn(inode.pages.get(index)));
      if (failed === 0) inode.extents.add(index, index + 1);
      else error = failed;
    }
    this.#core.vmstat.count(NR_WRITTEN, end - first);
    return error;
  }

  #store(inode: Inode, index: number, frame: Pfn): number {
    if (this.#core.contents === 'none' || inode.backing === undefined) return 0;
    return inode.backing.writePage(index, this.#core.memory.view(frame));
  }

  /**
   * One request to the device. Reads are charged to the task; writes were charged when the pages became dirty, except
   * direct ones, for which the caller does it.
   */
  #transfer(task: Task | undefined, inode: Inode, first: number, pages: number, write: boolean): void {
    if (pages === 0) return;
    const bytes = pages * PAGE_SIZE;
    this.#core.vmstat.count(write ? PGPGOUT : PGPGIN, bytes / 1024);
    if (!write && task !== undefined) task.process.readBytes += bytes;
    const time = inode.fs.requestTime?.(bytes, write, placeOnDisk(inode, first)) ?? 0;
    if (time > 0) this.#core.clock.spend(time, CAUSE_DISK);
  }

  /** A transfer past the cache (O_DIRECT): `pages` from `first` on, charged to the task. */
  direct(task: Task, inode: Inode, first: number, pages: number, write: boolean): void {
    this.#transfer(task, inode, first, pages, write);
    if (write) task.process.writtenBytes += pages * PAGE_SIZE;
  }
}
