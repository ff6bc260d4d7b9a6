/** Growing a mapping where it is (mm/mremap.c: vma_expandable, expand_vma_in_place). */
import { PAGE_SIZE, vpn } from '../../hardware/units.ts';
import { isError } from '../errno.ts';
import type { Task } from '../process/process.ts';
import { MAP_FIXED } from '../uapi.ts';
import type { AddressSpaceContext } from './context.ts';
import { TASK_PAGES } from './layout.ts';
import { accountSizes } from './limits.ts';
import { getUnmappedArea } from './placement.ts';
import { VM_ACCOUNT, VM_LOCKED } from './vm-flags.ts';
import type { Vma } from './vma.ts';
import { mergeNewRange, rangeOf } from './vma-merge.ts';

/** Whether so many pages behind the mapping are free. */
export function isRoomBehind(context: AddressSpaceContext, task: Task, vma: Vma, pages: number): boolean {
  const { mm, process } = task;
  if (vma.end + pages > TASK_PAGES || mm.vmas.intersection(vma.end, vma.end + pages) !== undefined) return false;
  const whole = { hint: vma.start * PAGE_SIZE, pages: vma.pages + pages, pgoff: 0, flags: MAP_FIXED, file: undefined };
  return !isError(getUnmappedArea(process, mm, context.params.mmapMinAddr, whole));
}

/**
 * Adds free pages behind a mapping, which may then touch and join the next one (vma_merge_extend).
 *
 * @returns false when no memory can be promised for them, or when the mapping is of a kind that never grows
 */
export function growInPlace(context: AddressSpaceContext, task: Task, vma: Vma, pages: number): boolean {
  const { mm, process } = task;
  const { commitments } = context;
  const charged = (vma.flags & VM_ACCOUNT) !== 0 ? pages : 0;
  if (charged > 0 && !commitments.promise(process, mm, charged)) return false;
  // The new pages come from nowhere: that the mapping itself may be a forked one does not matter.
  const range = { ...rangeOf(vma, vma.end, vpn(vma.end + pages), vma.flags), source: undefined };
  const grown = mergeNewRange(context, range);
  if (grown === undefined) {
    commitments.release(charged);
    return false;
  }
  accountSizes(mm, grown.flags, pages);
  if ((grown.flags & VM_LOCKED) !== 0) mm.lockedVm += pages;
  return true;
}
