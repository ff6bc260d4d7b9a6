import { PAGE_SIZE } from '../../hardware/units.ts';
import { EINVAL } from '../errno.ts';
import type { LruLists } from '../frames/lru.ts';
import type { Task } from '../process/process.ts';
import type { File } from './file.ts';
import type { Readahead } from './readahead.ts';
import type { Truncation } from './truncate.ts';
import type { WriteBack } from './write-back.ts';

const LAST_INDEX = 0x7fffffff;

export const POSIX_FADV_NORMAL = 0;
export const POSIX_FADV_RANDOM = 1;
export const POSIX_FADV_SEQUENTIAL = 2;
export const POSIX_FADV_WILLNEED = 3;
export const POSIX_FADV_DONTNEED = 4;
export const POSIX_FADV_NOREUSE = 5;

/** What programs tell the kernel about their use of a file (mm/fadvise.c, generic_fadvise). */
export class FileAdvice {
  readonly #readahead: Readahead;
  readonly #writeBack: WriteBack;
  readonly #truncation: Truncation;
  readonly #lru: LruLists;

  constructor(readahead: Readahead, writeBack: WriteBack, truncation: Truncation, lru: LruLists) {
    this.#readahead = readahead;
    this.#writeBack = writeBack;
    this.#truncation = truncation;
    this.#lru = lru;
  }

  /** @param length 0 for all that follows; @returns 0 or -EINVAL */
  advise(task: Task, file: File, offset: number, length: number, advice: number): number {
    if (length < 0 || advice < POSIX_FADV_NORMAL || advice > POSIX_FADV_NOREUSE) return -EINVAL;
    if (file.inode.kind !== 'file') return 0;
    const end = length === 0 ? Number.POSITIVE_INFINITY : offset + length;
    switch (advice) {
      case POSIX_FADV_NORMAL:
      case POSIX_FADV_SEQUENTIAL:
        file.ra.raPages = file.inode.fs.raPages * (advice === POSIX_FADV_SEQUENTIAL ? 2 : 1);
        file.random = false;
        if (advice === POSIX_FADV_NORMAL) file.noReuse = false;
        return 0;
      case POSIX_FADV_RANDOM:
        file.random = true;
        return 0;
      case POSIX_FADV_NOREUSE:
        file.noReuse = true;
        return 0;
      case POSIX_FADV_WILLNEED:
        this.willNeed(task, file, offset, end);
        return 0;
      default:
        this.#dontNeed(file, offset, end);
        return 0;
    }
  }

  /** Starts reading the pages of a byte range, as many as one request takes; no mark is left. */
  willNeed(task: Task, file: File, offset: number, end: number): void {
    const first = Math.floor(offset / PAGE_SIZE);
    const pages = Math.min(Math.ceil(end / PAGE_SIZE), 2 ** 31 - 1) - first;
    // A page number below nothing is beyond any file to the kernel.
    if (first >= 0 && pages > 0) this.#readahead.force(task, file, first, pages);
  }

  /**
   * Drops the pages that lie wholly in the range; the file's last one too when the range ends where the file does. Dirty ones
   * are given to the disk, and stay if it answers later.
   */
  #dontNeed(file: File, offset: number, end: number): void {
    const { inode } = file;
    const first = Math.ceil(offset / PAGE_SIZE);
    const behind = end === inode.size ? Math.ceil(end / PAGE_SIZE) : Math.min(Math.floor(end / PAGE_SIZE), LAST_INDEX);
    this.#writeBack.start(inode, Math.floor(offset / PAGE_SIZE), Math.ceil(end / PAGE_SIZE));
    if (behind <= first) return;
    this.#lru.drain();
    this.#truncation.invalidate(inode, first, behind);
  }
}
