/**
 * A recorded system call on the simulated kernel. What concerns memory or files is done again with the simulated addresses;
 * everything else only took time.
 */
import { isError } from '../../kernel/errno.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { File } from '../../kernel/page-cache/file.ts';
import { O_CREAT, O_TRUNC, O_WRONLY } from '../../kernel/uapi.ts';
import type { SyscallEvent } from './events.ts';
import { MemoryCalls } from './memory-calls.ts';
import type { RecordedFiles } from './recorded-files.ts';
import type { ReplayedProcess, UserRange } from './replayed-process.ts';
import { SYS } from './syscall-numbers.ts';

const MLOCK2_ONFAULT_ARGUMENT = 2;

export class SystemCalls {
  readonly #kernel: Kernel;
  readonly #files: RecordedFiles;
  readonly #memory: MemoryCalls;

  /** @param pooled as in MemoryCalls */
  constructor(kernel: Kernel, files: RecordedFiles, pooled = false) {
    this.#kernel = kernel;
    this.#files = files;
    this.#memory = new MemoryCalls(kernel.addressSpaces, pooled);
  }

  /**
   * Does a call again.
   * @returns what the simulated kernel answered, in the recording's terms (addresses are its own), or undefined when the
   * call was not made: it concerns neither memory nor files, or it failed for the program before it did anything
   */
  run(process: ReplayedProcess, event: SyscallEvent): number | undefined {
    return this.#onMemory(process, event) ?? this.#onFiles(process, event);
  }

  #onMemory(process: ReplayedProcess, event: SyscallEvent): number | undefined {
    const { number, args, result } = event;
    const memory = this.#memory;
    switch (number) {
      case SYS.mmap: {
        const mapped = memory.mmap(process, args, this.#file(process, event), result);
        return isError(mapped) || isError(result) ? mapped : result;
      }
      case SYS.mremap: {
        const moved = memory.mremap(process, args, result);
        return isError(moved) || isError(result) ? moved : result;
      }
      case SYS.munmap:
        return memory.munmap(process, args);
      case SYS.brk:
        return memory.brk(process, args, result);
      case SYS.mprotect:
      case SYS.pkey_mprotect:
        return memory.mprotect(process, args);
      case SYS.madvise:
        return memory.madvise(process, args);
      case SYS.msync:
        return memory.msync(process, args);
      case SYS.mlock:
        return memory.mlock(process, [args[0], args[1], 0]);
      case SYS.mlock2:
        return memory.mlock(process, [args[0], args[1], args[MLOCK2_ONFAULT_ARGUMENT]]);
      case SYS.munlock:
        return memory.munlock(process, args);
      case SYS.mlockall:
        return this.#kernel.addressSpaces.mlockall(process.task, args[0]);
      case SYS.munlockall:
        return this.#kernel.addressSpaces.munlockall(process.task);
      default:
        return undefined;
    }
  }

  #onFiles(process: ReplayedProcess, event: SyscallEvent): number | undefined {
    const { number, args, result } = event;
    if (isError(result)) return undefined;
    const { files } = this.#kernel;
    const { task } = process;
    switch (number) {
      case SYS.open:
        return this.#opened(process, event, args[1]);
      case SYS.openat:
        return this.#opened(process, event, args[2]);
      case SYS.creat:
        return this.#opened(process, event, O_CREAT | O_TRUNC | O_WRONLY);
      case SYS.close:
        process.close(args[0], files);
        return 0;
      case SYS.close_range:
        for (const [fd] of process.process.files.entries())
          if (fd >= args[0] && fd <= args[1]) process.close(fd, files);
        return 0;
      case SYS.sendfile:
        return this.#kernelRead(process, event.file2, result);
      default:
        break;
    }
    const file = this.#file(process, event);
    if (file === undefined) return undefined;
    switch (number) {
      case SYS.read:
        return this.#move(process, file, event.position - result, [{ address: args[1], length: result }], false);
      case SYS.pread64:
        return this.#move(process, file, args[3], [{ address: args[1], length: result }], false);
      case SYS.readv:
      case SYS.preadv2:
        return this.#move(process, file, event.position - result, process.writes, false);
      case SYS.preadv:
        return this.#move(process, file, args[3], process.writes, false);
      case SYS.write:
        return this.#move(process, file, event.position - result, [{ address: args[1], length: result }], true);
      case SYS.pwrite64:
        return this.#move(process, file, args[3], [{ address: args[1], length: result }], true);
      // The kernel read the list of buffers first, then these.
      case SYS.writev:
      case SYS.pwritev2:
        return this.#move(process, file, event.position - result, process.reads.slice(1), true);
      case SYS.pwritev:
        return this.#move(process, file, args[3], process.reads.slice(1), true);
      case SYS.ftruncate:
        return files.ftruncate(task, args[0], args[1]);
      case SYS.fallocate:
        return files.fallocate(task, args[0], args[1], args[2], args[3]);
      case SYS.fsync:
        return files.fsync(task, args[0]);
      case SYS.fdatasync:
        return files.fdatasync(task, args[0]);
      case SYS.sync_file_range:
        return files.syncFileRange(task, args[0], args[1], args[2], args[3]);
      case SYS.sync:
        return files.syncEverything(task);
      case SYS.syncfs:
        return files.syncfs(task, args[0]);
      case SYS.fadvise64:
        return files.fadvise(task, args[0], args[1], args[2], args[3]);
      case SYS.readahead:
        return files.readahead(task, args[0], args[1], args[2]);
      default:
        return undefined;
    }
  }

  #file(process: ReplayedProcess, event: SyscallEvent, flags?: number): File | undefined {
    return process.file(event.file, this.#files, flags);
  }

  #opened(process: ReplayedProcess, event: SyscallEvent, flags: number): number {
    const file = this.#file(process, event, flags);
    if (file !== undefined && flags & O_TRUNC) this.#kernel.files.truncation.setSize(process.task, file.inode, 0);
    return event.result;
  }

  /** Between a file and user buffers; bytes moved or a negated errno. */
  #move(process: ReplayedProcess, file: File, position: number, buffers: readonly UserRange[], write: boolean): number {
    const { files } = this.#kernel;
    let done = 0;
    for (const { address, length } of buffers.flatMap((range) => process.simulated(range))) {
      const moved = write
        ? files.writeAt(process.task, file, position + done, length, address)
        : files.readAt(process.task, file, position + done, length, address);
      if (moved < 0) return done > 0 ? done : moved;
      done += moved;
      if (moved < length) break;
    }
    return done;
  }

  /** sendfile(2): the kernel reads for itself, through the cache into no user's buffer. Where, the recording does not say. */
  #kernelRead(process: ReplayedProcess, id: number, length: number): number | undefined {
    const file = process.file(id, this.#files);
    if (file === undefined || length <= 0) return undefined;
    this.#kernel.files.willneed(process.task, file, 0, length);
    return length;
  }
}
