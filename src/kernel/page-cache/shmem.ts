import { PAGE_SIZE, type Pfn, pfn } from '../../hardware/units.ts';
import { ENOMEM } from '../errno.ts';
import type { Task } from '../process/process.ts';
import type { File } from './file.ts';
import type { Inode } from './inode.ts';
import type { PageCache } from './page-cache.ts';
import type { ShmemSwap } from './shmem-swap.ts';
import type { UserCopy } from './user-copy.ts';

/** Promises of memory that count in Committed_AS (mm/util.c), in pages. */
export interface Commit {
  /** False when the machine's policy forbids it. */
  promise(task: Task, pages: number): boolean;
  release(pages: number): void;
}

/** Memory files: memfd, tmpfs and shared anonymous memory (mm/shmem.c). Their only copy is in the cache. */
export class Shmem {
  readonly #cache: PageCache;
  /** Its pages that are in swap. */
  readonly swap: ShmemSwap;
  readonly #user: UserCopy;
  readonly #commit: Commit;
  readonly #zeroFrame: Pfn;

  /** @param zeroFrame what holes are read from */
  constructor(cache: PageCache, swap: ShmemSwap, user: UserCopy, commit: Commit, zeroFrame: Pfn) {
    this.#cache = cache;
    this.swap = swap;
    this.#user = user;
    this.#commit = commit;
    this.#zeroFrame = zeroFrame;
  }

  /**
   * The frame of a page, a zeroed new one where none was (shmem_get_folio, SGP_CACHE and SGP_WRITE).
   * @param mayReclaim as for allocateAnonymous; 'light': reclaim may not kill for it
   * @returns the frame, or -1: no memory
   */
  getPage(task: Task | undefined, inode: Inode, index: number, mayReclaim: boolean | 'light' = 'light'): Pfn | -1 {
    const frame = this.#makePage(task, inode, index, mayReclaim);
    if (frame >= 0) this.#cache.setUptodate(pfn(frame));
    return frame;
  }

  /** The frame of a page, brought from swap if it is there; -1 for a hole or without memory (SGP_READ). */
  find(task: Task | undefined, inode: Inode, index: number): Pfn | -1 {
    const entry = inode.pages.get(index);
    if (entry > 0) return pfn(entry);
    return entry < 0 ? this.swap.swapIn(task, inode, index, 'light') : -1;
  }

  #makePage(task: Task | undefined, inode: Inode, index: number, mayReclaim: boolean | 'light'): Pfn | -1 {
    const entry = inode.pages.get(index);
    if (entry > 0) return pfn(entry);
    if (entry < 0) return this.swap.swapIn(task, inode, index, mayReclaim);
    const counted = inode.commit === 'page' && task !== undefined;
    if (counted && !this.#commit.promise(task, 1)) return -1;
    const frame = this.#cache.add(task, inode, index, 0, mayReclaim);
    if (frame < 0) {
      if (counted) this.#commit.release(1);
      return -1;
    }
    this.#cache.clearUptodate(pfn(frame));
    return pfn(frame);
  }

  /** read(2): holes read as zeros and get no page (shmem_file_read_iter, SGP_READ). */
  read(task: Task, file: File, position: number, length: number, buffer: number): number {
    const { inode } = file;
    const end = Math.min(inode.size, position + length);
    let at = position;
    while (at < end) {
      const index = Math.floor(at / PAGE_SIZE);
      const offset = at % PAGE_SIZE;
      const bytes = Math.min(end - at, PAGE_SIZE - offset);
      const frame = this.find(task, inode, index);
      if (frame >= 0) this.#cache.markAccessed(frame as Pfn);
      const source = frame < 0 ? this.#zeroFrame : pfn(frame);
      const copied = this.#user.toUser(task, buffer + (at - position), source, offset, bytes);
      at += copied;
      if (copied < bytes) break;
    }
    return Math.max(0, at - position);
  }

  /** fallocate(2) without a mode: every page is made, yet zeroed only at its first use. @returns 0 or -ENOMEM */
  allocate(task: Task, inode: Inode, first: number, end: number): number {
    for (let index = first; index < end; index++) {
      const frame = this.#makePage(task, inode, index, 'light');
      if (frame < 0) return -ENOMEM;
      this.#cache.markDirty(task, inode, frame as Pfn);
    }
    return 0;
  }
}
