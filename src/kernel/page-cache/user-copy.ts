import { costs } from '../../hardware/costs.ts';
import type { PhysicalMemory } from '../../hardware/physical-memory.ts';
import { PAGE_SIZE, type Pfn, pfn } from '../../hardware/units.ts';
import type { Task } from '../process/process.ts';
import { CAUSE_COPY, type Clock } from '../time/clock.ts';

/** Nanoseconds for each byte that is copied. */
const COPY_BYTE = costs.pageCopy / PAGE_SIZE;

/** How the kernel reaches a program's buffers: every page touched, faults counted as the program's. */
export interface UserAccess {
  /** Touches a buffer that the kernel reads (write: that it writes): bytes reachable from its start. */
  read(task: Task, address: number, length: number): number;
  write(task: Task, address: number, length: number): number;
  /** The same, showing each piece: its frame, the offset there, its length, and how many bytes came before. */
  forEachPiece(
    task: Task,
    address: number,
    length: number,
    write: boolean,
    visit: (frame: Pfn, offset: number, bytes: number, done: number) => void,
  ): number;
}

/**
 * Copies between cache pages and user buffers (copy_folio_to_iter and back). On a machine without contents no byte moves,
 * yet the buffer's pages are touched and the time passes all the same.
 */
export class UserCopy {
  readonly #access: () => UserAccess;
  readonly #memory: PhysicalMemory | undefined;
  readonly #clock: Clock;
  /** The cache page of the copy that runs; fields instead of a closure for each call, which would cost more than the copy. */
  #page: Pfn = pfn(0);
  #offset = 0;

  /**
   * @param access asked for at each copy: user memory needs the fault handler, which is made after the files
   * @param memory undefined when the machine keeps no contents
   */
  constructor(access: () => UserAccess, memory: PhysicalMemory | undefined, clock: Clock) {
    this.#access = access;
    this.#memory = memory;
    this.#clock = clock;
  }

  /** Lets the time of a copy pass. @returns its bytes */
  #copied(bytes: number): number {
    this.#clock.spend(bytes * COPY_BYTE, CAUSE_COPY);
    return bytes;
  }

  /** From a frame, at `offset`, to the user's `address`: bytes copied, fewer than asked when the buffer is bad. */
  toUser(task: Task, address: number, from: Pfn, offset: number, bytes: number): number {
    if (this.#memory === undefined) return this.#copied(this.#access().write(task, address, bytes));
    this.#page = from;
    this.#offset = offset;
    return this.#copied(this.#access().forEachPiece(task, address, bytes, true, this.#out));
  }

  readonly #out = (frame: Pfn, offset: number, bytes: number, done: number): void => {
    copy(this.#memory as PhysicalMemory, this.#page, this.#offset + done, frame, offset, bytes);
  };

  /** From the user's `address` into a frame at `offset`: bytes copied. */
  fromUser(task: Task, address: number, to: Pfn, offset: number, bytes: number): number {
    if (this.#memory === undefined) return this.#copied(this.#access().read(task, address, bytes));
    this.#page = to;
    this.#offset = offset;
    return this.#copied(this.#access().forEachPiece(task, address, bytes, false, this.#in));
  }

  readonly #in = (frame: Pfn, offset: number, bytes: number, done: number): void => {
    copy(this.#memory as PhysicalMemory, frame, offset, this.#page, this.#offset + done, bytes);
  };

  /** From bytes that the kernel holds into a frame at `offset`: bytes copied, which is all of them. */
  fromKernel(from: Uint8Array, to: Pfn, offset: number): number {
    this.#memory?.view(to).set(from, offset);
    return this.#copied(from.length);
  }

  /** Writes bytes that lie in no frame, or `length` zeros, to the user's buffer: bytes written. */
  bytesToUser(task: Task, address: number, from: Uint8Array): number {
    return this.#access().forEachPiece(task, address, from.length, true, (frame, offset, bytes, done) => {
      this.#memory?.view(frame).set(from.subarray(done, done + bytes), offset);
    });
  }

  /** Reads user bytes into an array, which stays zero on a machine without contents: bytes read. */
  bytesFromUser(task: Task, address: number, into: Uint8Array): number {
    return this.#access().forEachPiece(task, address, into.length, false, (frame, offset, bytes, done) => {
      if (this.#memory !== undefined) into.set(this.#memory.view(frame).subarray(offset, offset + bytes), done);
    });
  }
}

function copy(memory: PhysicalMemory, from: Pfn, fromOffset: number, to: Pfn, toOffset: number, bytes: number): void {
  if (memory.hasStorage(from)) {
    const source = memory.view(from);
    memory.view(to).set(source.subarray(fromOffset, fromOffset + bytes), toOffset);
  } else if (memory.hasStorage(to)) memory.view(to).fill(0, toOffset, toOffset + bytes);
}
