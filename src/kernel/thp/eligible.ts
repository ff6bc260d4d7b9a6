/** Which orders of huge pages a mapping may have (thp_vma_allowable_orders, include/linux/huge_mm.h and mm/huge_memory.c). */
import type { Vpn } from '../../hardware/units.ts';
import { VM_HUGEPAGE, VM_HUGETLB, VM_NOHUGEPAGE, VM_SPECIAL } from '../address-space/vm-flags.ts';
import type { Vma } from '../address-space/vma.ts';
import { LEAST_ORDER, orderAllowed, PMD_ORDER, type ThpSettings } from './settings.ts';

/** Who asks (enum tva_type). */
export const TVA_PAGEFAULT = 0;
export const TVA_SMAPS = 1;
export const TVA_KHUGEPAGED = 2;
/** MADV_COLLAPSE, which the switches do not concern. */
export const TVA_FORCED_COLLAPSE = 3;

/** Turned off for the mapping by MADV_NOHUGEPAGE or for the process by prctl (vma_thp_disabled). */
export const isThpDisabled = (vma: Vma): boolean => (vma.flags & VM_NOHUGEPAGE) !== 0 || vma.mm.thpDisabled;

/** Whether the aligned block of an order around a page lies in the mapping, and in line with its file (thp_vma_suitable_order). */
export function isSuitable(vma: Vma, page: number, order: number): boolean {
  const pages = 1 << order;
  if (!vma.isAnonymous && (vma.start - vma.pgoff) % pages !== 0) return false;
  const first = page - (page % pages);
  return first >= vma.start && first + pages <= vma.end;
}

/** Whether an anonymous mapping may have pages of 2^order. */
export function isAllowed(settings: ThpSettings, vma: Vma, order: number, asker: number): boolean {
  if (!vma.isAnonymous || order < LEAST_ORDER) return false;
  const advised = (vma.flags & VM_HUGEPAGE) !== 0;
  if (asker !== TVA_FORCED_COLLAPSE && !orderAllowed(settings, order, advised)) return false;
  if (isThpDisabled(vma)) return false;
  if (asker === TVA_PAGEFAULT) return true;
  if (asker !== TVA_SMAPS && (vma.flags & (VM_SPECIAL | VM_HUGETLB)) !== 0) return false;
  if (!isSuitable(vma, vma.end - (1 << order), order)) return false;
  return asker === TVA_SMAPS || vma.anonVma !== undefined;
}

/** What `THPeligible` of smaps says: whether pages of any size could be had. */
export function isEligible(settings: ThpSettings, vma: Vma): boolean {
  for (let order = PMD_ORDER; order >= LEAST_ORDER; order--)
    if (isAllowed(settings, vma, order, TVA_SMAPS)) return true;
  return false;
}

/** The aligned 2 MiB that hold a page. */
export const blockStart = (page: number): Vpn => (page - (page % (1 << PMD_ORDER))) as Vpn;
