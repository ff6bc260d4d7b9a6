import type { Task } from '../process/process.ts';
import * as trace from '../tracepoints.ts';
import { SEEK_SET } from './files.ts';
import type { CacheStat } from './residency.ts';
import type { Socket } from './splice.ts';
import { SpliceCalls } from './splice-calls.ts';

const AT_FDCWD = -100;

/** The system calls on files as programs make them: each passes its two tracepoints (kernel/trace/syscalls.ts). */
export class FileCalls extends SpliceCalls {
  override open(task: Task, path: string, flags: number): number {
    const log = this.core.trace;
    if (log.on) log.emit(trace.SYS_ENTER_OPENAT, task.tid, AT_FDCWD, log.intern(path), flags);
    return this.#left(trace.SYS_ENTER_OPENAT, task, super.open(task, path, flags));
  }

  override memfdCreate(task: Task, name: string, flags = 0): number {
    const log = this.core.trace;
    if (log.on) log.emit(trace.SYS_ENTER_MEMFD_CREATE, task.tid, log.intern(name));
    return this.#left(trace.SYS_ENTER_MEMFD_CREATE, task, super.memfdCreate(task, name, flags));
  }

  override close(task: Task, fd: number): number {
    this.#entered(trace.SYS_ENTER_CLOSE, task, fd);
    return this.#left(trace.SYS_ENTER_CLOSE, task, super.close(task, fd));
  }

  override dup(task: Task, fd: number): number {
    this.#entered(trace.SYS_ENTER_DUP, task, fd);
    return this.#left(trace.SYS_ENTER_DUP, task, super.dup(task, fd));
  }

  override lseek(task: Task, fd: number, offset: number, whence = SEEK_SET): number {
    this.#entered(trace.SYS_ENTER_LSEEK, task, fd, offset, whence);
    return this.#left(trace.SYS_ENTER_LSEEK, task, super.lseek(task, fd, offset, whence));
  }

  override read(task: Task, fd: number, buffer: number, length: number): number {
    this.#entered(trace.SYS_ENTER_READ, task, fd, buffer, length);
    return this.#left(trace.SYS_ENTER_READ, task, super.read(task, fd, buffer, length));
  }

  override pread(task: Task, fd: number, buffer: number, length: number, offset: number): number {
    this.#entered(trace.SYS_ENTER_PREAD64, task, fd, buffer, length, offset);
    return this.#left(trace.SYS_ENTER_PREAD64, task, super.pread(task, fd, buffer, length, offset));
  }

  override write(task: Task, fd: number, buffer: number, length: number): number {
    this.#entered(trace.SYS_ENTER_WRITE, task, fd, buffer, length);
    return this.#left(trace.SYS_ENTER_WRITE, task, super.write(task, fd, buffer, length));
  }

  override pwrite(task: Task, fd: number, buffer: number, length: number, offset: number): number {
    this.#entered(trace.SYS_ENTER_PWRITE64, task, fd, buffer, length, offset);
    return this.#left(trace.SYS_ENTER_PWRITE64, task, super.pwrite(task, fd, buffer, length, offset));
  }

  override ftruncate(task: Task, fd: number, size: number): number {
    this.#entered(trace.SYS_ENTER_FTRUNCATE, task, fd, size);
    return this.#left(trace.SYS_ENTER_FTRUNCATE, task, super.ftruncate(task, fd, size));
  }

  override fallocate(task: Task, fd: number, mode: number, offset: number, length: number): number {
    this.#entered(trace.SYS_ENTER_FALLOCATE, task, fd, mode, offset, length);
    return this.#left(trace.SYS_ENTER_FALLOCATE, task, super.fallocate(task, fd, mode, offset, length));
  }

  override fsync(task: Task, fd: number): number {
    this.#entered(trace.SYS_ENTER_FSYNC, task, fd);
    return this.#left(trace.SYS_ENTER_FSYNC, task, super.fsync(task, fd));
  }

  override fdatasync(task: Task, fd: number): number {
    this.#entered(trace.SYS_ENTER_FDATASYNC, task, fd);
    return this.#left(trace.SYS_ENTER_FDATASYNC, task, super.fdatasync(task, fd));
  }

  override syncFileRange(task: Task, fd: number, offset: number, length: number, flags: number): number {
    this.#entered(trace.SYS_ENTER_SYNC_FILE_RANGE, task, fd, offset, length, flags);
    return this.#left(trace.SYS_ENTER_SYNC_FILE_RANGE, task, super.syncFileRange(task, fd, offset, length, flags));
  }

  override syncEverything(task: Task): number {
    this.#entered(trace.SYS_ENTER_SYNC, task, 0);
    return this.#left(trace.SYS_ENTER_SYNC, task, super.syncEverything(task));
  }

  override syncfs(task: Task, fd: number): number {
    this.#entered(trace.SYS_ENTER_SYNCFS, task, fd);
    return this.#left(trace.SYS_ENTER_SYNCFS, task, super.syncfs(task, fd));
  }

  override fadvise(task: Task, fd: number, offset: number, length: number, advice: number): number {
    this.#entered(trace.SYS_ENTER_FADVISE64, task, fd, offset, length, advice);
    return this.#left(trace.SYS_ENTER_FADVISE64, task, super.fadvise(task, fd, offset, length, advice));
  }

  override readahead(task: Task, fd: number, offset: number, length: number): number {
    this.#entered(trace.SYS_ENTER_READAHEAD, task, fd, offset, length);
    return this.#left(trace.SYS_ENTER_READAHEAD, task, super.readahead(task, fd, offset, length));
  }

  override cachestat(task: Task, fd: number, offset: number, length: number): CacheStat | number {
    this.#entered(trace.SYS_ENTER_CACHESTAT, task, fd);
    const answer = super.cachestat(task, fd, offset, length);
    this.#left(trace.SYS_ENTER_CACHESTAT, task, typeof answer === 'number' ? answer : 0);
    return answer;
  }

  override sendfile(task: Task, out: number | Socket, from: number, offset: number | undefined, count: number): number {
    this.#entered(trace.SYS_ENTER_SENDFILE64, task, typeof out === 'number' ? out : out.fd, from, offset, count);
    return this.#left(trace.SYS_ENTER_SENDFILE64, task, super.sendfile(task, out, from, offset, count));
  }

  override copyFileRange(
    task: Task,
    from: number,
    fromOffset: number | undefined,
    to: number,
    toOffset: number | undefined,
    length: number,
  ): number {
    this.#entered(trace.SYS_ENTER_COPY_FILE_RANGE, task, from, fromOffset, to, toOffset, length);
    const copied = super.copyFileRange(task, from, fromOffset, to, toOffset, length);
    return this.#left(trace.SYS_ENTER_COPY_FILE_RANGE, task, copied);
  }

  /** A program comes into the kernel: what is due by now, like the flusher's work, is done before. */
  #entered(point: number, { tid }: Task, a: number, b = 0, c = 0, d = 0, e = 0): void {
    this.core.clock.settle();
    trace.traceEnter(this.core.trace, point, tid, a, b, c, d, e);
  }

  /** It goes back to its program, after a while if its cgroup is above memory.high. */
  #left(point: number, task: Task, result: number): number {
    this.core.cgroups.returnToProgram(task);
    return trace.traceExitOf(this.core.trace, point, task.tid, result);
  }
}
