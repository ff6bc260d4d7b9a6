import type { Process } from '../process/process.ts';
import type { Mm } from './mm.ts';
import { VM_HUGETLB, VM_NORESERVE, VM_SHARED, VM_WRITE } from './vm-flags.ts';

/** vm.overcommit_memory: a single absurd request fails; nothing fails; the sum of all promises is limited. */
export const OVERCOMMIT_GUESS = 0;
export const OVERCOMMIT_ALWAYS = 1;
export const OVERCOMMIT_NEVER = 2;

/** The sysctls that limit what may be promised. */
export interface OvercommitParams {
  readonly overcommitMemory: number;
  readonly overcommitRatio: number;
  /** 0: the ratio counts. */
  readonly overcommitKbytes: number;
  readonly userReserveKbytes: number;
  readonly adminReserveKbytes: number;
}

/** Memory of the machine, in pages, as it is now. */
export interface MemoryTotals {
  readonly ramPages: number;
  readonly swapPages: number;
  readonly hugetlbPages: number;
}

/**
 * Whether a mapping with these flags is a promise of memory (accountable_mapping): private and writable. Huge pages of a
 * pool have books of their own.
 */
export const isAccountable = (flags: number): boolean =>
  (flags & (VM_NORESERVE | VM_SHARED | VM_WRITE | VM_HUGETLB)) === VM_WRITE;

/** What has been promised to programs, Committed_AS, and what may be (mm/util.c). */
export class Commitments {
  readonly #params: OvercommitParams;
  readonly #totals: MemoryTotals;
  #committed = 0;

  constructor(params: OvercommitParams, totals: MemoryTotals) {
    this.#params = params;
    this.#totals = totals;
  }

  /** Committed_AS in pages (vm_memory_committed). */
  get committed(): number {
    return this.#committed;
  }

  /** CommitLimit in pages (vm_commit_limit). */
  get limit(): number {
    const { overcommitKbytes, overcommitRatio } = this.#params;
    const { ramPages, hugetlbPages, swapPages } = this.#totals;
    const ofRam =
      overcommitKbytes > 0
        ? Math.floor(overcommitKbytes / 4)
        : Math.floor(((ramPages - hugetlbPages) * overcommitRatio) / 100);
    return ofRam + swapPages;
  }

  /** Whether MAP_NORESERVE is honoured. */
  get honoursNoReserve(): boolean {
    return this.#params.overcommitMemory !== OVERCOMMIT_NEVER;
  }

  /** Promises pages to a process, or returns false and promises nothing (__vm_enough_memory). */
  promise(process: Process, mm: Mm, pages: number): boolean {
    const committed = this.#committed + pages;
    if (!this.#allows(process, mm, pages, committed)) return false;
    this.#committed = committed;
    return true;
  }

  /** Takes pages back that were promised (vm_unacct_memory), or with a negative number promises them unasked. */
  release(pages: number): void {
    this.#committed -= pages;
  }

  #allows(process: Process, mm: Mm, pages: number, committed: number): boolean {
    const { overcommitMemory, adminReserveKbytes, userReserveKbytes } = this.#params;
    if (overcommitMemory === OVERCOMMIT_ALWAYS) return true;
    if (overcommitMemory === OVERCOMMIT_GUESS) return pages <= this.#totals.ramPages + this.#totals.swapPages;
    const adminReserve = process.credentials.sysAdmin ? 0 : Math.floor(adminReserveKbytes / 4);
    // So that a single process cannot grow until its user is unable to recover.
    const userReserve = Math.min(Math.floor(mm.totalVm / 32), Math.floor(userReserveKbytes / 4));
    return committed < this.limit - adminReserve - userReserve;
  }

  save(): number {
    return this.#committed;
  }

  restore(committed: number): void {
    this.#committed = committed;
  }
}
