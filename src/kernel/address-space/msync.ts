/** msync(2) (mm/msync.c). */
import { PAGE_SIZE } from '../../hardware/units.ts';
import { EBUSY, EINVAL, ENOMEM } from '../errno.ts';
import type { Task } from '../process/process.ts';
import { MS_ASYNC, MS_INVALIDATE, MS_SYNC } from '../uapi.ts';
import type { AddressSpaceContext } from './context.ts';
import { VM_LOCKED, VM_SHARED } from './vm-flags.ts';
import { indexOf } from './vma.ts';

/**
 * msync(2): with MS_SYNC writes what shared file mappings of a byte range have dirtied, and waits. MS_ASYNC does
 * nothing: write-back comes by itself.
 *
 * @returns 0 or -EINVAL, -EBUSY (MS_INVALIDATE of locked memory), -ENOMEM (a hole, after the rest was done)
 */
export function msync(
  context: AddressSpaceContext,
  task: Task,
  address: number,
  length: number,
  flags: number,
): number {
  const { vmas } = task.mm;
  if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) !== 0 || address % PAGE_SIZE !== 0) return -EINVAL;
  if ((flags & MS_ASYNC) !== 0 && (flags & MS_SYNC) !== 0) return -EINVAL;
  const end = address / PAGE_SIZE + Math.ceil(length / PAGE_SIZE);
  if (end * PAGE_SIZE >= 2 ** 64) return -ENOMEM;
  let unmapped = 0;
  for (let at = address / PAGE_SIZE; at < end; ) {
    const vma = vmas.find(at);
    if (vma === undefined) return -ENOMEM;
    if (at < vma.start) {
      if (flags === MS_ASYNC || vma.start >= end) return -ENOMEM;
      at = vma.start;
      unmapped = -ENOMEM;
    }
    if ((flags & MS_INVALIDATE) !== 0 && (vma.flags & VM_LOCKED) !== 0) return -EBUSY;
    const to = Math.min(vma.end, end);
    if ((flags & MS_SYNC) !== 0 && vma.file !== undefined && (vma.flags & VM_SHARED) !== 0) {
      const from = indexOf(vma, at) * PAGE_SIZE;
      const error = context.files.syncRange(task, vma.file, from, from + (to - at) * PAGE_SIZE);
      if (error !== 0) return error;
    }
    at = to;
  }
  return unmapped;
}
