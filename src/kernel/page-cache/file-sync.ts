/** What programs call to have files on the disk, and how they hear of errors (fs/sync.c). */
import { PAGE_SIZE } from '../../hardware/units.ts';
import { EINVAL } from '../errno.ts';
import { errseqCheckAndAdvance, errseqSample, errseqSet } from './errseq.ts';
import type { File } from './file.ts';
import type { FileSystem } from './file-system.ts';
import type { Flusher } from './flusher.ts';
import type { Inode } from './inode.ts';
import type { Metadata } from './metadata.ts';
import type { WriteBack } from './write-back.ts';
import { WB_REASON_SYNC } from './write-back-trace.ts';

export const SYNC_FILE_RANGE_WAIT_BEFORE = 1;
export const SYNC_FILE_RANGE_WRITE = 2;
export const SYNC_FILE_RANGE_WAIT_AFTER = 4;
const SYNC_FILE_RANGE_ALL = 7;
const LAST_INDEX = 0x7fffffff;

export class FileSync {
  readonly #writeBack: WriteBack;
  readonly #flusher: Flusher;
  readonly #metadata: Metadata;

  constructor(writeBack: WriteBack, flusher: Flusher, metadata: Metadata) {
    this.#writeBack = writeBack;
    this.#flusher = flusher;
    this.#metadata = metadata;
  }

  /** A new open file hears of errors from now on, and of one that nobody has heard of yet (do_dentry_open). */
  opened(file: File): void {
    file.writeErrorSeen = errseqSample(file.inode);
    file.superErrorSeen = errseqSample(this.#flusher.bdi(file.inode.fs));
  }

  /** The disk refused a write (mapping_set_error). @param errno positive */
  failed(inode: Inode, errno: number): void {
    errseqSet(inode, errno);
    errseqSet(this.#flusher.bdi(inode.fs), errno);
  }

  /**
   * fsync, fdatasync, msync and O_DSYNC: the dirty pages of [first, end) are on the disk, and the file's size and blocks in
   * the journal (ext4_sync_file). @returns 0, or the error that this open file has not heard of
   */
  fsync(file: File, first = 0, end: number = LAST_INDEX): number {
    this.#writeBack.sync(file.inode, first, end);
    this.#writeBack.commit(file.inode);
    return checkError(file);
  }

  /**
   * sync_file_range(2): pages only, nothing goes to the journal. All flags together write what is in flight and dirty too
   * (WB_SYNC_ALL); without the wait behind, the write is started and the disk kept busy.
   * @param length bytes, 0 for all that follows; @returns 0 or a negated errno
   */
  range(file: File, offset: number, length: number, flags: number): number {
    if (offset < 0 || length < 0 || (flags & ~SYNC_FILE_RANGE_ALL) !== 0) return -EINVAL;
    const first = Math.floor(offset / PAGE_SIZE);
    const end = length === 0 ? LAST_INDEX : Math.ceil((offset + length) / PAGE_SIZE);
    const { inode } = file;
    if (flags & SYNC_FILE_RANGE_WAIT_BEFORE) this.#writeBack.wait(inode, first, end);
    if ((flags & SYNC_FILE_RANGE_ALL) === SYNC_FILE_RANGE_ALL) this.#writeBack.sync(inode, first, end);
    else if (flags & SYNC_FILE_RANGE_WRITE) this.#writeBack.start(inode, first, end);
    if (flags & SYNC_FILE_RANGE_WAIT_AFTER) this.#writeBack.wait(inode, first, end);
    return flags & (SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WAIT_AFTER) ? checkError(file) : 0;
  }

  /** syncfs(2). @returns 0, or the file system's error that this open file has not heard of */
  syncfs(file: File, inodes: Iterable<Inode>): number {
    const { fs } = file.inode;
    this.all(inodes, [fs]);
    const [error, seen] = errseqCheckAndAdvance(this.#flusher.bdi(fs), file.superErrorSeen);
    file.superErrorSeen = seen;
    return error;
  }

  /** Everything of some file systems is on the disk (sync(2), which tells nobody of errors). */
  all(inodes: Iterable<Inode>, fileSystems: Iterable<FileSystem>): void {
    const devices = new Set<number>();
    for (const fs of fileSystems) {
      devices.add(fs.dev);
      this.#flusher.writeAll(WB_REASON_SYNC, fs.dev);
      this.#metadata.synced(fs);
    }
    for (const inode of inodes) if (devices.has(inode.dev)) this.#writeBack.commit(inode);
  }
}

/** file_check_and_advance_wb_err. */
function checkError(file: File): number {
  const [error, seen] = errseqCheckAndAdvance(file.inode, file.writeErrorSeen);
  file.writeErrorSeen = seen;
  return error;
}
