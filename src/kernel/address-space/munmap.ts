/** munmap(2), and the removal of mappings for all who need a range free (mm/vma.c). */
import { PAGE_SIZE, type Vpn, vpn } from '../../hardware/units.ts';
import { EINVAL, ENOMEM, EPERM } from '../errno.ts';
import type { AddressSpaceContext } from './context.ts';
import { TABLE_PAGES, TABLES_CEILING, TASK_SIZE } from './layout.ts';
import { accountSizes, noteHighWater } from './limits.ts';
import type { Mm } from './mm.ts';
import { VM_ACCOUNT, VM_LOCKED, VM_SEALED } from './vm-flags.ts';
import type { Vma } from './vma.ts';
import { maySplit, splitVmaUnchecked, unlinkVma } from './vma-split.ts';

/**
 * Removes every mapping of a byte range; holes are fine (do_vmi_munmap).
 *
 * @returns 0; -EINVAL (start within a page, no length, outside of user space), -ENOMEM (cutting a mapping in three at
 * vm.max_map_count), -EPERM (a sealed mapping); -EINVAL also for a part of a special mapping, which is never cut, and for a
 * part of a huge page
 */
export function munmap(context: AddressSpaceContext, mm: Mm, start: number, length: number): number {
  if (start % PAGE_SIZE !== 0 || start > TASK_SIZE || length > TASK_SIZE - start) return -EINVAL;
  const pages = Math.ceil(length / PAGE_SIZE);
  if (pages === 0) return -EINVAL;
  const first = start / PAGE_SIZE;
  return unmapPages(context, mm, vpn(first), vpn(first + pages));
}

/** Removes the mappings of [start, end) (do_vmi_align_munmap): 0, -ENOMEM or -EPERM. */
export function unmapPages(context: AddressSpaceContext, mm: Mm, start: Vpn, end: Vpn): number {
  const gathered = gather(context, mm, start, end);
  if (typeof gathered === 'number') return gathered;
  removeVmas(context, mm, gathered);
  return 0;
}

/** Cuts at the ends of [start, end) and lists the mappings within (vms_gather_munmap_vmas). They stay mapped. */
export function gather(context: AddressSpaceContext, mm: Mm, start: Vpn, end: Vpn): Vma[] | number {
  const first = mm.vmas.intersection(start, end);
  if (first === undefined) return [];
  if (start > first.start) {
    // One mapping in place of one may be cut off at the limit, two may not.
    if (end < first.end && mm.vmas.count >= context.params.maxMapCount) return -ENOMEM;
    if ((first.flags & VM_SEALED) !== 0) return -EPERM;
    if (!maySplit(first, start)) return -EINVAL;
    splitVmaUnchecked(context, first, start, 'upper');
  }
  const gathered: Vma[] = [];
  for (let vma = mm.vmas.intersection(start, end); vma !== undefined; ) {
    if ((vma.flags & VM_SEALED) !== 0) return -EPERM;
    if (vma.end > end) {
      if (!maySplit(vma, end)) return -EINVAL;
      splitVmaUnchecked(context, vma, end, 'lower');
    }
    gathered.push(vma);
    vma = mm.vmas.intersection(vma.end, end);
  }
  return gathered;
}

/** Unmaps the pages of neighbouring mappings, frees their page tables and forgets them (vms_complete_munmap_vmas). */
export function removeVmas(context: AddressSpaceContext, mm: Mm, vmas: readonly Vma[]): void {
  const lowest = vmas[0];
  const highest = vmas.at(-1);
  if (lowest === undefined || highest === undefined) return;
  noteHighWater(mm);
  for (const vma of vmas) context.pages.zap(vma, vma.start, vma.end, true);
  const floor = mm.vmas.prev(lowest)?.end ?? 0;
  const ceiling = mm.vmas.next(highest)?.start ?? TABLES_CEILING;
  freePageTables(context, mm, vmas, floor, ceiling);
  let accounted = 0;
  for (const vma of vmas) {
    if ((vma.flags & VM_LOCKED) !== 0) mm.lockedVm -= vma.pages;
    if ((vma.flags & VM_ACCOUNT) !== 0) accounted += vma.pages;
    accountSizes(mm, vma.flags, -vma.pages);
    unlinkVma(context, vma);
  }
  context.commitments.release(accounted);
}

/** Frees tables that no other mapping needs, those of mappings within 2 MiB of each other together (free_pgtables). */
function freePageTables(
  context: AddressSpaceContext,
  mm: Mm,
  vmas: readonly Vma[],
  floor: number,
  ceiling: number,
): void {
  for (let at = 0; at < vmas.length; ) {
    const group = vmas[at] as Vma;
    let last = group;
    let next = vmas[++at];
    while (next !== undefined && next.start <= last.end + TABLE_PAGES) {
      last = next;
      next = vmas[++at];
    }
    context.pages.freeTables(mm, group.start, last.end, floor, next?.start ?? ceiling);
  }
}
