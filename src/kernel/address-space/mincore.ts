/** mincore(2) (mm/mincore.c). */
import { PAGE_SIZE, vpn } from '../../hardware/units.ts';
import { EINVAL, ENOMEM } from '../errno.ts';
import type { Task } from '../process/process.ts';
import type { AddressSpaceContext } from './context.ts';
import { TASK_SIZE } from './layout.ts';

/**
 * mincore(2): for each page of a byte range 1 when an access would not wait for a disk, else 0.
 *
 * @param residency receives a byte a page; as far as the first hole when there is one
 * @returns 0, -EINVAL (address within a page) or -ENOMEM (a hole)
 */
export function mincore(
  context: AddressSpaceContext,
  task: Task,
  address: number,
  length: number,
  residency: Uint8Array,
): number {
  if (address % PAGE_SIZE !== 0) return -EINVAL;
  if (address > TASK_SIZE || length > TASK_SIZE - address) return -ENOMEM;
  const start = address / PAGE_SIZE;
  const end = start + Math.ceil(length / PAGE_SIZE);
  for (let at = start; at < end; ) {
    const vma = task.mm.vmas.lookup(at);
    if (vma === undefined) return -ENOMEM;
    const to = Math.min(vma.end, end);
    // The kernel's own pages are always there.
    if (vma.special !== undefined) residency.fill(1, at - start, to - start);
    else context.advice.residency(vma, vpn(at), vpn(to), residency, at - start);
    at = to;
  }
  return 0;
}
