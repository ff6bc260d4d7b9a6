/**
 * Numbers that must not be mixed up. A brand costs nothing at run time; the functions below are the only
 * places where a plain number becomes one of these.
 *
 * A user address fits 47 bits and a virtual page number 35, both exact in a double (DESIGN.md).
 */

declare const unit: unique symbol;
type Unit<Name extends string> = number & { readonly [unit]: Name };

/** A byte address as a program sees it. */
export type VirtualAddress = Unit<'virtual address'>;
/** A virtual page number: virtual address / 4096. */
export type Vpn = Unit<'virtual page number'>;
/** A frame number ("page frame number"): physical address / 4096. Below 2^31, so it fits an int32. */
export type Pfn = Unit<'page frame number'>;
/** Simulated time. */
export type Nanoseconds = Unit<'nanoseconds'>;

export const PAGE_SHIFT = 12;
export const PAGE_SIZE = 4096;
/** Entries in one page table of any level. */
export const ENTRIES_PER_TABLE = 512;

export const vpn = (n: number): Vpn => n as Vpn;
export const pfn = (n: number): Pfn => n as Pfn;
export const nanoseconds = (n: number): Nanoseconds => n as Nanoseconds;
export const virtualAddress = (n: number): VirtualAddress => n as VirtualAddress;

/** The page that holds a byte address. */
export const pageOf = (address: number): Vpn => Math.floor(address / PAGE_SIZE) as Vpn;
/** The first byte of a page. */
export const addressOf = (page: Vpn): VirtualAddress => (page * PAGE_SIZE) as VirtualAddress;
/** Pages needed for this many bytes. */
export const pagesFor = (bytes: number): number => Math.ceil(bytes / PAGE_SIZE);
