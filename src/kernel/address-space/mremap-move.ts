/** Moving a mapping to a free place (mm/mremap.c, move_vma; mm/vma.c, copy_vma). */
import { PAGE_SIZE, type Vpn, vpn } from '../../hardware/units.ts';
import { ENOMEM } from '../errno.ts';
import type { Task } from '../process/process.ts';
import { MREMAP_DONTUNMAP } from '../uapi.ts';
import type { AddressSpaceContext } from './context.ts';
import { accountSizes } from './limits.ts';
import { unmapPages } from './munmap.ts';
import { VM_ACCOUNT, VM_HUGETLB, VM_LOCKED, VM_LOCKED_MASK } from './vm-flags.ts';
import { indexOf, Vma } from './vma.ts';
import { mergeNewRange, rangeOf } from './vma-merge.ts';
import { inheritReserves, linkVma } from './vma-split.ts';

/** A range to resize or move (struct vma_remap_struct). Pages. */
export interface Remap {
  readonly start: Vpn;
  readonly oldPages: number;
  readonly newPages: number;
  readonly flags: number;
  /** Where to, with MREMAP_FIXED; a hint with MREMAP_DONTUNMAP; else without meaning. */
  readonly target: Vpn;
}

/**
 * Moves a range of a mapping to `remap.target`, which is free: a new mapping, the entries, then the old one goes, or
 * with MREMAP_DONTUNMAP stays, empty.
 *
 * @returns the byte address, or -ENOMEM
 */
export function moveMapping(context: AddressSpaceContext, task: Task, vma: Vma, remap: Remap): number {
  const { mm, process } = task;
  const { commitments } = context;
  const { start, oldPages, newPages, target, flags } = remap;
  const keepsSource = (flags & MREMAP_DONTUNMAP) !== 0;
  // The old mapping may be cut in three when it goes.
  if (mm.vmas.count >= context.params.maxMapCount - 3) return -ENOMEM;
  const charged = (vma.flags & VM_ACCOUNT) !== 0 ? (keepsSource ? newPages : newPages - oldPages) : 0;
  if (charged > 0 && !commitments.promise(process, mm, charged)) return -ENOMEM;

  const { source, copy } = copyVma(context, vma, remap);
  const moved = context.pages.move(source, start, copy, target, oldPages);
  const { hiwaterVm } = mm;
  accountSizes(mm, copy.flags, newPages);
  if ((copy.flags & VM_LOCKED) !== 0) mm.lockedVm += newPages;
  if (moved < oldPages) {
    // No memory for page tables: back again, and the new mapping goes.
    context.pages.move(copy, target, source, start, moved);
    unmapPages(context, mm, target, vpn(target + newPages));
    mm.hiwaterVm = hiwaterVm;
    return -ENOMEM;
  }
  if (source.flags & VM_HUGETLB) context.hugetlb.reservations.handedOver(source);
  if (keepsSource) leaveEmpty(context, source, copy, start, vpn(start + oldPages));
  else dropSource(context, source, start, vpn(start + oldPages));
  // Both mappings counted for a moment; that is no high-water mark.
  mm.hiwaterVm = hiwaterVm;
  return target * PAGE_SIZE;
}

/**
 * Makes the mapping at the new place, as part of a neighbour when one fits (copy_vma). Anonymous memory that has no
 * pages yet takes the index of its new place, so that it merges there; then it may even merge with its own source.
 */
function copyVma(context: AddressSpaceContext, vma: Vma, remap: Remap): { source: Vma; copy: Vma } {
  const { mm } = vma;
  const { target } = remap;
  const end = vpn(target + remap.newPages);
  const pgoff = vma.isAnonymous && vma.anonVma === undefined ? target : indexOf(vma, remap.start);
  const merged = mergeNewRange(context, { ...rangeOf(vma, target, end, vma.flags), pgoff });
  if (merged !== undefined) return { source: merged.contains(remap.start) ? merged : vma, copy: merged };
  const copy = new Vma(mm, target, end, vma.flags, pgoff, vma.file, vma.special);
  copy.anonVma = vma.anonVma;
  context.pages.cloneAnonVmas(vma, copy);
  inheritReserves(context, vma, copy);
  linkVma(context, copy);
  return { source: vma, copy };
}

/**
 * MREMAP_DONTUNMAP leaves a mapping that is not locked (dontunmap_complete). As in the kernel, its pages stay in the
 * count of locked ones, and a mapping of which only a part was moved is unlocked as a whole.
 */
function leaveEmpty(context: AddressSpaceContext, source: Vma, copy: Vma, start: Vpn, end: Vpn): void {
  source.flags &= ~VM_LOCKED_MASK;
  if (source !== copy && source.start === start && source.end === end) context.pages.unlinkAnonVmas(source);
}

/** The source goes, its promise of memory and its share of what is locked remain with the copy (unmap_source_vma). */
function dropSource(context: AddressSpaceContext, source: Vma, start: Vpn, end: Vpn): void {
  if (start === end) return;
  const { mm } = source;
  const accounted = (source.flags & VM_ACCOUNT) !== 0 ? end - start : 0;
  if (unmapPages(context, mm, start, end) === 0) context.commitments.release(-accounted);
}
