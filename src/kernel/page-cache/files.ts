/**
 * System calls on files (fs/open.c, fs/read_write.c, fs/sync.c, mm/fadvise.c). Each takes the calling task first and
 * returns 0 or more, or a negated errno; offsets and lengths are bytes.
 */
import { PAGE_SIZE } from '../../hardware/units.ts';
import { EBADF, EEXIST, EFBIG, EINVAL, EMFILE, ENODEV, ENOENT, EOPNOTSUPP } from '../errno.ts';
import type { Task } from '../process/process.ts';
import {
  MFD_HUGETLB,
  O_ACCMODE,
  O_APPEND,
  O_CREAT,
  O_DIRECT,
  O_DSYNC,
  O_EXCL,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  RLIMIT_FSIZE,
  RLIMIT_NOFILE,
} from '../uapi.ts';
import { POSIX_FADV_WILLNEED } from './advice.ts';
import { emptyBacking } from './backing.ts';
import type { File } from './file.ts';
import { FileStore } from './file-store.ts';

export type { FilesState } from './files-state.ts';

import type { CacheStat } from './residency.ts';

export const SEEK_SET = 0;
export const SEEK_CUR = 1;
export const SEEK_END = 2;
export const FALLOC_FL_KEEP_SIZE = 1;
export const FALLOC_FL_PUNCH_HOLE = 2;

/** Largest file that the page index can hold, 8 TiB (s_maxbytes). */
const MAX_FILE_BYTES = 2 ** 31 * PAGE_SIZE;

/** No call moves more, whatever it is asked for (MAX_RW_COUNT). */
const MOST_BYTES = 0x7ffff000;

const mayRead = (file: File): boolean => (file.flags & O_ACCMODE) !== O_WRONLY;
const mayWrite = (file: File): boolean => (file.flags & O_ACCMODE) !== O_RDONLY;

/** What /proc/PID/io counts as a read: every one that got as far as the file (vfs_read, add_rchar, inc_syscr). */
function countRead({ process }: Task, done: number): number {
  if (done !== -EBADF && done !== -EINVAL) process.calls.reads++;
  if (done > 0) process.calls.readChars += done;
  return done;
}

function countWrite({ process }: Task, done: number): number {
  if (done !== -EBADF && done !== -EINVAL) process.calls.writes++;
  if (done > 0) process.calls.writtenChars += done;
  return done;
}

export class Files extends FileStore {
  /** open(2). @returns a descriptor, or ENOENT, EEXIST, EMFILE */
  open(task: Task, path: string, flags: number): number {
    let inode = this.names.find(path);
    if (inode !== undefined && (flags & (O_CREAT | O_EXCL)) === (O_CREAT | O_EXCL)) return -EEXIST;
    if (inode === undefined) {
      if ((flags & O_CREAT) === 0) return -ENOENT;
      inode = this.create(path, this.core.contents === 'bytes' ? { backing: emptyBacking() } : {}, task);
    } else if (flags & O_TRUNC) this.truncation.setSize(task, inode, 0);
    return this.install(task, this.openInode(inode, flags));
  }

  /** memfd_create(2). @param flags MFD_HUGETLB and the page size's logarithm */
  memfdCreate(task: Task, name: string, flags = 0): number {
    if ((flags & MFD_HUGETLB) === 0) return this.install(task, this.memfd(name, O_RDWR));
    const hstate = this.core.hugetlb.hstateOfFlags(flags);
    if (hstate === undefined) return -ENODEV;
    return this.install(task, this.openInode(this.hugetlbInode(`/memfd:${name} (deleted)`, hstate, 0), O_RDWR));
  }

  /** Puts an open file at the lowest free descriptor, or closes it again with -EMFILE. */
  install(task: Task, file: File): number {
    const { process } = task;
    const fd = process.files.install(file);
    if (fd < (process.rlimits.soft[RLIMIT_NOFILE] as number)) return fd;
    process.files.remove(fd);
    this.put(file);
    return -EMFILE;
  }

  close(task: Task, fd: number): number {
    const file = task.process.files.remove(fd);
    if (file === undefined) return -EBADF;
    this.put(file);
    return 0;
  }

  dup(task: Task, fd: number): number {
    const file = task.process.files.get(fd);
    if (file === undefined) return -EBADF;
    this.get(file);
    return this.install(task, file);
  }

  dup2(task: Task, fd: number, target: number): number {
    const { files, rlimits } = task.process;
    const file = files.get(fd);
    if (file === undefined || target < 0 || target >= (rlimits.soft[RLIMIT_NOFILE] as number)) return -EBADF;
    if (fd === target) return target;
    this.get(file);
    const old = files.replace(target, file);
    if (old !== undefined) this.put(old);
    return target;
  }

  lseek(task: Task, fd: number, offset: number, whence = SEEK_SET): number {
    const file = task.process.files.get(fd);
    if (file === undefined) return -EBADF;
    if (whence < SEEK_SET || whence > SEEK_END) return -EINVAL;
    const base = whence === SEEK_CUR ? file.position : whence === SEEK_END ? file.inode.size : 0;
    if (base + offset < 0 || base + offset > MAX_FILE_BYTES) return -EINVAL;
    file.position = base + offset;
    return file.position;
  }

  read(task: Task, fd: number, buffer: number, length: number): number {
    const file = task.process.files.get(fd);
    if (file === undefined) return -EBADF;
    const done = countRead(task, this.readAt(task, file, file.position, length, buffer));
    if (done > 0) file.position += done;
    return done;
  }

  pread(task: Task, fd: number, buffer: number, length: number, offset: number): number {
    const file = task.process.files.get(fd);
    if (file === undefined) return -EBADF;
    return countRead(task, this.readAt(task, file, offset, length, buffer));
  }

  /** Reads at a position of an open file (vfs_read, ext4_file_read_iter). */
  readAt(task: Task, file: File, position: number, length: number, buffer: number): number {
    if (!mayRead(file)) return -EBADF;
    if (position < 0 || length < 0) return -EINVAL;
    if (length === 0) return 0;
    const bytes = Math.min(length, MOST_BYTES);
    if (file.inode.huge !== undefined)
      return this.core.hugetlb.files.read(task, file.inode, position, bytes, buffer, this.userCopy);
    if (file.inode.kind === 'shmem') return this.shmem.read(task, file, position, bytes, buffer);
    if (file.flags & O_DIRECT) return this.direct.read(task, file, position, bytes, buffer);
    return this.reader.read(task, file, position, bytes, buffer);
  }

  write(task: Task, fd: number, buffer: number, length: number): number {
    const file = task.process.files.get(fd);
    if (file === undefined) return -EBADF;
    const position = file.flags & O_APPEND ? file.inode.size : file.position;
    const done = countWrite(task, this.writeAt(task, file, position, length, buffer));
    if (done > 0) file.position = position + done;
    return done;
  }

  pwrite(task: Task, fd: number, buffer: number, length: number, offset: number): number {
    const file = task.process.files.get(fd);
    if (file === undefined) return -EBADF;
    // pwrite(2), BUGS: with O_APPEND Linux appends whatever the offset says.
    const position = file.flags & O_APPEND ? file.inode.size : offset;
    return countWrite(task, this.writeAt(task, file, position, length, buffer));
  }

  /**
   * Writes at a position of an open file (vfs_write, generic_write_checks).
   * @param source the address of the user's buffer, or bytes that the kernel holds (splice)
   */
  writeAt(task: Task, file: File, position: number, length: number, source: number | Uint8Array): number {
    if (!mayWrite(file)) return -EBADF;
    // hugetlbfs has no write_iter.
    if (position < 0 || length < 0 || file.inode.huge !== undefined) return -EINVAL;
    if (length === 0) return 0;
    const limit = Math.min(MAX_FILE_BYTES, task.process.rlimits.soft[RLIMIT_FSIZE] as number);
    if (position >= limit) return -EFBIG;
    const bytes = Math.min(length, limit - position, MOST_BYTES);
    this.metadata.written(task, file.inode);
    if (file.flags & O_DIRECT && file.inode.kind === 'file')
      return typeof source === 'number' ? this.direct.write(task, file, position, bytes, source) : -EINVAL;
    const done = this.writer.write(task, file, position, bytes, source);
    const error = done > 0 && file.flags & O_DSYNC ? this.syncRange(task, file, position, position + done) : 0;
    return error !== 0 ? error : done;
  }

  ftruncate(task: Task, fd: number, size: number): number {
    const file = task.process.files.get(fd);
    if (file === undefined) return -EBADF;
    if (!mayWrite(file) || size < 0) return -EINVAL;
    if (size > MAX_FILE_BYTES) return -EFBIG;
    if (file.inode.huge !== undefined) return this.core.hugetlb.files.setSize(file.inode, size);
    this.truncation.setSize(task, file.inode, size);
    return 0;
  }

  /** fallocate(2): blocks for a range, which read as zeros, or with FALLOC_FL_PUNCH_HOLE none any more. */
  fallocate(task: Task, fd: number, mode: number, offset: number, length: number): number {
    const file = task.process.files.get(fd);
    if (file === undefined || !mayWrite(file)) return -EBADF;
    if (offset < 0 || length <= 0) return -EINVAL;
    const { inode } = file;
    if (mode & FALLOC_FL_PUNCH_HOLE) {
      if ((mode & FALLOC_FL_KEEP_SIZE) === 0) return -EOPNOTSUPP;
      return this.punchHole(task, file, offset, length);
    }
    if (mode & ~FALLOC_FL_KEEP_SIZE) return -EOPNOTSUPP;
    if (offset + length > MAX_FILE_BYTES) return -EFBIG;
    if (inode.huge !== undefined)
      return this.core.hugetlb.files.allocate(inode, offset, length, (mode & FALLOC_FL_KEEP_SIZE) !== 0);
    if (inode.kind === 'shmem') {
      const error = this.shmem.allocate(
        task,
        inode,
        Math.floor(offset / PAGE_SIZE),
        Math.ceil((offset + length) / PAGE_SIZE),
      );
      if (error !== 0) return error;
    }
    if (inode.kind === 'file') this.allocate(task, inode, offset, offset + length);
    if ((mode & FALLOC_FL_KEEP_SIZE) === 0) this.truncation.extend(task, inode, offset + length);
    return 0;
  }

  fsync(task: Task, fd: number): number {
    const file = task.process.files.get(fd);
    if (file === undefined) return -EBADF;
    return this.sync.fsync(file);
  }

  /** fdatasync(2): what fsync does; the times that it may leave out are not kept. */
  fdatasync(task: Task, fd: number): number {
    const file = task.process.files.get(fd);
    return file === undefined ? -EBADF : this.sync.fsync(file);
  }

  /** sync_file_range(2). @param flags SYNC_FILE_RANGE_* */
  syncFileRange(task: Task, fd: number, offset: number, length: number, flags: number): number {
    const file = task.process.files.get(fd);
    return file === undefined ? -EBADF : this.sync.range(file, offset, length, flags);
  }

  /** sync(2). */
  syncEverything(_task: Task): number {
    this.syncAll();
    return 0;
  }

  syncfs(task: Task, fd: number): number {
    const file = task.process.files.get(fd);
    if (file === undefined) return -EBADF;
    return this.sync.syncfs(file, this.inodes);
  }

  fadvise(task: Task, fd: number, offset: number, length: number, advice: number): number {
    const file = task.process.files.get(fd);
    return file === undefined ? -EBADF : this.advice.advise(task, file, offset, length, advice);
  }

  readahead(task: Task, fd: number, offset: number, length: number): number {
    const file = task.process.files.get(fd);
    if (file === undefined || !mayRead(file)) return -EBADF;
    return this.advice.advise(task, file, offset, length, POSIX_FADV_WILLNEED);
  }

  /** cachestat(2). @returns the counts, or a negated errno */
  cachestat(task: Task, fd: number, offset: number, length: number): CacheStat | number {
    const file = task.process.files.get(fd);
    if (file === undefined) return -EBADF;
    return file.inode.huge !== undefined ? -EOPNOTSUPP : this.cacheStatOf(file.inode, offset, length);
  }
}
