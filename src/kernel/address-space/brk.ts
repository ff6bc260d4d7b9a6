/** brk(2) (mm/mmap.c, SYSCALL brk; mm/vma.c, do_brk_flags). */
import { PAGE_SIZE, type VirtualAddress, type Vpn, vpn } from '../../hardware/units.ts';
import { ENOMEM, isError } from '../errno.ts';
import type { Task } from '../process/process.ts';
import { MAP_FIXED, RLIMIT_DATA } from '../uapi.ts';
import type { AddressSpaceContext } from './context.ts';
import { STACK_GUARD_GAP } from './layout.ts';
import { accountSizes, mayExpand, mayLockMore } from './limits.ts';
import { unmapPages } from './munmap.ts';
import { getUnmappedArea, startWithGap } from './placement.ts';
import { populatePages } from './populate.ts';
import { VM_ACCOUNT, VM_LOCKED, VM_MAYEXEC, VM_MAYREAD, VM_MAYWRITE, VM_READ, VM_WRITE } from './vm-flags.ts';
import { Vma } from './vma.ts';
import { mergeNewRange } from './vma-merge.ts';
import { linkVma } from './vma-split.ts';

const VM_DATA_DEFAULT = VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;

/**
 * brk(2): moves the end of the heap.
 *
 * @param wanted byte address of the new break; 0 just asks
 * @returns the break, which is the old one when the move is refused; never an error number
 */
export function brk(context: AddressSpaceContext, task: Task, wanted: number): number {
  const { mm, process } = task;
  if (wanted < mm.startBrk) return mm.brk;
  const data = wanted - mm.startBrk + (mm.endData - mm.startData);
  if (data > (process.rlimits.soft[RLIMIT_DATA] as number)) return mm.brk;
  const oldEnd = vpn(Math.ceil(mm.brk / PAGE_SIZE));
  const newEnd = vpn(Math.ceil(wanted / PAGE_SIZE));
  if (newEnd < oldEnd && !shrink(context, task, newEnd, oldEnd)) return mm.brk;
  if (newEnd > oldEnd && !grow(context, task, oldEnd, newEnd)) return mm.brk;
  mm.brk = wanted as VirtualAddress;
  if (newEnd > oldEnd && (mm.defFlags & VM_LOCKED) !== 0) populatePages(context, task, oldEnd, newEnd, true);
  return mm.brk;
}

function shrink(context: AddressSpaceContext, { mm }: Task, newEnd: Vpn, oldEnd: Vpn): boolean {
  return mm.vmas.intersection(newEnd, oldEnd) !== undefined && unmapPages(context, mm, newEnd, oldEnd) === 0;
}

function grow(context: AddressSpaceContext, task: Task, oldEnd: Vpn, newEnd: Vpn): boolean {
  const { mm, process } = task;
  const pages = newEnd - oldEnd;
  const request = { hint: oldEnd * PAGE_SIZE, pages, pgoff: 0, flags: MAP_FIXED, file: undefined };
  if (isError(getUnmappedArea(process, mm, context.params.mmapMinAddr, request))) return false;
  if (!mayLockMore(process, mm, mm.defFlags, pages)) return false;
  // At least one page stays free, and the gap below a stack.
  const next = mm.vmas.intersection(oldEnd, newEnd + 1 + STACK_GUARD_GAP);
  if (next !== undefined && newEnd + 1 > startWithGap(next)) return false;
  return mapBrk(context, task, oldEnd, newEnd) === 0;
}

/**
 * Adds private writable anonymous memory to a free range: to the heap, or for exec behind a program's data
 * (do_brk_flags, vm_brk_flags).
 *
 * @param moreFlags VM_EXEC for a program whose data may run
 * @returns 0 or -ENOMEM
 */
export function mapBrk(context: AddressSpaceContext, task: Task, start: Vpn, end: Vpn, moreFlags = 0): number {
  const { mm, process } = task;
  const pages = end - start;
  const flags = VM_DATA_DEFAULT | VM_ACCOUNT | mm.defFlags | moreFlags;
  if (!mayExpand(process, mm, flags, pages) || mm.vmas.count > context.params.maxMapCount) return -ENOMEM;
  if (!context.commitments.promise(process, mm, pages)) return -ENOMEM;
  const range = { mm, start, end, flags, pgoff: start, file: undefined, anonVma: undefined, source: undefined };
  if (mergeNewRange(context, range, true) === undefined) linkVma(context, new Vma(mm, start, end, flags, start));
  accountSizes(mm, flags, pages);
  if ((flags & VM_LOCKED) !== 0) mm.lockedVm += pages;
  return 0;
}
