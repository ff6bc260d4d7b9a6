import { PAGE_SIZE } from '../../hardware/units.ts';
import { EFAULT, EINVAL } from '../errno.ts';
import type { Task } from '../process/process.ts';
import type { File } from './file.ts';
import type { Inode } from './inode.ts';
import type { Metadata } from './metadata.ts';
import type { PageIo } from './page-io.ts';
import type { Truncation } from './truncate.ts';
import type { UserCopy } from './user-copy.ts';
import type { WriteBack } from './write-back.ts';

/** Reading and writing past the cache (O_DIRECT; iomap_dio_rw): what is cached of the range is written and dropped. */
export class DirectIo {
  readonly #io: PageIo;
  readonly #writeBack: WriteBack;
  readonly #truncation: Truncation;
  readonly #user: UserCopy;
  readonly #metadata: Metadata;

  constructor(io: PageIo, writeBack: WriteBack, truncation: Truncation, user: UserCopy, metadata: Metadata) {
    this.#metadata = metadata;
    this.#io = io;
    this.#writeBack = writeBack;
    this.#truncation = truncation;
    this.#user = user;
  }

  /** @returns bytes read, or a negated errno */
  read(task: Task, file: File, position: number, length: number, buffer: number): number {
    const { inode } = file;
    if (position >= inode.size) return 0;
    // A request ends with the file's last block, however long it was meant to be.
    const toLastBlock = Math.ceil(inode.size / PAGE_SIZE) * PAGE_SIZE - position;
    if (!isAligned(inode, position, Math.min(length, toLastBlock), buffer)) return -EINVAL;
    const bytes = Math.min(length, inode.size - position);
    const [first, end] = pagesOf(position, bytes);
    this.#writeBack.sync(inode, first, end);
    const data = new Uint8Array((end - first) * PAGE_SIZE);
    this.#transfer(task, inode, first, end, data, false);
    const copied = this.#user.bytesToUser(task, buffer, data.subarray(position - first * PAGE_SIZE).subarray(0, bytes));
    return copied < bytes ? -EFAULT : bytes;
  }

  /** @returns bytes written, or a negated errno */
  write(task: Task, file: File, position: number, length: number, buffer: number): number {
    const { inode } = file;
    const [first, end] = pagesOf(position, length);
    this.#writeBack.sync(inode, first, end);
    this.#truncation.invalidateAll(inode, first, end);
    // Only the block layer looks at the alignment, when the cache has been cleared already (iomap_dio_bio_iter).
    if (!isAligned(inode, position, length, buffer)) return -EINVAL;
    const data = new Uint8Array((end - first) * PAGE_SIZE);
    for (let index = first; index < end; index++) this.#readPage(inode, index, data, first);
    const target = data.subarray(position - first * PAGE_SIZE).subarray(0, length);
    if (this.#user.bytesFromUser(task, buffer, target) < length) return -EFAULT;
    this.#metadata.allocated(task, inode, first, end);
    inode.extents.add(first, end);
    this.#transfer(task, inode, first, end, data, true);
    inode.size = Math.max(inode.size, position + length);
    return length;
  }

  #transfer(task: Task, inode: Inode, first: number, end: number, data: Uint8Array, write: boolean): void {
    let onDisk = 0;
    for (let index = first; index < end; index++) {
      if (!inode.extents.has(index)) continue;
      onDisk++;
      if (write) inode.backing?.writePage(index, pageIn(data, index - first));
      else this.#readPage(inode, index, data, first);
    }
    this.#io.direct(task, inode, first, onDisk, write);
  }

  #readPage(inode: Inode, index: number, data: Uint8Array, first: number): void {
    if (inode.extents.has(index)) inode.backing?.readPage(index, pageIn(data, index - first));
  }
}

const pageIn = (data: Uint8Array, i: number): Uint8Array => data.subarray(i * PAGE_SIZE, (i + 1) * PAGE_SIZE);
const pagesOf = (position: number, length: number): [first: number, end: number] => [
  Math.floor(position / PAGE_SIZE),
  Math.ceil((position + length) / PAGE_SIZE),
];
/** Positions, lengths and buffers of O_DIRECT are multiples of the device's logical block. */
const isAligned = ({ fs }: Inode, ...values: number[]): boolean =>
  values.every((value) => value % fs.logicalBlock === 0);
