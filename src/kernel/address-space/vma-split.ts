/** Mappings come, go and are cut in two (mm/vma.c). */
import type { Vpn } from '../../hardware/units.ts';
import { EINVAL, ENOMEM } from '../errno.ts';
import type { AddressSpaceContext } from './context.ts';
import { Vma } from './vma.ts';

/** Puts a new mapping into its address space and into its file's reverse map (vma_link). */
export function linkVma(context: AddressSpaceContext, vma: Vma): void {
  vma.mm.vmas.insert(vma);
  if (vma.file !== undefined) context.files.mapFile(vma);
}

/** Takes a mapping out of its address space and forgets it (remove_vma). Its pages must be gone or another's. */
export function unlinkVma(context: AddressSpaceContext, vma: Vma): void {
  vma.mm.vmas.remove(vma);
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
  const offset = page - vma.start;
  const [start, end] = keep === 'upper' ? [vma.start, page] : [page, vma.end];
  const pgoff = keep === 'upper' ? vma.pgoff : vma.pgoff + offset;
  const other = new Vma(vma.mm, start, end, vma.flags, pgoff, vma.file, vma.special);
  other.anonVma = vma.anonVma;
  context.pages.cloneAnonVmas(vma, other);
  if (keep === 'upper') {
    vma.mm.vmas.resize(vma, page, vma.end);
    vma.pgoff += offset;
  } else {
    vma.mm.vmas.resize(vma, vma.start, page);
  }
  linkVma(context, other);
  return other;
}

/**
 * As splitVmaUnchecked, within vm.max_map_count (split_vma): 0 or -ENOMEM, and -EINVAL for [vvar] and the like, which
 * the kernel keeps whole (special_mapping_split).
 */
export function splitVma(context: AddressSpaceContext, vma: Vma, page: Vpn, keep: 'lower' | 'upper'): number {
  if (vma.mm.vmas.count >= context.params.maxMapCount) return -ENOMEM;
  if (vma.special !== undefined) return -EINVAL;
  splitVmaUnchecked(context, vma, page, keep);
  return 0;
}
