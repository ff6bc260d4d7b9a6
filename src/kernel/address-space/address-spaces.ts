import { PAGE_SIZE, type Vpn, vpn } from '../../hardware/units.ts';
import { ENOMEM } from '../errno.ts';
import type { File } from '../page-cache/file.ts';
import type { Process, Task } from '../process/process.ts';
import { brk, mapBrk } from './brk.ts';
import type { AddressSpaceContext } from './context.ts';
import { type CopyPages, dupMmap, exitMmap } from './duplicate.ts';
import { accountSizes } from './limits.ts';
import { madvise } from './madvise.ts';
import { mincore } from './mincore.ts';
import { mlock, mlockall, munlock, munlockall } from './mlock.ts';
import type { Mm } from './mm.ts';
import { mmap } from './mmap.ts';
import { mprotect } from './mprotect.ts';
import { mremap } from './mremap.ts';
import { msync } from './msync.ts';
import { munmap } from './munmap.ts';
import { getUnmappedArea } from './placement.ts';
import { expandStack } from './stack-growth.ts';
import { VM_ACCOUNT, VM_EXEC } from './vm-flags.ts';
import type { Vma } from './vma.ts';
import { linkVma } from './vma-split.ts';

/**
 * The system calls on address spaces, and what fork, exec and exit need. Addresses and lengths are bytes; results below 0
 * are negated error numbers.
 */
export class AddressSpaces {
  readonly #context: AddressSpaceContext;

  constructor(context: AddressSpaceContext) {
    this.#context = context;
  }

  mmap(
    task: Task,
    address: number,
    length: number,
    prot: number,
    flags: number,
    file: File | undefined,
    offset: number,
  ): number {
    return mmap(this.#context, task, address, length, prot, flags, file, offset);
  }

  munmap(task: Task, address: number, length: number): number {
    return munmap(this.#context, task.mm, address, length);
  }

  mremap(task: Task, address: number, oldLength: number, newLength: number, flags: number, newAddress = 0): number {
    return mremap(this.#context, task, address, oldLength, newLength, flags, newAddress);
  }

  mprotect(task: Task, address: number, length: number, prot: number): number {
    return mprotect(this.#context, task, address, length, prot);
  }

  madvise(task: Task, address: number, length: number, advice: number): number {
    return madvise(this.#context, task, address, length, advice);
  }

  /** @returns the break, never an error number */
  brk(task: Task, wanted: number): number {
    return brk(this.#context, task, wanted);
  }

  mlock(task: Task, address: number, length: number): number {
    return mlock(this.#context, task, address, length, 0);
  }

  mlock2(task: Task, address: number, length: number, flags: number): number {
    return mlock(this.#context, task, address, length, flags);
  }

  munlock(task: Task, address: number, length: number): number {
    return munlock(this.#context, task, address, length);
  }

  mlockall(task: Task, flags: number): number {
    return mlockall(this.#context, task, flags);
  }

  munlockall(task: Task): number {
    return munlockall(this.#context, task);
  }

  /** @param residency receives 1 or 0 for each page */
  mincore(task: Task, address: number, length: number, residency: Uint8Array): number {
    return mincore(this.#context, task, address, length, residency);
  }

  msync(task: Task, address: number, length: number, flags: number): number {
    return msync(this.#context, task, address, length, flags);
  }

  /** Grows a stack down to the page of a fault; false when it may not (see stack-growth.ts). */
  expandStack(task: Task, vma: Vma, page: Vpn): boolean {
    return expandStack(this.#context, task, vma, page);
  }

  dupMmap(process: Process, from: Mm, to: Mm, copyPages: CopyPages): number {
    return dupMmap(this.#context, process, from, to, copyPages);
  }

  exitMmap(mm: Mm): void {
    exitMmap(this.#context, mm);
  }

  /** For exec: anonymous memory behind a program's data, as brk makes it (vm_brk_flags). */
  mapBrk(task: Task, address: number, length: number, executable: boolean): number {
    const start = vpn(Math.floor(address / PAGE_SIZE));
    const end = vpn(start + Math.ceil(length / PAGE_SIZE));
    if (end === start) return 0;
    const error = munmap(this.#context, task.mm, start * PAGE_SIZE, (end - start) * PAGE_SIZE);
    return error !== 0 ? error : mapBrk(this.#context, task, start, end, executable ? VM_EXEC : 0);
  }

  /** For exec: a free range for a mapping without a hint (get_unmapped_area). */
  unmappedArea(task: Task, length: number): number {
    const request = { hint: 0, pages: Math.ceil(length / PAGE_SIZE), pgoff: 0, flags: 0, file: undefined };
    return getUnmappedArea(task.process, task.mm, this.#context.params.mmapMinAddr, request);
  }

  /** For exec: enters a mapping that the caller made, stack or vdso, with its sizes (insert_vm_struct): 0 or -ENOMEM. */
  insertVma(process: Process, vma: Vma): number {
    const { mm } = vma;
    if (mm.vmas.intersection(vma.start, vma.end) !== undefined) return -ENOMEM;
    if ((vma.flags & VM_ACCOUNT) !== 0 && !this.#context.commitments.promise(process, mm, vma.pages)) return -ENOMEM;
    linkVma(this.#context, vma);
    accountSizes(mm, vma.flags, vma.pages);
    return 0;
  }
}
