/**
 * What one cached translation says, packed in an int32, and the number that it is found by.
 *
 *   28......16 15..12 11 10 9 8 7 6 5..2 1 0
 *   PCID        key       size G   D      W NX
 *
 * W, D and G stand where a page-table entry has them, so they are copied with one mask.
 */
import { PTE_DIRTY, PTE_GLOBAL, PTE_WRITE } from '../paging/entry.ts';

/** Sizes of a page; the index of every per-size counter. */
export const SIZE_4K = 0;
export const SIZE_2M = 1;
export const SIZE_1G = 2;
export const PAGE_SIZE_NAMES = ['4K', '2M', '1G'] as const;
export type PageSizeName = (typeof PAGE_SIZE_NAMES)[number];
/** 4 KiB pages in a page of each size. */
export const PAGES_PER_SIZE = [1, 2 ** 9, 2 ** 18] as const;

/** Fetches are not allowed. */
export const FLAG_NX = 1 << 0;
/** The write bits of all levels, ANDed. */
export const FLAG_WRITE = PTE_WRITE;
/** The leaf's dirty bit is known to be set: a store need not walk to set it. */
export const FLAG_DIRTY = PTE_DIRTY;
export const FLAG_GLOBAL = PTE_GLOBAL;
export const FLAG_SIZE_SHIFT = 9;
export const FLAG_KEY_SHIFT = 12;
export const FLAG_PCID_SHIFT = 16;

export const sizeOf = (flags: number): number => (flags >>> FLAG_SIZE_SHIFT) & 3;
export const keyOf = (flags: number): number => (flags >>> FLAG_KEY_SHIFT) & 15;
export const pcidOf = (flags: number): number => flags >>> FLAG_PCID_SHIFT;

/**
 * A tag is page-of-that-size + PCID * stride + size * 2^51, exact in a double: virtual page numbers of the user half
 * have 35 bits with 4 levels of page tables (12 bits of PCID fit above) and 44 bits with 5 (7 bits fit). One more
 * PCID than the processor has stands for "any": global translations are tagged with it.
 */
export const SIZE_STRIDE = 2 ** 51;
export const pcidStride = (levels: number): number => (levels === 5 ? 2 ** 44 : 2 ** 36);
/** How many PCIDs can be told apart: all of the architecture's 4096, or with 5 levels the first 127. */
export const pcidCount = (levels: number): number => (levels === 5 ? 127 : 4096);

/** Access kinds, as `Cpu.access` takes them. */
export const LOAD = 0;
export const STORE = 1;
export const FETCH = 2;
