/** Advices that do something to pages (mm/madvise.c). Each takes a part of one mapping and returns 0 or a negated errno. */
import { PAGE_SIZE, type Vpn, vpn } from '../../hardware/units.ts';
import { EACCES, EINVAL } from '../errno.ts';
import type { Task } from '../process/process.ts';
import type { AddressSpaceContext } from './context.ts';
import { VM_HUGETLB, VM_LOCKED, VM_MAYBE_GUARD, VM_MAYWRITE, VM_PFNMAP, VM_SHARED, VM_SPECIAL } from './vm-flags.ts';
import { indexOf, type Vma } from './vma.ts';

/** Reads pages in before they are used (madvise_willneed). */
export function adviseWillNeed(context: AddressSpaceContext, task: Task, vma: Vma, start: Vpn, end: Vpn): number {
  const { file } = vma;
  if (file?.inode.huge !== undefined) return 0;
  if (file === undefined) context.advice.swapin(task, vma, start, end);
  else if (file.inode.kind === 'shmem') context.advice.swapinShared(task, vma, start, end);
  else context.files.willneed(task, file, indexOf(vma, start) * PAGE_SIZE, (end - start) * PAGE_SIZE);
  return 0;
}

/** Forgets pages: private memory reads as zero or as the file again (madvise_dontneed_single_vma). */
export const adviseDontNeed =
  (evenLocked: boolean) =>
  (context: AddressSpaceContext, _task: Task, vma: Vma, start: Vpn, end: Vpn): number => {
    const huge = vma.file?.inode.huge?.hstate.pages;
    if (huge !== undefined) {
      // Whole huge pages only: a length that ends within one spares it (madvise_dontneed_free_valid_vma).
      if (start % huge !== 0) return -EINVAL;
      context.pages.zap(vma, start, vpn(end - (end % huge)), false);
      return 0;
    }
    const forbidden = VM_PFNMAP | (evenLocked ? 0 : VM_LOCKED);
    if ((vma.flags & forbidden) !== 0) return -EINVAL;
    context.pages.zap(vma, start, end, false);
    context.advice.reclaimTables(vma.mm, start, end);
    return 0;
  };

/** Pages may be forgotten when memory is short, until they are written again (madvise_free_single_vma). */
export function adviseFree(context: AddressSpaceContext, _task: Task, vma: Vma, start: Vpn, end: Vpn): number {
  if ((vma.flags & (VM_PFNMAP | VM_LOCKED)) !== 0 || !vma.isAnonymous) return -EINVAL;
  context.advice.free(vma, start, end);
  return 0;
}

/** Punches a hole into shared memory or a file: the pages go for everyone (madvise_remove). */
export function adviseRemove(context: AddressSpaceContext, task: Task, vma: Vma, start: Vpn, end: Vpn): number {
  if ((vma.flags & VM_LOCKED) !== 0 || vma.file === undefined) return -EINVAL;
  if ((vma.flags & (VM_SHARED | VM_MAYWRITE)) !== (VM_SHARED | VM_MAYWRITE)) return -EACCES;
  return context.files.punchHole(task, vma.file, indexOf(vma, start) * PAGE_SIZE, (end - start) * PAGE_SIZE);
}

/** Memory whose place on the LRU lists may be changed (can_madv_lru_vma). */
const hasLruPages = (vma: Vma): boolean => (vma.flags & (VM_LOCKED | VM_PFNMAP | VM_HUGETLB)) === 0;

export function adviseCold(context: AddressSpaceContext, _task: Task, vma: Vma, start: Vpn, end: Vpn): number {
  if (!hasLruPages(vma)) return -EINVAL;
  context.advice.cold(vma, start, end);
  return 0;
}

export function advisePageOut(context: AddressSpaceContext, task: Task, vma: Vma, start: Vpn, end: Vpn): number {
  if (!hasLruPages(vma)) return -EINVAL;
  context.advice.pageout(task, vma, start, end);
  return 0;
}

/** Makes huge pages of the whole blocks of 2 MiB in the range now (madvise_collapse). */
export function adviseCollapse(context: AddressSpaceContext, task: Task, vma: Vma, start: Vpn, end: Vpn): number {
  return context.advice.collapse(task, vma, start, end);
}

/** Makes pages fault for ever, without a mapping of their own (madvise_guard_install). */
export function adviseGuardInstall(context: AddressSpaceContext, _task: Task, vma: Vma, start: Vpn, end: Vpn): number {
  if ((vma.flags & (VM_SPECIAL | VM_HUGETLB | VM_LOCKED)) !== 0) return -EINVAL;
  vma.flags |= VM_MAYBE_GUARD;
  // So that a fork copies the markers.
  if (vma.isAnonymous) context.pages.prepareAnonVma(vma);
  return context.advice.guardInstall(vma, start, end);
}

export function adviseGuardRemove(context: AddressSpaceContext, _task: Task, vma: Vma, start: Vpn, end: Vpn): number {
  if ((vma.flags & (VM_SPECIAL | VM_HUGETLB)) !== 0) return -EINVAL;
  context.advice.guardRemove(vma, start, end);
  return 0;
}
