/** Faulting ranges in for mlock(2), MAP_POPULATE and their kin (mm/gup.c, __mm_populate). */
import { type Vpn, vpn } from '../../hardware/units.ts';
import type { Task } from '../process/process.ts';
import type { AddressSpaceContext } from './context.ts';
import { VM_IO, VM_PFNMAP } from './vm-flags.ts';

/**
 * Populates every mapping of [start, end), in order; holes and the kernel's own mappings are passed over.
 *
 * @param ignoreErrors mmap and mlockall go on behind a mapping that cannot be populated, mlock stops there
 * @returns 0 or a negated errno
 */
export function populatePages(
  context: AddressSpaceContext,
  task: Task,
  start: Vpn,
  end: Vpn,
  ignoreErrors: boolean,
): number {
  const { vmas } = task.mm;
  for (let at = start; at < end; ) {
    const vma = vmas.intersection(at, end);
    if (vma === undefined) return 0;
    const from = vpn(Math.max(at, vma.start));
    const to = vpn(Math.min(end, vma.end));
    at = to;
    if ((vma.flags & (VM_IO | VM_PFNMAP)) !== 0) continue;
    const error = context.pages.populate(task, vma, from, to);
    if (error !== 0 && !ignoreErrors) return error;
  }
  return 0;
}
