import { PAGE_SIZE, pfn } from '../../hardware/units.ts';
import { EFAULT, EINTR, ENOMEM } from '../errno.ts';
import type { Task } from '../process/process.ts';
import type { DirtyThrottle } from './dirty-throttle.ts';
import type { File } from './file.ts';
import { MAX_FOLIO_ORDER } from './file-system.ts';
import type { Inode } from './inode.ts';
import type { PageCache } from './page-cache.ts';
import type { PageIo } from './page-io.ts';
import type { Shmem } from './shmem.ts';
import type { Truncation } from './truncate.ts';
import type { UserCopy } from './user-copy.ts';
import type { WriteBack } from './write-back.ts';

const LARGEST_FOLIO = PAGE_SIZE << MAX_FOLIO_ORDER;

/** write(2) through the cache (generic_perform_write in mm/filemap.c, ext4_da_write_begin, shmem_write_begin). */
export class FileWriter {
  readonly #cache: PageCache;
  readonly #io: PageIo;
  readonly #shmem: Shmem;
  readonly #user: UserCopy;
  readonly #throttle: DirtyThrottle;
  readonly #writeBack: WriteBack;
  readonly #truncation: Truncation;

  constructor(
    cache: PageCache,
    io: PageIo,
    shmem: Shmem,
    user: UserCopy,
    throttle: DirtyThrottle,
    writeBack: WriteBack,
    truncation: Truncation,
  ) {
    this.#truncation = truncation;
    this.#writeBack = writeBack;
    this.#throttle = throttle;
    this.#cache = cache;
    this.#io = io;
    this.#shmem = shmem;
    this.#user = user;
  }

  /**
   * Writes `length` bytes at `position`: bytes written, or a negated errno if none was.
   * @param source the address of the user's buffer, or bytes that the kernel holds (splice)
   */
  write(task: Task, file: File, position: number, length: number, source: number | Uint8Array): number {
    const { inode } = file;
    const end = inode.size;
    let at = position;
    while (at < position + length) {
      if (!this.#cache.relieve(task, 'write')) return at > position ? at - position : -EINTR;
      const frame = this.#prepare(task, inode, at, position + length - at);
      if (frame < 0) return at > position ? at - position : frame;
      const index = Math.floor(at / PAGE_SIZE);
      this.#writeBack.waitStable(inode, index);
      const folioEnd =
        (index - (frame - this.#cache.headOf(pfn(frame))) + this.#cache.folioPages(pfn(frame))) * PAGE_SIZE;
      const stop = Math.min(position + length, folioEnd);
      const copied = this.#copyIn(task, inode, at, stop, source, at - position);
      if (copied > 0) {
        this.#cache.setUptodate(pfn(frame));
        this.#cache.markBufferDirty(task, inode, pfn(frame));
        inode.size = Math.max(inode.size, at + copied);
        if (at === position && end < position) this.#truncation.zeroGap(task, inode, end, position);
      }
      at += copied;
      this.#throttle.dirtied(task, inode);
      if (at < stop) return at > position ? at - position : -EFAULT;
    }
    return length;
  }

  /**
   * The frame of the page at `position`, made if it is missing (write_begin). The file's bytes are read first when the
   * write covers only a part of the page; no readahead.
   */
  #prepare(task: Task, inode: Inode, position: number, length: number): number {
    const index = Math.floor(position / PAGE_SIZE);
    const cached = this.#cache.find(inode, index);
    if (cached >= 0) return cached;
    if (inode.kind === 'shmem') {
      const frame = this.#shmem.getPage(task, inode, index);
      return frame < 0 ? -ENOMEM : frame;
    }
    const chunk = Math.min(length, LARGEST_FOLIO - (position % LARGEST_FOLIO));
    let order = inode.fs.largeFolios ? this.#orderFor(inode, index, chunk) : 0;
    let frame = this.#cache.add(task, inode, index, order);
    while (frame < 0 && order > 0) frame = this.#cache.add(task, inode, index, --order);
    if (frame < 0) return -ENOMEM;
    const covered = position % PAGE_SIZE === 0 && length >= PAGE_SIZE;
    if (!covered) this.#io.read(task, inode, index, index + 1);
    for (let i = 0; i < 1 << order; i++) this.#cache.setUptodate(pfn(frame + i));
    return frame;
  }

  /** The order that a write of this many bytes asks for (fgf_set_order), as far as the index is aligned. */
  #orderFor(inode: Inode, index: number, bytes: number): number {
    if (bytes < 2 * PAGE_SIZE) return 0;
    let order = Math.min(MAX_FOLIO_ORDER, Math.floor(Math.log2(bytes / PAGE_SIZE)));
    while (order > 0 && (index % (1 << order) !== 0 || inode.pages.next(index, index + (1 << order) - 1) >= 0)) order--;
    return order;
  }

  #copyIn(task: Task, inode: Inode, at: number, stop: number, source: number | Uint8Array, done: number): number {
    let position = at;
    while (position < stop) {
      const offset = position % PAGE_SIZE;
      const bytes = Math.min(stop - position, PAGE_SIZE - offset);
      const frame = pfn(inode.pages.get(Math.floor(position / PAGE_SIZE)));
      const from = done + position - at;
      const copied =
        typeof source === 'number'
          ? this.#user.fromUser(task, source + from, frame, offset, bytes)
          : this.#user.fromKernel(source.subarray(from, from + bytes), frame, offset);
      position += copied;
      if (copied < bytes) break;
    }
    return position - at;
  }
}
