/**
 * The page-fault handler (arch/x86/mm/fault.c, do_user_addr_fault; mm/memory.c, handle_mm_fault): from an address and an
 * error code to a mapped page or a signal.
 */
import {
  PF_FETCH,
  PF_PRESENT,
  PF_PROTECTION_KEY,
  PF_USER,
  PF_WRITE,
  PTE_ACCESSED,
  PTE_DIRTY,
  PTE_WRITE,
} from '../../hardware/paging/entry.ts';
import { pageOf, type Vpn, vpn } from '../../hardware/units.ts';
import { MM_FILEPAGES } from '../address-space/mm.ts';
import { VM_ACCESS_FLAGS, VM_GROWSDOWN, VM_HUGETLB, VM_SHARED, VM_WRITE } from '../address-space/vm-flags.ts';
import { hasRecency, indexOf, type Vma } from '../address-space/vma.ts';
import type { PageCore } from '../core.ts';
import { BELOW_MIN, NO_PRESSURE } from '../frames/allocator.ts';
import { TaskBlocked } from '../oom/task-blocked.ts';
import { addRss } from '../page-table/rss.ts';
import {
  isExecuteOnly,
  isGuard,
  isMapped,
  isNone,
  isSwapEntry,
  mappedHi,
  mappedLo,
  PTE_SPECIAL,
} from '../page-table/soft-entry.ts';
import { PMD_LEVEL } from '../page-table/table-walk.ts';
import { panic } from '../panic.ts';
import type { Task } from '../process/process.ts';
import type { FaultSignal } from '../process/signal.ts';
import type { SwapReadahead } from '../swap/readahead.ts';
import { isAllowed, TVA_PAGEFAULT } from '../thp/eligible.ts';
import { hugeFault, leafFault } from '../thp/huge-fault.ts';
import { PMD_ORDER } from '../thp/settings.ts';
import { EXCEPTIONS_PAGE_FAULT_KERNEL, EXCEPTIONS_PAGE_FAULT_USER, SIGNAL_SIGNAL_GENERATE } from '../tracepoints.ts';
import { BUS_ADRERR, SEGV_ACCERR, SEGV_MAPERR, SEGV_PKUERR, SI_KERNEL, SIGBUS, SIGKILL, SIGSEGV } from '../uapi.ts';
import { PGFAULT } from '../vmstat.ts';
import { anonymousFault } from './anonymous.ts';
import {
  FAULT_FLAG_ALLOW_RETRY,
  FAULT_FLAG_TRIED,
  FAULT_FLAG_USER,
  FAULT_FLAG_WRITE,
  VM_FAULT_ERROR,
  VM_FAULT_FALLBACK,
  VM_FAULT_MAJOR,
  VM_FAULT_MINOR,
  VM_FAULT_OOM,
  VM_FAULT_RETRY,
  VM_FAULT_SIGBUS,
  VM_FAULT_SIGSEGV,
} from './outcome.ts';
import { swapFault } from './swap-fault.ts';
import { copyOnWrite } from './write-protect.ts';

/** User addresses end here with 4-level tables (TASK_SIZE_MAX), in pages. */
export const TASK_SIZE_PAGES: number = 2 ** 35 - 1;

/** What the fault handler needs of the file layer. */
export interface FileFaults {
  /** A page of a mapping with a file, nothing mapped there yet (do_fault). @returns VM_FAULT_* */
  handle(task: Task, vma: Vma, page: Vpn, flags: number): number;
  /** A write to a page of a shared mapping that is mapped read-only (do_wp_page, shared). @returns VM_FAULT_* */
  writeShared(task: Task, vma: Vma, page: Vpn, slot: number): number;
}

/** What the fault handler needs of the address space. */
export interface StackGrowth {
  /** Grows a GROWSDOWN mapping down to this page; false when a limit or a neighbour forbids it. */
  expandStack(task: Task, vma: Vma, page: Vpn): boolean;
}

export class FaultHandler {
  readonly #core: PageCore;
  readonly #files: FileFaults;
  readonly #stack: StackGrowth;
  readonly #swapReadahead: SwapReadahead;

  constructor(core: PageCore, files: FileFaults, stack: StackGrowth, swapReadahead: SwapReadahead) {
    this.#swapReadahead = swapReadahead;
    this.#core = core;
    this.#files = files;
    this.#stack = stack;
  }

  /**
   * Handles one page fault of a program (do_user_addr_fault), or of the kernel on a program's behalf.
   * @param address the byte that was accessed
   * @param errorCode PF_* bits of the processor
   * @returns the signal that the access raises, or undefined: the access is to be tried again
   * @throws TaskBlocked while its cgroup has no room and nobody there may be killed; KernelPanic
   */
  fault(task: Task, address: number, errorCode: number): FaultSignal | undefined {
    const { trace } = this.#core;
    if (!trace.on) return this.#resolve(task, address, errorCode);
    const point = errorCode & PF_USER ? EXCEPTIONS_PAGE_FAULT_USER : EXCEPTIONS_PAGE_FAULT_KERNEL;
    trace.emit(point, task.tid, address, 0, errorCode);
    const signal = this.#resolve(task, address, errorCode);
    if (signal !== undefined && point === EXCEPTIONS_PAGE_FAULT_USER) {
      const { pid, comm } = task.process;
      trace.emit(SIGNAL_SIGNAL_GENERATE, task.tid, signal.signo, 0, signal.code, trace.intern(comm), pid, 0);
    }
    return signal;
  }

  #resolve(task: Task, address: number, errorCode: number): FaultSignal | undefined {
    const page = pageOf(address);
    if (page >= TASK_SIZE_PAGES) return segv(SEGV_MAPERR, address);
    // A fault of the kernel itself may come while it works on pages: only a program's is a point to reclaim at.
    if (this.#core.allocator.pressure !== NO_PRESSURE && errorCode & PF_USER) this.#core.relieve(task, 'fault');
    if (task.process.ending !== undefined) return killed(address);
    if (task.memcgInOom !== 0) this.#outOfMemory(task);
    const user = errorCode & PF_USER ? FAULT_FLAG_USER : 0;
    const write = (errorCode & PF_WRITE ? FAULT_FLAG_WRITE : 0) | user;
    let major = 0;
    let flags = write | FAULT_FLAG_ALLOW_RETRY;
    for (;;) {
      const vma = this.#mappingAt(task, page);
      if (vma === undefined) return segv(SEGV_MAPERR, address);
      const denied = accessError(vma, errorCode);
      if (denied !== 0) return segv(denied, address);
      const outcome = this.handleMmFault(task, vma, page, flags);
      major |= outcome & VM_FAULT_MAJOR;
      if (task.process.ending !== undefined) return killed(address);
      if (outcome & VM_FAULT_OOM) {
        // The kernel's own access to a program's memory fails instead (kernelmode_fixup_or_oops).
        if (user === 0) return segv(SEGV_MAPERR, address);
        if (!this.#outOfMemory(task)) return killed(address);
        continue;
      }
      if (outcome & VM_FAULT_SIGSEGV) return segv(SEGV_MAPERR, address);
      if (outcome & VM_FAULT_SIGBUS) return { signo: SIGBUS, code: BUS_ADRERR, address };
      if ((outcome & VM_FAULT_RETRY) === 0) break;
      flags = write | FAULT_FLAG_TRIED;
    }
    this.#account(task, major !== 0);
    return undefined;
  }

  /**
   * The fault could not be served for want of memory (pagefault_out_of_memory, mem_cgroup_oom_synchronize).
   * @returns whether the task still lives and may try again
   */
  #outOfMemory(task: Task): boolean {
    const { cgroups, allocator } = this.#core;
    if (task.memcgInOom !== 0) {
      const group = cgroups.get(task.memcgInOom);
      task.memcgInOom = 0;
      group.underOom = true;
      throw new TaskBlocked(task.process.comm, task.process.pid, group.path);
    }
    allocator.pressure = BELOW_MIN;
    return this.#core.relieve(task, 'fault');
  }

  /** Maps one page of a mapping (handle_mm_fault). @returns VM_FAULT_* bits */
  handleMmFault(task: Task, vma: Vma, page: Vpn, flags: number): number {
    const { lru } = this.#core;
    // Pages of mappings that are read in order do not begin young (lru_gen_enter_fault).
    lru.inFault = hasRecency(vma);
    const outcome = this.#handle(task, vma, page, flags);
    lru.inFault = false;
    // One that has to be tried again is counted when it is complete (mm_account_fault).
    if (outcome & VM_FAULT_RETRY) return outcome;
    this.#core.vmstat.count(PGFAULT);
    if (vma.mm.memcg !== 0) this.#core.cgroups.get(vma.mm.memcg).pgfault++;
    return outcome;
  }

  #handle(task: Task, vma: Vma, page: Vpn, flags: number): number {
    if (vma.flags & VM_HUGETLB) return this.#core.hugetlb.fault(task, vma, page, flags);
    const slot = this.#core.pageTables.find(vma.mm, page);
    return slot < 0 ? this.#withoutTable(task, vma, page, flags) : this.#handlePte(task, vma, page, slot, flags);
  }

  /** A page for which there is no last-level table: its directory's entry is empty or a huge page's (__handle_mm_fault). */
  #withoutTable(task: Task, vma: Vma, page: Vpn, flags: number): number {
    const core = this.#core;
    const { pageTables } = core;
    const directory = pageTables.makeDirectory(vma.mm, page, PMD_LEVEL);
    if (directory < 0) return VM_FAULT_OOM;
    if (pageTables.isLeaf(directory)) {
      const outcome = leafFault(core, vma, page, directory, flags);
      if ((outcome & VM_FAULT_FALLBACK) === 0) return outcome;
    } else if (core.thp.isOn && isAllowed(core.thp.settings, vma, PMD_ORDER, TVA_PAGEFAULT)) {
      const outcome = hugeFault(core, vma, page, directory, flags);
      if ((outcome & VM_FAULT_FALLBACK) === 0) return outcome;
    }
    // A file's fault makes a missing last table itself, when it has a page to put there (finish_fault).
    const slot = vma.file === undefined ? pageTables.findOrCreate(vma.mm, page) : pageTables.find(vma.mm, page);
    if (slot >= 0) return this.#handlePte(task, vma, page, slot, flags);
    return vma.file === undefined ? VM_FAULT_OOM : this.#files.handle(task, vma, page, flags);
  }

  /** handle_pte_fault. */
  #handlePte(task: Task, vma: Vma, page: Vpn, slot: number, flags: number): number {
    const core = this.#core;
    const lo = core.pageTables.lo(slot);
    const hi = core.pageTables.hi(slot);
    const write = (flags & FAULT_FLAG_WRITE) !== 0;
    if (isNone(lo, hi)) {
      if (vma.isAnonymous) return anonymousFault(core, vma, page, slot, flags);
      if (vma.special !== undefined) return this.#specialFault(vma, page, slot);
      return this.#files.handle(task, vma, page, flags);
    }
    if (!isMapped(lo)) {
      if (isGuard(lo, hi)) return VM_FAULT_SIGSEGV;
      if (isSwapEntry(lo, hi)) return swapFault(core, this.#swapReadahead, task, vma, page, slot, flags);
      panic(`handle_mm_fault: entry ${lo.toString(16)} of page ${page} means nothing`);
    }
    if (write && (lo & PTE_WRITE) === 0) {
      if (vma.flags & VM_SHARED) return this.#files.writeShared(task, vma, page, slot);
      return copyOnWrite(core, vma, page, slot);
    }
    // The entry allows the access already: another thread was faster, or the TLB was behind (spurious fault).
    core.pageTables.set(slot, lo | PTE_ACCESSED | (write ? PTE_DIRTY : 0), hi);
    core.tlb.flushRange(vma.mm, page, vpn(page + 1));
    return VM_FAULT_MINOR;
  }

  /** Counts a fault that ended well (mm_account_fault); one that ends in a signal counts for nobody. */
  #account(task: Task, major: boolean): void {
    if (major) task.majFlt++;
    else task.minFlt++;
  }

  /**
   * Faults a page in for a caller who must have it (faultin_page).
   * @param resumes the caller goes on with a fault that had to wait for the disk, which then counts as major
   *   (__get_user_pages_locked); else it begins anew and finds the page there (__mm_populate)
   * @returns 0 or VM_FAULT_ERROR bits
   */
  faultIn(task: Task, vma: Vma, page: Vpn, write: boolean, resumes: boolean): number {
    if (this.#core.allocator.pressure !== NO_PRESSURE && !this.#core.relieve(task, 'populate')) return VM_FAULT_OOM;
    const flag = (write ? FAULT_FLAG_WRITE : 0) | FAULT_FLAG_USER;
    let outcome = this.handleMmFault(task, vma, page, flag | FAULT_FLAG_ALLOW_RETRY);
    // A caller who begins anew may meet a readahead mark on the page that it waited for, and wait once more.
    while (outcome & VM_FAULT_RETRY) {
      const again = resumes ? FAULT_FLAG_TRIED : FAULT_FLAG_ALLOW_RETRY;
      outcome = this.handleMmFault(task, vma, page, flag | again) | (resumes ? VM_FAULT_MAJOR : 0);
    }
    // Only a program's own fault waits for its group (in_user_fault): a system call fails.
    task.memcgInOom = 0;
    if (outcome & VM_FAULT_ERROR) return outcome & VM_FAULT_ERROR;
    this.#account(task, (outcome & VM_FAULT_MAJOR) !== 0);
    return 0;
  }

  /** The mapping that holds a page, the stack grown to it when that is allowed (lock_mm_and_find_vma). */
  #mappingAt(task: Task, page: Vpn): Vma | undefined {
    const vma = task.mm.vmas.find(page);
    if (vma === undefined || page >= vma.start) return vma;
    if ((vma.flags & VM_GROWSDOWN) === 0) return undefined;
    return this.#stack.expandStack(task, vma, page) ? vma : undefined;
  }

  /** Pages of [vdso] and [vvar] are the kernel's own: they cost nobody memory. */
  #specialFault(vma: Vma, page: Vpn, slot: number): number {
    const frame = vma.special?.frames[indexOf(vma, page)];
    if (vma.special === undefined || frame === undefined) return VM_FAULT_SIGBUS;
    const special = vma.special.counted ? 0 : PTE_SPECIAL;
    this.#core.pageTables.set(slot, mappedLo(frame, vma.flags, special), mappedHi(frame, vma.flags));
    if (vma.special.counted) {
      this.#core.rmap.addFile(frame);
      addRss(this.#core, vma.mm, MM_FILEPAGES, 1);
    }
    return VM_FAULT_MINOR;
  }
}

const killed = (address: number): FaultSignal => ({ signo: SIGKILL, code: SI_KERNEL, address });
const segv = (code: number, address: number): FaultSignal => ({ signo: SIGSEGV, code, address });

/** Why a mapping does not allow an access (access_error, bad_area_access_error): SEGV_*, or 0 when it does. */
function accessError(vma: Vma, errorCode: number): number {
  const isFetch = (errorCode & PF_FETCH) !== 0;
  if (errorCode & PF_PROTECTION_KEY || (!isFetch && isExecuteOnly(vma.flags))) return SEGV_PKUERR;
  if (errorCode & PF_WRITE) return vma.flags & VM_WRITE ? 0 : SEGV_ACCERR;
  if (errorCode & PF_PRESENT) return SEGV_ACCERR;
  return vma.flags & VM_ACCESS_FLAGS ? 0 : SEGV_ACCERR;
}
