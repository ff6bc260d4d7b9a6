/**
 * The flags of a mapping (include/linux/mm.h). The kernel keeps some of these above bit 32; here all of them lie in one
 * int32, so VM_DROPPABLE and the like have other bit numbers than in the kernel. Names and meanings are the kernel's.
 */
import { PROT_EXEC, PROT_READ, PROT_WRITE } from '../uapi.ts';

export const VM_READ = 1 << 0;
export const VM_WRITE = 1 << 1;
export const VM_EXEC = 1 << 2;
export const VM_SHARED = 1 << 3;
/** mprotect may set VM_READ and so on: four bits above the ones they guard. */
export const VM_MAYREAD = 1 << 4;
export const VM_MAYWRITE = 1 << 5;
export const VM_MAYEXEC = 1 << 6;
export const VM_MAYSHARE = 1 << 7;
export const VM_GROWSDOWN = 1 << 8;
/** Raw frames without a struct page, as the vdso's data pages. */
export const VM_PFNMAP = 1 << 9;
export const VM_LOCKED = 1 << 10;
/** Locked pages are faulted in one by one, not at once (MLOCK_ONFAULT). */
export const VM_LOCKONFAULT = 1 << 11;
export const VM_SEQ_READ = 1 << 12;
export const VM_RAND_READ = 1 << 13;
export const VM_DONTCOPY = 1 << 14;
/** mremap may not grow it. */
export const VM_DONTEXPAND = 1 << 15;
/** Counted in Committed_AS. */
export const VM_ACCOUNT = 1 << 16;
export const VM_NORESERVE = 1 << 17;
export const VM_HUGETLB = 1 << 18;
export const VM_WIPEONFORK = 1 << 19;
export const VM_DONTDUMP = 1 << 20;
export const VM_HUGEPAGE = 1 << 21;
export const VM_NOHUGEPAGE = 1 << 22;
export const VM_MERGEABLE = 1 << 23;
/** MAP_DROPPABLE: reclaim may forget the pages instead of swapping them. */
export const VM_DROPPABLE = 1 << 24;
/** Guard markers may be in its page tables (MADV_GUARD_INSTALL). */
export const VM_MAYBE_GUARD = 1 << 25;
export const VM_IO = 1 << 26;
/** Pages with and without a struct page, as vvar and vdso. */
export const VM_MIXEDMAP = 1 << 27;
/** The kernel forbids changes to it (vdso, vvar). */
export const VM_SEALED = 1 << 28;

export const VM_ACCESS_FLAGS: number = VM_READ | VM_WRITE | VM_EXEC;
export const VM_LOCKED_MASK: number = VM_LOCKED | VM_LOCKONFAULT;
/** Such mappings never merge. */
export const VM_SPECIAL: number = VM_IO | VM_DONTEXPAND | VM_PFNMAP | VM_MIXEDMAP;
/** The stack grows like this (arch/x86: VM_STACK_FLAGS without the access bits). */
export const VM_STACK: number = VM_GROWSDOWN;

/** PROT_READ | PROT_WRITE | PROT_EXEC to VM_* (calc_vm_prot_bits): the three have the same bits. */
export const vmProt = (prot: number): number => prot & (PROT_READ | PROT_WRITE | PROT_EXEC);
