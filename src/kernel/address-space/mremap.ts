/** mremap(2) (mm/mremap.c). */
import { PAGE_SIZE, vpn } from '../../hardware/units.ts';
import { EAGAIN, EFAULT, EINVAL, ENOMEM, EPERM, isError } from '../errno.ts';
import type { Task } from '../process/process.ts';
import { MAP_FIXED, MAP_SHARED, MREMAP_DONTUNMAP, MREMAP_FIXED, MREMAP_MAYMOVE } from '../uapi.ts';
import type { AddressSpaceContext } from './context.ts';
import { TASK_PAGES } from './layout.ts';
import { mayExpand, mayLockMore } from './limits.ts';
import { growInPlace, isRoomBehind } from './mremap-grow.ts';
import { moveMapping, type Remap } from './mremap-move.ts';
import { munmap } from './munmap.ts';
import { getUnmappedArea } from './placement.ts';
import { populatePages } from './populate.ts';
import { VM_DONTEXPAND, VM_LOCKED, VM_MAYSHARE, VM_PFNMAP, VM_SEALED, VM_SHARED } from './vm-flags.ts';
import { indexOf, type Vma } from './vma.ts';

const impliesNewAddress = (flags: number): boolean => (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) !== 0;

/**
 * mremap(2): resizes or moves a mapping with its pages.
 *
 * @param newAddress with MREMAP_FIXED the place, with MREMAP_DONTUNMAP a hint
 * @returns the byte address, or a negated errno
 */
export function mremap(
  context: AddressSpaceContext,
  task: Task,
  address: number,
  oldLength: number,
  newLength: number,
  flags: number,
  newAddress: number,
): number {
  const { vmas } = task.mm;
  if ((flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP)) !== 0 || address % PAGE_SIZE !== 0) return -EINVAL;
  const oldPages = Math.ceil(oldLength / PAGE_SIZE);
  const newPages = Math.ceil(newLength / PAGE_SIZE);
  if (newPages === 0 || newPages > TASK_PAGES) return -EINVAL;
  if (impliesNewAddress(flags)) {
    const error = checkNewAddress(context, task, address, oldPages, newPages, flags, newAddress);
    if (error !== 0) return error;
  }
  const remap: Remap = {
    start: vpn(address / PAGE_SIZE),
    oldPages,
    newPages,
    flags,
    target: vpn(impliesNewAddress(flags) ? newAddress / PAGE_SIZE : 0),
  };
  if ((flags & MREMAP_FIXED) !== 0 && oldPages === newPages) return moveAll(context, task, remap);
  const vma = vmas.lookup(remap.start);
  if (vma === undefined) return -EFAULT;
  const locked = vma.flags & VM_LOCKED;
  const result = remapOne(context, task, vma, remap);
  // Locked memory has all its pages, those that a mapping grew by too.
  if (!isError(result) && locked !== 0 && newPages > oldPages) {
    const grown = result / PAGE_SIZE;
    populatePages(context, task, vpn(grown + oldPages), vpn(grown + newPages), true);
  }
  return result;
}

/** What must hold when a new address is given or implied (check_mremap_params). */
function checkNewAddress(
  context: AddressSpaceContext,
  task: Task,
  address: number,
  oldPages: number,
  newPages: number,
  flags: number,
  newAddress: number,
): number {
  if (newAddress > (TASK_PAGES - newPages) * PAGE_SIZE || newAddress % PAGE_SIZE !== 0) return -EINVAL;
  if ((flags & MREMAP_MAYMOVE) === 0) return -EINVAL;
  if ((flags & MREMAP_DONTUNMAP) !== 0 && oldPages !== newPages) return -EINVAL;
  const overlaps = address + oldPages * PAGE_SIZE > newAddress && newAddress + newPages * PAGE_SIZE > address;
  if (overlaps) return -EINVAL;
  // A move may cut source and target in three each: better refused now than half way.
  return task.mm.vmas.count + 2 >= context.params.maxMapCount - 3 ? -ENOMEM : 0;
}

/**
 * A move to a fixed place without a change of size may span several mappings, holes between them included (remap_move).
 * An error leaves the mappings before it moved.
 */
function moveAll(context: AddressSpaceContext, task: Task, whole: Remap): number {
  const { vmas } = task.mm;
  const end = whole.start + whole.oldPages;
  let vma = vmas.intersection(whole.start, end);
  if (vma === undefined || vma.start > whole.start) return -EFAULT;
  let result = -EFAULT;
  while (vma !== undefined) {
    const from = vpn(Math.max(vma.start, whole.start));
    const pages = Math.min(vma.end, end) - from;
    const remap = {
      ...whole,
      start: from,
      oldPages: pages,
      newPages: pages,
      target: vpn(whole.target + from - whole.start),
    };
    const moved = remapOne(context, task, vma, remap);
    if (isError(moved)) return moved;
    if (from === whole.start) result = moved;
    vma = vmas.intersection(from + pages, end);
  }
  return result;
}

/** Resizes or moves a range of one mapping: the byte address, or a negated errno. */
function remapOne(context: AddressSpaceContext, task: Task, vma: Vma, asked: Remap): number {
  if ((vma.flags & VM_SEALED) !== 0) return -EPERM;
  const remap = inHugePages(vma, asked);
  if (typeof remap === 'number') return remap;
  const error = checkMapping(task, vma, remap);
  if (error !== 0) return error;
  if (impliesNewAddress(remap.flags)) return remapTo(context, task, remap);
  const { start, oldPages, newPages } = remap;
  if (newPages > oldPages) return expand(context, task, vma, remap);
  if (newPages < oldPages) {
    const failed = munmap(context, task.mm, (start + newPages) * PAGE_SIZE, (oldPages - newPages) * PAGE_SIZE);
    if (failed !== 0) return failed;
  }
  return start * PAGE_SIZE;
}

/** In whole huge pages, where the mapping has such; their reservations cannot grow (align_hugetlb). -EINVAL otherwise */
function inHugePages(vma: Vma, remap: Remap): Remap | number {
  const unit = vma.file?.inode.huge?.hstate.pages;
  if (unit === undefined) return remap;
  const oldPages = Math.ceil(remap.oldPages / unit) * unit;
  const newPages = Math.ceil(remap.newPages / unit) * unit;
  if (remap.start % unit !== 0 || remap.target % unit !== 0 || newPages > oldPages) return -EINVAL;
  return { ...remap, oldPages, newPages };
}

/** Whether the mapping may be moved or grown (check_prep_vma): 0 or a negated errno. */
function checkMapping(task: Task, vma: Vma, { start, oldPages, newPages, flags }: Remap): number {
  if (newPages <= oldPages && !impliesNewAddress(flags)) return 0;
  if (oldPages === 0 && (vma.flags & (VM_SHARED | VM_MAYSHARE)) === 0) return -EINVAL;
  if ((flags & MREMAP_DONTUNMAP) !== 0 && (vma.flags & (VM_DONTEXPAND | VM_PFNMAP)) !== 0) return -EINVAL;
  // Shrinking first unmaps what is too much, so that only what remains must lie in this mapping.
  if (Math.min(oldPages, newPages) > vma.end - start) return -EFAULT;
  if (newPages <= oldPages) return 0;
  if ((indexOf(vma, start) + newPages) * PAGE_SIZE >= 2 ** 64) return -EINVAL;
  if ((vma.flags & (VM_DONTEXPAND | VM_PFNMAP)) !== 0) return -EFAULT;
  const delta = newPages - oldPages;
  if (!mayLockMore(task.process, task.mm, vma.flags, delta)) return -EAGAIN;
  return mayExpand(task.process, task.mm, vma.flags, delta) ? 0 : -ENOMEM;
}

/** Moves to an address that was given, or with MREMAP_DONTUNMAP to one that is free (mremap_to). */
function remapTo(context: AddressSpaceContext, task: Task, remap: Remap): number {
  const { mm, process } = task;
  const { start, oldPages, newPages, target, flags } = remap;
  if ((flags & MREMAP_FIXED) !== 0) {
    const error = munmap(context, mm, target * PAGE_SIZE, newPages * PAGE_SIZE);
    if (error !== 0) return error;
  }
  if (oldPages > newPages) {
    const error = munmap(context, mm, (start + newPages) * PAGE_SIZE, (oldPages - newPages) * PAGE_SIZE);
    if (error !== 0) return error;
  }
  // Looked up only now: what was unmapped may have been cut from it.
  const vma = mm.vmas.lookup(start);
  if (vma === undefined) return -EFAULT;
  const remaining = Math.min(oldPages, newPages);
  if ((flags & MREMAP_DONTUNMAP) !== 0 && !mayExpand(process, mm, vma.flags, remaining)) return -ENOMEM;
  return moveToFreePlace(context, task, vma, { ...remap, oldPages: remaining });
}

/** Grows in place if what lies behind is free, else moves (expand_vma). */
function expand(context: AddressSpaceContext, task: Task, vma: Vma, remap: Remap): number {
  const { start, oldPages, newPages, flags } = remap;
  const delta = newPages - oldPages;
  if (vma.end === start + oldPages && isRoomBehind(context, task, vma, delta))
    return growInPlace(context, task, vma, delta) ? start * PAGE_SIZE : -ENOMEM;
  return (flags & MREMAP_MAYMOVE) !== 0 ? moveToFreePlace(context, task, vma, remap) : -ENOMEM;
}

/** Finds the new place (vrm_set_new_addr) and moves there. */
function moveToFreePlace(context: AddressSpaceContext, task: Task, vma: Vma, remap: Remap): number {
  const { flags, start, newPages, target } = remap;
  const place = getUnmappedArea(task.process, task.mm, context.params.mmapMinAddr, {
    hint: target * PAGE_SIZE,
    pages: newPages,
    pgoff: indexOf(vma, start),
    flags: ((flags & MREMAP_FIXED) !== 0 ? MAP_FIXED : 0) | ((vma.flags & VM_MAYSHARE) !== 0 ? MAP_SHARED : 0),
    file: vma.file,
  });
  return isError(place) ? place : moveMapping(context, task, vma, { ...remap, target: vpn(place / PAGE_SIZE) });
}
