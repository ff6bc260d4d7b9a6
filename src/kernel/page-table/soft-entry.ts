/**
 * What the kernel writes into page-table entries: present ones with the permissions of their mapping, and not-present
 * ones that mean something to it (arch/x86/include/asm/pgtable*.h, include/linux/swapops.h).
 *
 * A not-present entry that is not all zero holds, in its low half, bits 1-5 the swap type and, from bit 11 on, the low
 * bits of the offset; the high half has the rest of the offset. Type 31 is a marker, not a swap area.
 */
import {
  entryHi,
  entryLo,
  PTE_ACCESSED,
  PTE_DIRTY,
  PTE_GLOBAL,
  PTE_HI_NX,
  PTE_HI_PKEY_SHIFT,
  PTE_PRESENT,
  PTE_SOFT1,
  PTE_USER,
  PTE_WRITE,
} from '../../hardware/paging/entry.ts';
import type { Pfn } from '../../hardware/units.ts';
import { VM_ACCESS_FLAGS, VM_EXEC, VM_READ, VM_SHARED, VM_WRITE } from '../address-space/vm-flags.ts';

/** The frame is not a page of its own that counts: the zero page (_PAGE_SPECIAL). */
export const PTE_SPECIAL: number = PTE_SOFT1;
/** Not present for the processor, though the kernel keeps the frame: a mapping without any permission. */
export const PTE_PROTNONE: number = PTE_GLOBAL;
/** The protection key that a mapping with nothing but PROT_EXEC gets (execute_only_pkey: the first free key). */
export const EXECUTE_ONLY_PKEY = 1;

const SWAP_TYPE_SHIFT = 1;
const SWAP_TYPE_MASK = 0x1f;
const MARKER_TYPE = 31;
/** PTE_MARKER_GUARD of include/linux/swapops.h, as the marker's offset. */
const GUARD_LO = (MARKER_TYPE << SWAP_TYPE_SHIFT) | (1 << 11);

export const isNone = (lo: number, hi: number): boolean => lo === 0 && hi === 0;
/** A frame is behind it: present, or kept without permission. */
export const isMapped = (lo: number): boolean =>
  (lo & PTE_PRESENT) !== 0 || (lo & (PTE_PROTNONE | PTE_USER)) === (PTE_PROTNONE | PTE_USER);
export const isGuard = (lo: number, hi: number): boolean => lo === GUARD_LO && hi === 0;
export const guardEntryLo: number = GUARD_LO;
/** Neither a frame nor nothing: a swap entry or a marker. */
export const isSwapLike = (lo: number, hi: number): boolean => !isNone(lo, hi) && !isMapped(lo);
export const isSwapEntry = (lo: number, hi: number): boolean =>
  isSwapLike(lo, hi) && ((lo >>> SWAP_TYPE_SHIFT) & SWAP_TYPE_MASK) !== MARKER_TYPE;

/** The process that swapped the page out was its only owner (pte_swp_exclusive). */
export const PTE_SWP_EXCLUSIVE = 1 << 9;
const OFFSET_SHIFT = 11;
const OFFSET_LOW_BITS = 32 - OFFSET_SHIFT;

/** Bits of a slot's number: areas of up to 256 GiB. The kernel's entries have room for more. */
const SLOT_BITS = 26;
/** Slots that an area can have. */
export const MOST_SLOTS = 2 ** SLOT_BITS;

/**
 * A place in swap as one small integer: area * 2^26 + slot. Areas are numbered from 0 to 30, slots from 1, so no entry is
 * 0 and none is negative.
 */
export const swapEntry = (area: number, slot: number): number => (area << SLOT_BITS) | slot;
export const areaOf = (entry: number): number => entry >>> SLOT_BITS;
export const slotOf = (entry: number): number => entry & (MOST_SLOTS - 1);

/** The two halves of a not-present entry that says where in swap the page is (swp_entry_to_pte). */
export const swapLo = (entry: number, flags: number): number =>
  ((slotOf(entry) % 2 ** OFFSET_LOW_BITS) << OFFSET_SHIFT) | (areaOf(entry) << SWAP_TYPE_SHIFT) | flags;
export const swapHi = (entry: number): number => Math.floor(slotOf(entry) / 2 ** OFFSET_LOW_BITS);

/** Where in swap an entry points (pte_to_swp_entry). */
export const entrySwap = (lo: number, hi: number): number =>
  swapEntry((lo >>> SWAP_TYPE_SHIFT) & SWAP_TYPE_MASK, hi * 2 ** OFFSET_LOW_BITS + (lo >>> OFFSET_SHIFT));

/** Low flags that a mapping's flags give to its entries (vm_get_page_prot, PAGE_*): private ones are not writable yet. */
export function protectionLo(vmFlags: number): number {
  if ((vmFlags & VM_ACCESS_FLAGS) === 0) return PTE_PROTNONE | PTE_USER | PTE_ACCESSED;
  const writable = (vmFlags & (VM_SHARED | VM_WRITE)) === (VM_SHARED | VM_WRITE) ? PTE_WRITE : 0;
  return PTE_PRESENT | PTE_USER | PTE_ACCESSED | writable;
}

/** High flags: no-execute, and the key of a mapping that may only be executed. */
export function protectionHi(vmFlags: number): number {
  const noExecute = vmFlags & VM_EXEC ? 0 : PTE_HI_NX;
  return isExecuteOnly(vmFlags) ? noExecute | (EXECUTE_ONLY_PKEY << PTE_HI_PKEY_SHIFT) : noExecute;
}

/** PROT_EXEC alone: a protection key keeps loads and stores out (arch_override_mprotect_pkey). */
export const isExecuteOnly = (vmFlags: number): boolean => (vmFlags & VM_ACCESS_FLAGS) === VM_EXEC;

/** Whether loads of a present entry of this mapping are possible on x86, where writable implies readable. */
export const isReadable = (vmFlags: number): boolean => (vmFlags & (VM_READ | VM_WRITE)) !== 0;

/** The low half of an entry that maps a frame for this mapping, with more flags (PTE_WRITE, PTE_DIRTY ...). */
export const mappedLo = (frame: Pfn, vmFlags: number, more: number): number =>
  entryLo(frame, protectionLo(vmFlags) | more);
export const mappedHi = (frame: Pfn, vmFlags: number): number => entryHi(frame, protectionHi(vmFlags));

/** Makes an entry writable and dirty, as a store would (pte_mkwrite, pte_mkdirty). */
export const WRITABLE_DIRTY: number = PTE_WRITE | PTE_DIRTY;
