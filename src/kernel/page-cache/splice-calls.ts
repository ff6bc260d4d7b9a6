import { PAGE_SIZE } from '../../hardware/units.ts';
import type { PageCore } from '../core.ts';
import { EBADF, EINVAL, EXDEV } from '../errno.ts';
import type { Task } from '../process/process.ts';
import { O_ACCMODE, O_APPEND, O_RDONLY, O_WRONLY } from '../uapi.ts';
import type { File } from './file.ts';
import type { FilesNeeds } from './file-store.ts';
import { Files } from './files.ts';
import { PIPE_BYTES, type Socket, Splice } from './splice.ts';

/** MAX_RW_COUNT: what one system call moves at most. */
const MAX_RW_COUNT = 2 ** 31 - PAGE_SIZE;

const mayRead = (file: File): boolean => (file.flags & O_ACCMODE) !== O_WRONLY;
const mayWrite = (file: File): boolean => (file.flags & O_ACCMODE) !== O_RDONLY;

/** For /proc/PID/io both are a read and a write, once their files were found to be such (do_sendfile, vfs_copy_file_range). */
function countMoved({ process: { calls } }: Task, moved: number): number {
  if (moved === -EBADF || moved === -EINVAL || moved === -EXDEV) return moved;
  calls.reads++;
  calls.writes++;
  if (moved > 0) {
    calls.readChars += moved;
    calls.writtenChars += moved;
  }
  return moved;
}

/** System calls that move bytes between files without a user's buffer (fs/read_write.c, do_splice_direct in fs/splice.c). */
export class SpliceCalls extends Files {
  readonly #splice: Splice;
  /** What lies in the pipe on the way to another file. */
  readonly #pipe = new Uint8Array(PIPE_BYTES);

  constructor(core: PageCore, needs: FilesNeeds) {
    super(core, needs);
    this.#splice = new Splice(this.cache, this.reader, this.shmem, core.zeroFrame);
  }

  /**
   * sendfile(2). A file opened with O_DIRECT is read through the cache here, where Linux reads into pages of the pipe.
   * @param out a descriptor, or a socket
   * @param offset undefined: the file's own position, which moves
   * @returns bytes, fewer than `count` at the end of the file; or EBADF, EINVAL, or what writing returns
   */
  sendfile(task: Task, out: number | Socket, from: number, offset: number | undefined, count: number): number {
    const file = task.process.files.get(from);
    if (file === undefined || !mayRead(file)) return -EBADF;
    if (count < 0 || (offset ?? 0) < 0) return -EINVAL;
    const position = offset ?? file.position;
    const sent =
      typeof out === 'number'
        ? this.#toFile(task, out, file, position, count)
        : this.#toSocket(task, out, file, position, count);
    if (offset === undefined && sent > 0) file.position += sent;
    return countMoved(task, sent);
  }

  /**
   * copy_file_range(2), on a file system that shares no blocks between files: the bytes go through the cache of both.
   * Offsets as in sendfile. @returns bytes, or EBADF, EXDEV between two file systems, EINVAL for ranges of one file that overlap
   */
  copyFileRange(
    task: Task,
    from: number,
    fromOffset: number | undefined,
    to: number,
    toOffset: number | undefined,
    length: number,
  ): number {
    const { files } = task.process;
    const source = files.get(from);
    const target = files.get(to);
    if (source === undefined || target === undefined || !mayRead(source) || !mayWrite(target)) return -EBADF;
    if (target.flags & O_APPEND) return -EBADF;
    if (source.inode.dev !== target.inode.dev) return -EXDEV;
    const start = fromOffset ?? source.position;
    const place = toOffset ?? target.position;
    if (length < 0 || start < 0 || place < 0) return -EINVAL;
    const count = Math.max(0, Math.min(length, source.inode.size - start));
    if (source.inode === target.inode && start < place + count && place < start + count) return -EINVAL;
    const copied = this.#copy(task, source, start, target, place, count);
    if (copied > 0 && fromOffset === undefined) source.position += copied;
    if (copied > 0 && toOffset === undefined) target.position += copied;
    return countMoved(task, copied);
  }

  #toSocket(task: Task, socket: Socket, file: File, position: number, count: number): number {
    return inTurns(Math.min(count, MAX_RW_COUNT), (done, left) =>
      this.#splice.fill(task, file, position + done, left, (frame, offset, bytes) =>
        socket.receive(frame, offset, bytes),
      ),
    );
  }

  #toFile(task: Task, out: number, file: File, position: number, count: number): number {
    const target = task.process.files.get(out);
    if (target === undefined || !mayWrite(target)) return -EBADF;
    if (target.flags & O_APPEND) return -EINVAL;
    const copied = this.#copy(task, file, position, target, target.position, count);
    if (copied > 0) target.position += copied;
    return copied;
  }

  #copy(task: Task, file: File, position: number, target: File, place: number, count: number): number {
    const { memory, contents } = this.core;
    const pipe = this.#pipe;
    return inTurns(Math.min(count, MAX_RW_COUNT), (done, left) => {
      let filled = 0;
      const bytes = this.#splice.fill(task, file, position + done, left, (frame, offset, length) => {
        if (contents === 'bytes') {
          if (memory.hasStorage(frame)) pipe.set(memory.view(frame).subarray(offset, offset + length), filled);
          else pipe.fill(0, filled, filled + length);
        }
        filled += length;
      });
      return bytes <= 0 ? bytes : this.writeAt(task, target, place + done, bytes, pipe.subarray(0, bytes));
    });
  }
}

/** Moves `count` bytes a pipe at a time, until one turn moves nothing: bytes moved, or what the first turn returned. */
function inTurns(count: number, turn: (done: number, left: number) => number): number {
  let done = 0;
  while (done < count) {
    const moved = turn(done, count - done);
    if (moved <= 0) return done > 0 ? done : moved;
    done += moved;
  }
  return done;
}
