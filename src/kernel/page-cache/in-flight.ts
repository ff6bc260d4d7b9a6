import { CAUSE_DISK, type Timers } from '../time/clock.ts';
import type { Inode } from './inode.ts';

/** Pages of a file on their way to its disk: a request of write-back, of whole folios. */
export interface WriteRequest {
  readonly inode: Inode;
  /** Page indexes of the folios: [first, end). */
  readonly first: number;
  readonly end: number;
  /** Index behind what is written: a folio may reach out of its file. */
  readonly blocksEnd: number;
  /** When it was submitted and when the disk answers, in nanoseconds since boot. */
  readonly since: number;
  readonly due: number;
}

export type WriteRequestState = Omit<WriteRequest, 'inode'> & { readonly inode: number };

/**
 * The writes that disks have been given and not answered yet, in the order of their answers. They are answered on the
 * clock; who needs one sooner waits for it.
 */
export class InFlight {
  readonly #clock: Timers;
  readonly #answered: (request: WriteRequest) => void;
  readonly #requests: WriteRequest[] = [];

  /** @param answered hears of each request when it is no longer in flight */
  constructor(clock: Timers, answered: (request: WriteRequest) => void) {
    this.#clock = clock;
    this.#answered = answered;
  }

  /** Those in flight, the next to be answered first. */
  get requests(): readonly WriteRequest[] {
    return this.#requests;
  }

  /** How many are in flight to a device, or to all. @param dev st_dev */
  count(dev?: number): number {
    if (dev === undefined) return this.#requests.length;
    let count = 0;
    for (const { inode } of this.#requests) if (inode.dev === dev) count++;
    return count;
  }

  /** A request was submitted; one that is due now must not be given. */
  add(request: WriteRequest): void {
    let at = this.#requests.length;
    while (at > 0 && (this.#requests[at - 1] as WriteRequest).due > request.due) at--;
    this.#requests.splice(at, 0, request);
    this.#clock.at(request.due, () => this.settle());
  }

  /** The disks have answered what is due by now. */
  settle(): void {
    for (
      let first = this.#requests[0];
      first !== undefined && first.due <= this.#clock.now;
      first = this.#requests[0]
    ) {
      this.#requests.shift();
      this.#answered(first);
    }
  }

  /**
   * The task that runs now waits until no page of [first, end) is in flight (folio_wait_writeback). Nothing but answers
   * happens meanwhile: the caller may be in the middle of its work on the file.
   */
  wait(inode: Inode, first: number, end: number): void {
    this.#waitUntil((request) => request.inode === inode && request.first < end && request.end > first);
  }

  /** The same for all files of a device (wait_sb_inodes). */
  waitAll(dev?: number): void {
    this.#waitUntil(({ inode }) => dev === undefined || inode.dev === dev);
  }

  #waitUntil(isAwaited: (request: WriteRequest) => boolean): void {
    let due = 0;
    for (const request of this.#requests) if (isAwaited(request)) due = request.due;
    if (due === 0) return;
    if (due > this.#clock.now) this.#clock.spend(due - this.#clock.now, CAUSE_DISK);
    this.settle();
  }

  save(): WriteRequestState[] {
    return this.#requests.map((request) => ({ ...request, inode: request.inode.id }));
  }

  /** Takes the place of all requests. */
  restore(state: readonly WriteRequestState[], inodeOf: (id: number) => Inode): void {
    this.#requests.length = 0;
    for (const request of state) this.add({ ...request, inode: inodeOf(request.inode) });
  }
}
