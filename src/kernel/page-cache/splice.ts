import { PAGE_SIZE, type Pfn, pfn } from '../../hardware/units.ts';
import { EINTR } from '../errno.ts';
import type { Task } from '../process/process.ts';
import type { File } from './file.ts';
import type { PageCache } from './page-cache.ts';
import type { FileReader } from './read.ts';
import type { Shmem } from './shmem.ts';

/** PIPE_DEF_BUFFERS: what the pipe inside sendfile(2) holds, a buffer being a page or a part of one. */
const PIPE_BUFFERS = 16;
export const PIPE_BYTES: number = PIPE_BUFFERS * PAGE_SIZE;

/** The other end of a connection. The machine has no network: whoever models one takes the pages here. */
export interface Socket {
  /** The descriptor that tracepoints show. */
  readonly fd: number;
  /** A piece of a cache page goes out; it is not copied on the way. */
  receive(frame: Pfn, offset: number, bytes: number): void;
}

/**
 * Pages of the cache without a user's buffer (fs/splice.c, filemap_splice_read in mm/filemap.c): a pipe of 16 buffers is
 * filled with references to them and emptied into whatever takes them, in turns.
 */
export class Splice {
  readonly #cache: PageCache;
  readonly #reader: FileReader;
  readonly #shmem: Shmem;
  readonly #zeroFrame: Pfn;

  /** @param zeroFrame what a hole of a memory file reads as */
  constructor(cache: PageCache, reader: FileReader, shmem: Shmem, zeroFrame: Pfn) {
    this.#shmem = shmem;
    this.#cache = cache;
    this.#reader = reader;
    this.#zeroFrame = zeroFrame;
  }

  /**
   * Fills an empty pipe from `position` on and hands its buffers to `take`, in order.
   * @returns bytes, 0 at the end of the file, or a negated errno
   */
  fill(
    task: Task,
    file: File,
    position: number,
    length: number,
    take: (frame: Pfn, offset: number, bytes: number) => void,
  ): number {
    const { inode, ra } = file;
    const wanted = Math.min(length, PIPE_BYTES);
    let at = position;
    let buffers = 0;
    while (at < position + wanted && at < inode.size && buffers < PIPE_BUFFERS) {
      const behind = this.#bring(task, file, at, position + wanted);
      if (behind < 0) return at > position ? at - position : behind;
      const end = Math.min(inode.size, position + wanted, behind * PAGE_SIZE);
      let folio = -1;
      while (at < end && buffers < PIPE_BUFFERS) {
        const index = Math.floor(at / PAGE_SIZE);
        const isShmem = inode.kind === 'shmem';
        const cached = isShmem ? this.#shmem.find(task, inode, index) : this.#cache.find(inode, index);
        const frame = cached < 0 ? this.#zeroFrame : pfn(cached);
        // Each folio counts as used by each pipe that it goes through, unlike in read(2): nobody looks where the last ended.
        const head = cached < 0 ? -1 : this.#cache.headOf(frame);
        if (head >= 0 && head !== folio) this.#cache.markAccessed(frame);
        folio = head;
        const offset = at - index * PAGE_SIZE;
        const bytes = Math.min(end - at, PAGE_SIZE - offset);
        take(frame, offset, bytes);
        at += bytes;
        buffers++;
      }
      ra.prevPos = at;
    }
    return at - position;
  }

  /** Pages of the file from `at` on, read if need be: the index behind them, or a negated errno. */
  #bring(task: Task, file: File, at: number, end: number): number {
    const last = Math.ceil(end / PAGE_SIZE);
    if (file.inode.kind === 'shmem') return last;
    if (!this.#cache.relieve(task, 'read')) return -EINTR;
    return this.#reader.getPages(task, file, Math.floor(at / PAGE_SIZE), last);
  }
}
