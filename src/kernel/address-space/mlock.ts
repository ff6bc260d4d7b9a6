/** mlock(2), mlock2, munlock, mlockall and munlockall (mm/mlock.c). */
import { PAGE_SIZE, type Vpn, vpn } from '../../hardware/units.ts';
import { EAGAIN, EFAULT, EINVAL, ENOMEM, EPERM } from '../errno.ts';
import type { Task } from '../process/process.ts';
import { MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT, MLOCK_ONFAULT } from '../uapi.ts';
import type { AddressSpaceContext } from './context.ts';
import { TASK_PAGES } from './layout.ts';
import { mayLock, withinMemlock } from './limits.ts';
import type { Mm } from './mm.ts';
import { populatePages } from './populate.ts';
import { VM_DROPPABLE, VM_HUGETLB, VM_LOCKED, VM_LOCKED_MASK, VM_LOCKONFAULT, VM_SPECIAL } from './vm-flags.ts';
import type { Vma } from './vma.ts';
import { modifyVma, setFlags } from './vma-merge.ts';

/** Whole pages around a byte range. */
function pagesAround(address: number, length: number): [Vpn, Vpn] {
  const start = vpn(Math.floor(address / PAGE_SIZE));
  return [start, vpn(start + Math.ceil((length + (address % PAGE_SIZE)) / PAGE_SIZE))];
}

/**
 * mlock2(2); mlock(2) has no flags. Locked pages are faulted in, with MLOCK_ONFAULT only as they are touched.
 *
 * @returns 0 or -EINVAL, -EPERM (RLIMIT_MEMLOCK is 0), -ENOMEM (over the limit, a hole, or no access), -EAGAIN
 */
export function mlock(
  context: AddressSpaceContext,
  task: Task,
  address: number,
  length: number,
  flags: number,
): number {
  const { mm, process } = task;
  if ((flags & ~MLOCK_ONFAULT) !== 0) return -EINVAL;
  if (!mayLock(process)) return -EPERM;
  const [start, end] = pagesAround(address, length);
  const wanted = mm.lockedVm + (end - start);
  // Pages of the range that are locked already count once.
  if (!withinMemlock(process, wanted) && !withinMemlock(process, wanted - lockedPages(mm, start, end))) return -ENOMEM;
  const onFault = (flags & MLOCK_ONFAULT) !== 0 ? VM_LOCKONFAULT : 0;
  const error = applyLockFlags(context, mm, start, end, VM_LOCKED | onFault);
  if (error !== 0) return error;
  const populated = populatePages(context, task, start, end, false);
  if (populated === -EFAULT) return -ENOMEM;
  return populated === -ENOMEM ? -EAGAIN : populated;
}

/** munlock(2): 0 or -ENOMEM for a hole. */
export function munlock(context: AddressSpaceContext, task: Task, address: number, length: number): number {
  const [start, end] = pagesAround(address, length);
  return applyLockFlags(context, task.mm, start, end, 0);
}

/** mlockall(2): what is mapped, what will be mapped, or both: 0 or -EINVAL, -EPERM, -ENOMEM. */
export function mlockall(context: AddressSpaceContext, task: Task, flags: number): number {
  const { mm, process } = task;
  if (flags === 0 || flags === MCL_ONFAULT || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) !== 0) return -EINVAL;
  if (!mayLock(process)) return -EPERM;
  const current = (flags & MCL_CURRENT) !== 0;
  if (current && !withinMemlock(process, mm.totalVm)) return -ENOMEM;
  const locked = VM_LOCKED | ((flags & MCL_ONFAULT) !== 0 ? VM_LOCKONFAULT : 0);
  mm.defFlags = (mm.defFlags & ~VM_LOCKED_MASK) | ((flags & MCL_FUTURE) !== 0 ? locked : 0);
  if (!current) return 0;
  applyToAll(context, mm, locked);
  populatePages(context, task, vpn(0), vpn(TASK_PAGES), true);
  return 0;
}

/** munlockall(2): always 0. */
export function munlockall(context: AddressSpaceContext, task: Task): number {
  task.mm.defFlags &= ~VM_LOCKED_MASK;
  applyToAll(context, task.mm, 0);
  return 0;
}

/** Locked pages of [start, end) (count_mm_mlocked_page_nr). */
function lockedPages(mm: Mm, start: Vpn, end: Vpn): number {
  let count = 0;
  for (let vma = mm.vmas.intersection(start, end); vma !== undefined; vma = mm.vmas.intersection(vma.end, end))
    if ((vma.flags & VM_LOCKED) !== 0) count += Math.min(vma.end, end) - Math.max(vma.start, start);
  return count;
}

/** Mapping by mapping, upwards, until a hole (apply_vma_lock_flags): 0 or -ENOMEM. */
function applyLockFlags(context: AddressSpaceContext, mm: Mm, start: Vpn, end: Vpn, flags: number): number {
  for (let at = start; at < end; ) {
    const vma = mm.vmas.lookup(at);
    if (vma === undefined) return -ENOMEM;
    const to = vpn(Math.min(vma.end, end));
    const error = lockPart(context, vma, at, to, flags);
    if (error !== 0) return error;
    at = to;
  }
  return 0;
}

/** Every mapping, errors ignored (apply_mlockall_flags). */
function applyToAll(context: AddressSpaceContext, mm: Mm, flags: number): void {
  for (let vma = mm.vmas.first(); vma !== undefined; ) {
    const { start, end } = vma;
    lockPart(context, vma, start, end, flags);
    vma = mm.vmas.find(end);
  }
}

/** Locks or unlocks a part of one mapping (mlock_fixup): 0 or -ENOMEM. */
function lockPart(context: AddressSpaceContext, vma: Vma, start: Vpn, end: Vpn, lockFlags: number): number {
  const { mm, flags: old } = vma;
  const flags = (old & ~VM_LOCKED_MASK) | lockFlags;
  if (flags === old || (old & (VM_SPECIAL | VM_HUGETLB | VM_DROPPABLE)) !== 0) return 0;
  const modified = modifyVma(context, vma, start, end, flags);
  if (typeof modified === 'number') return modified;
  const wasLocked = (old & VM_LOCKED) !== 0;
  const isLocked = (flags & VM_LOCKED) !== 0;
  setFlags(modified, flags);
  if (isLocked && !wasLocked) {
    mm.lockedVm += end - start;
    context.pages.lockPages(modified, start, end);
  } else if (wasLocked && !isLocked) {
    mm.lockedVm -= end - start;
    context.pages.unlockPages(modified, start, end);
  }
  return 0;
}
