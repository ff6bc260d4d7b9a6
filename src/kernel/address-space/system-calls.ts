import type { File } from '../page-cache/file.ts';
import type { Task } from '../process/process.ts';
import {
  type EventLog,
  SYS_ENTER_BRK,
  SYS_ENTER_MADVISE,
  SYS_ENTER_MINCORE,
  SYS_ENTER_MLOCK,
  SYS_ENTER_MLOCK2,
  SYS_ENTER_MLOCKALL,
  SYS_ENTER_MMAP,
  SYS_ENTER_MPROTECT,
  SYS_ENTER_MREMAP,
  SYS_ENTER_MSYNC,
  SYS_ENTER_MUNLOCK,
  SYS_ENTER_MUNLOCKALL,
  SYS_ENTER_MUNMAP,
  traceEnter,
  traceExitOf,
} from '../tracepoints.ts';
import { AddressSpaces } from './address-spaces.ts';
import type { AddressSpaceContext } from './context.ts';

/**
 * The system calls on address spaces as programs make them: each passes its two tracepoints. What the kernel maps for
 * itself, as in exec, goes to AddressSpaces directly and passes none.
 */
export class AddressSpaceCalls extends AddressSpaces {
  readonly #trace: EventLog;

  constructor(context: AddressSpaceContext, trace: EventLog) {
    super(context);
    this.#trace = trace;
  }

  override mmap(
    task: Task,
    address: number,
    length: number,
    prot: number,
    flags: number,
    file: File | undefined,
    offset: number,
  ): number {
    const fd = this.#trace.on && file !== undefined ? task.process.files.find(file) : -1;
    traceEnter(this.#trace, SYS_ENTER_MMAP, task.tid, address, length, prot, flags, fd, offset);
    return traceExitOf(
      this.#trace,
      SYS_ENTER_MMAP,
      task.tid,
      super.mmap(task, address, length, prot, flags, file, offset),
    );
  }

  override munmap(task: Task, address: number, length: number): number {
    traceEnter(this.#trace, SYS_ENTER_MUNMAP, task.tid, address, length);
    return traceExitOf(this.#trace, SYS_ENTER_MUNMAP, task.tid, super.munmap(task, address, length));
  }

  override mremap(
    task: Task,
    address: number,
    oldLength: number,
    newLength: number,
    flags: number,
    newAddress = 0,
  ): number {
    traceEnter(this.#trace, SYS_ENTER_MREMAP, task.tid, address, oldLength, newLength, flags, newAddress);
    const result = super.mremap(task, address, oldLength, newLength, flags, newAddress);
    return traceExitOf(this.#trace, SYS_ENTER_MREMAP, task.tid, result);
  }

  override mprotect(task: Task, address: number, length: number, prot: number): number {
    traceEnter(this.#trace, SYS_ENTER_MPROTECT, task.tid, address, length, prot);
    return traceExitOf(this.#trace, SYS_ENTER_MPROTECT, task.tid, super.mprotect(task, address, length, prot));
  }

  override madvise(task: Task, address: number, length: number, advice: number): number {
    traceEnter(this.#trace, SYS_ENTER_MADVISE, task.tid, address, length, advice);
    return traceExitOf(this.#trace, SYS_ENTER_MADVISE, task.tid, super.madvise(task, address, length, advice));
  }

  override brk(task: Task, wanted: number): number {
    traceEnter(this.#trace, SYS_ENTER_BRK, task.tid, wanted);
    return traceExitOf(this.#trace, SYS_ENTER_BRK, task.tid, super.brk(task, wanted));
  }

  override mlock(task: Task, address: number, length: number): number {
    traceEnter(this.#trace, SYS_ENTER_MLOCK, task.tid, address, length);
    return traceExitOf(this.#trace, SYS_ENTER_MLOCK, task.tid, super.mlock(task, address, length));
  }

  override mlock2(task: Task, address: number, length: number, flags: number): number {
    traceEnter(this.#trace, SYS_ENTER_MLOCK2, task.tid, address, length, flags);
    return traceExitOf(this.#trace, SYS_ENTER_MLOCK2, task.tid, super.mlock2(task, address, length, flags));
  }

  override munlock(task: Task, address: number, length: number): number {
    traceEnter(this.#trace, SYS_ENTER_MUNLOCK, task.tid, address, length);
    return traceExitOf(this.#trace, SYS_ENTER_MUNLOCK, task.tid, super.munlock(task, address, length));
  }

  override mlockall(task: Task, flags: number): number {
    traceEnter(this.#trace, SYS_ENTER_MLOCKALL, task.tid, flags);
    return traceExitOf(this.#trace, SYS_ENTER_MLOCKALL, task.tid, super.mlockall(task, flags));
  }

  override munlockall(task: Task): number {
    traceEnter(this.#trace, SYS_ENTER_MUNLOCKALL, task.tid);
    return traceExitOf(this.#trace, SYS_ENTER_MUNLOCKALL, task.tid, super.munlockall(task));
  }

  override mincore(task: Task, address: number, length: number, residency: Uint8Array): number {
    traceEnter(this.#trace, SYS_ENTER_MINCORE, task.tid, address, length);
    return traceExitOf(this.#trace, SYS_ENTER_MINCORE, task.tid, super.mincore(task, address, length, residency));
  }

  override msync(task: Task, address: number, length: number, flags: number): number {
    traceEnter(this.#trace, SYS_ENTER_MSYNC, task.tid, address, length, flags);
    return traceExitOf(this.#trace, SYS_ENTER_MSYNC, task.tid, super.msync(task, address, length, flags));
  }
}
