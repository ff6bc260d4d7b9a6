/** A stack grows when it is touched below its end (mm/vma.c: expand_downwards, acct_stack_growth). */
import { PAGE_SIZE, type Vpn } from '../../hardware/units.ts';
import type { Task } from '../process/process.ts';
import { RLIMIT_STACK } from '../uapi.ts';
import type { AddressSpaceContext } from './context.ts';
import { STACK_GUARD_GAP } from './layout.ts';
import { accountSizes, mayExpand, mayLockMore } from './limits.ts';
import { lowestAddress } from './placement.ts';
import { VM_ACCESS_FLAGS, VM_GROWSDOWN, VM_LOCKED } from './vm-flags.ts';
import type { Vma } from './vma.ts';

/**
 * Grows a mapping that grows down, so that it begins at this page.
 *
 * @returns false when it may not: no such mapping, too low, too near to a neighbour that can be accessed, or over
 * RLIMIT_STACK, RLIMIT_AS, RLIMIT_MEMLOCK or what may be promised
 */
export function expandStack(context: AddressSpaceContext, task: Task, vma: Vma, page: Vpn): boolean {
  const { mm } = vma;
  if ((vma.flags & VM_GROWSDOWN) === 0) return false;
  if (page * PAGE_SIZE < lowestAddress(context.params.mmapMinAddr)) return false;
  const below = mm.vmas.prev(vma);
  if (below !== undefined && isBarrier(below) && page - below.end < STACK_GUARD_GAP) return false;
  context.pages.prepareAnonVma(vma);
  if (page >= vma.start) return true;

  const grown = vma.start - page;
  if (grown > vma.pgoff || !mayGrow(context, task, vma, page, grown)) return false;
  if ((vma.flags & VM_LOCKED) !== 0) mm.lockedVm += grown;
  accountSizes(mm, vma.flags, grown);
  mm.vmas.resize(vma, page, vma.end);
  vma.pgoff -= grown;
  return true;
}

/** A neighbour that a stack keeps its distance from: neither a stack itself nor without any access. */
const isBarrier = (vma: Vma): boolean => (vma.flags & VM_GROWSDOWN) === 0 && (vma.flags & VM_ACCESS_FLAGS) !== 0;

/** acct_stack_growth; the promise of memory comes last, as nothing can fail behind it. */
function mayGrow(context: AddressSpaceContext, task: Task, vma: Vma, page: Vpn, grown: number): boolean {
  const { process } = task;
  const size = (vma.end - page) * PAGE_SIZE;
  return (
    mayExpand(process, vma.mm, vma.flags, grown) &&
    size <= (process.rlimits.soft[RLIMIT_STACK] as number) &&
    mayLockMore(process, vma.mm, vma.flags, grown) &&
    context.commitments.promise(process, vma.mm, grown)
  );
}
