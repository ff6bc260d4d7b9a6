import type { Cpu } from '../../hardware/cpu.ts';
import { PF_USER } from '../../hardware/paging/entry.ts';
import { PAGE_SIZE, type Pfn, pageOf } from '../../hardware/units.ts';
import type { Task } from '../process/process.ts';
import type { FaultHandler } from './fault.ts';

/** LOAD and STORE of `Cpu.translate`. */
const LOAD = 0;
const STORE = 1;

/**
 * How the kernel reaches a program's buffers (copy_from_user, copy_to_user): through the same TLB and the same page
 * tables as the program, with the same faults, which are counted as the program's.
 */
export class UserAccess {
  readonly #cpu: () => Cpu;
  readonly #faults: FaultHandler;

  constructor(cpu: () => Cpu, faults: FaultHandler) {
    this.#cpu = cpu;
    this.#faults = faults;
  }

  /** Touches every page of a buffer that the kernel reads. @returns bytes that could be read, from the start */
  read(task: Task, address: number, length: number): number {
    return this.#walk(task, address, length, LOAD, undefined);
  }

  /** Touches every page of a buffer that the kernel writes. @returns bytes that could be written, from the start */
  write(task: Task, address: number, length: number): number {
    return this.#walk(task, address, length, STORE, undefined);
  }

  /**
   * Copies between a buffer and its frames, page by page.
   * @param visit gets the frame, the offset in it, how many bytes, and how many came before
   * @returns bytes that could be reached; fewer than `length` when an access raised a signal (EFAULT is the caller's)
   */
  forEachPiece(
    task: Task,
    address: number,
    length: number,
    write: boolean,
    visit: (frame: Pfn, offset: number, bytes: number, done: number) => void,
  ): number {
    return this.#walk(task, address, length, write ? STORE : LOAD, visit);
  }

  #walk(
    task: Task,
    address: number,
    length: number,
    kind: number,
    visit: ((frame: Pfn, offset: number, bytes: number, done: number) => void) | undefined,
  ): number {
    const cpu = this.#cpu();
    let done = 0;
    while (done < length) {
      const at = address + done;
      const page = pageOf(at);
      const offset = at - page * PAGE_SIZE;
      const bytes = Math.min(PAGE_SIZE - offset, length - done);
      let frame = cpu.translate(page, kind);
      while (frame < 0) {
        // The kernel faults in its own mode, whatever page it is.
        if (this.#faults.fault(task, at, (-frame - 1) & ~PF_USER) !== undefined) return done;
        frame = cpu.translate(page, kind);
      }
      visit?.(frame as Pfn, offset, bytes, done);
      done += bytes;
    }
    return done;
  }
}
