/** Mappings come, go and are cut in two (mm/vma.c). */
import type { Vpn } from '../../hardware/units.ts';
import { EINVAL, ENOMEM } from '../errno.ts';
import type { AddressSpaceContext } from './context.ts';
import { VM_HUGETLB } from './vm-flags.ts';
import { Vma } from './vma.ts';

/** Puts a new mapping into its address space and into its file's reverse map (vma_link). */
export function linkVma(context: AddressSpaceContext, vma: Vma): void {
  vma.mm.vmas.insert(vma);
  vma.mm.onVma(vma, true);
  if (vma.file !== undefined) context.files.mapFile(vma);
}

/** Takes a mapping out of its address space and forgets it (remove_vma). Its pages must be gone or another's. */
export function unlinkVma(context: AddressSpaceContext, vma: Vma): void {
  vma.mm.vmas.remove(vma);
  vma.mm.onVma(vma, false);
  if (vma.flags & VM_HUGETLB) context.hugetlb.reservations.closed(vma);
  context.pages.unlinkAnonVmas(vma);
  if (vma.file !== undefined) context.files.unmapFile(vma);
}

/**
 * Cuts a mapping at a page inside it (__split_vma).
 *
 * @param keep which part the given object stays: the other part becomes a new mapping
 * @returns the new mapping
 */
export function splitVmaUnchecked(context: AddressSpaceContext, vma: Vma, page: Vpn, keep: 'lower' | 'upper'): Vma {
  context.pages.splitHugeAt(vma, page);
  const offset = page - vma.start;
  const [start, end] = keep === 'upper' ? [vma.start, page] : [page, vma.end];
  const pgoff = keep === 'upper' ? vma.pgoff : vma.pgoff + offset;
  const other = new Vma(vma.mm, start, end, vma.flags, pgoff, vma.file, vma.special);
  other.anonVma = vma.anonVma;
  context.pages.cloneAnonVmas(vma, other);
  inheritReserves(context, vma, other);
  if (keep === 'upper') {
    vma.mm.vmas.resize(vma, page, vma.end);
    vma.pgoff += offset;
  } else {
    vma.mm.vmas.resize(vma, vma.start, page);
  }
  linkVma(context, other);
  return other;
}

/** A mapping of huge pages that was cut from another or copied from it has its promises too (hugetlb_vm_op_open). */
export function inheritReserves(context: AddressSpaceContext, from: Vma, to: Vma): void {
  if ((from.flags & VM_HUGETLB) === 0) return;
  to.reserves = from.reserves;
  to.reservesTaken = from.reservesTaken;
  context.hugetlb.reservations.opened(to);
}

/** [vvar] and the like are never cut (special_mapping_split), huge pages only between two (hugetlb_vm_op_split). */
export const maySplit = (vma: Vma, page: Vpn): boolean =>
  vma.special === undefined && page % (vma.file?.inode.huge?.hstate.pages ?? 1) === 0;

/**
 * As splitVmaUnchecked, within vm.max_map_count (split_vma): 0 or -ENOMEM, and -EINVAL where the mapping cannot be cut.
 */
export function splitVma(context: AddressSpaceContext, vma: Vma, page: Vpn, keep: 'lower' | 'upper'): number {
  if (vma.mm.vmas.count >= context.params.maxMapCount) return -ENOMEM;
  if (!maySplit(vma, page)) return -EINVAL;
  splitVmaUnchecked(context, vma, page, keep);
  return 0;
}
