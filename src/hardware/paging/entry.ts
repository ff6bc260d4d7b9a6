/**
 * The x86-64 page-table entry, bit by bit (Intel SDM vol. 3, 4.5; AMD APM vol. 2, 5.3).
 *
 *   63 62..59 58..52 51 ................ 12 11..9 8 7 6 5 4 3 2 1 0
 *   NX  key   (soft)   frame number          soft  G S D A C T U W P
 *
 * An entry is held as two 32-bit halves, because BigInt costs ten times more (DESIGN.md). The low half has the
 * flags and bits 0-19 of the frame number, the high half the rest of the frame number and NX.
 */
import { type Pfn, pfn } from '../units.ts';

export const PTE_PRESENT = 1 << 0;
export const PTE_WRITE = 1 << 1;
export const PTE_USER = 1 << 2;
export const PTE_ACCESSED = 1 << 5;
export const PTE_DIRTY = 1 << 6;
/** In a PMD or PUD entry: this entry maps a 2 MiB or 1 GiB page. */
export const PTE_HUGE = 1 << 7;
export const PTE_GLOBAL = 1 << 8;
/** Bits 9-11 belong to the operating system. */
export const PTE_SOFT1 = 1 << 9;
export const PTE_SOFT2 = 1 << 10;
export const PTE_SOFT3 = 1 << 11;
/** In the high half: instruction fetches are not allowed. */
export const PTE_HI_NX = 1 << 31;
/** In the high half: bits 62..59, the protection key. */
export const PTE_HI_PKEY_SHIFT = 27;
export const PTE_HI_PKEY_MASK = 0xf << PTE_HI_PKEY_SHIFT;

export const PTE_LO_FLAGS = 0xfff;
const HI_FRAME = 0xfffff;

/** The frame that an entry points to. Frames are below 2^31 in this machine. */
export const entryFrame = (lo: number, hi: number): Pfn => pfn((lo >>> 12) | ((hi & HI_FRAME) << 20));
/** The low half of an entry for a frame: frame bits 0-19 and flags. */
export const entryLo = (frame: Pfn, flags: number): number => (frame << 12) | flags;
/** The high half: frame bits 20 and up, NX and key. */
export const entryHi = (frame: Pfn, hiFlags: number): number => (frame >>> 20) | hiFlags;

/** The page-fault error code (SDM vol. 3, 4.7). */
export const PF_PRESENT = 1 << 0;
export const PF_WRITE = 1 << 1;
export const PF_USER = 1 << 2;
export const PF_RESERVED = 1 << 3;
export const PF_FETCH = 1 << 4;
export const PF_PROTECTION_KEY = 1 << 5;
