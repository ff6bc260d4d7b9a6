import type { Pfn } from '../../hardware/units.ts';
import { VM_EXEC, VM_RAND_READ, VM_SEQ_READ } from '../address-space/vm-flags.ts';
import type { Vma } from '../address-space/vma.ts';
import type { Task } from '../process/process.ts';
import type { File } from './file.ts';
import type { PageCache } from './page-cache.ts';
import type { Readahead } from './readahead.ts';

/** Misses without hits after which reading around a fault is given up (MMAP_LOTSAMISS). */
const LOTS_OF_MISSES = 100;

/** Readahead of mapped files (do_sync_mmap_readahead and do_async_mmap_readahead in mm/filemap.c). */
export class MmapReadahead {
  readonly #cache: PageCache;
  readonly #readahead: Readahead;

  constructor(cache: PageCache, readahead: Readahead) {
    this.#cache = cache;
    this.#readahead = readahead;
  }

  /**
   * A fault found nothing in the cache. MADV_SEQUENTIAL reads ahead as read(2) does, code reads on from the fault, and
   * anything else reads around it, while that helps; MADV_RANDOM reads nothing here.
   * @returns whether the address-space lock was let go for the reading
   */
  onMiss(task: Task, file: File, vma: Vma, index: number): boolean {
    const { ra } = file;
    if (vma.flags & VM_RAND_READ || ra.raPages === 0) return false;
    if (vma.flags & VM_SEQ_READ) {
      this.#readahead.sync(task, file, index, ra.raPages);
      return true;
    }
    if (ra.mmapMiss < LOTS_OF_MISSES * 10) ra.mmapMiss++;
    if (ra.mmapMiss > LOTS_OF_MISSES) return false;
    ra.order = 0;
    if (vma.flags & VM_EXEC) {
      ra.start = Math.max(index, vma.pgoff);
      ra.size = Math.min(index + ra.raPages, vma.pgoff + vma.pages) - ra.start;
      ra.asyncSize = 0;
    } else {
      ra.start = Math.max(0, index - Math.floor(ra.raPages / 2));
      ra.size = ra.raPages;
      ra.asyncSize = Math.floor(ra.raPages / 4);
    }
    this.#readahead.readWindow(task, file);
    return true;
  }

  /**
   * A fault found its page cached; if that page has the mark, the next window is read.
   * @returns whether the address-space lock was let go
   */
  onHit(task: Task, file: File, vma: Vma, index: number, frame: Pfn): boolean {
    const { ra } = file;
    if (vma.flags & VM_RAND_READ || ra.raPages === 0) return false;
    if (ra.mmapMiss > 0) ra.mmapMiss--;
    if (!this.#cache.isMarked(frame)) return false;
    this.#readahead.async(task, file, index, frame, ra.raPages);
    return true;
  }
}
