/**
 * What a fault handler answers (include/linux/mm_types.h, enum vm_fault_reason) and what it is told (enum fault_flag).
 * Answers are bits: MAJOR | RETRY means that the page had to be read and the address-space lock was let go meanwhile.
 */

/** The page is mapped now. */
export const VM_FAULT_MINOR = 0;
export const VM_FAULT_OOM = 0x1;
export const VM_FAULT_SIGBUS = 0x2;
/** The page was not in memory. */
export const VM_FAULT_MAJOR = 0x4;
export const VM_FAULT_SIGSEGV = 0x40;
/**
 * Nothing is mapped yet: look the mapping up again and fault again, with FAULT_FLAG_TRIED when MAJOR is set too. Only a
 * first attempt with FAULT_FLAG_ALLOW_RETRY gets this. A fault of a program counts once, as a major one if any attempt
 * was major; mm_populate starts from scratch, so its second attempt counts as minor.
 */
export const VM_FAULT_RETRY = 0x400;
/** No huge page was to be had: a small one must do. */
export const VM_FAULT_FALLBACK = 0x800;
export const VM_FAULT_ERROR: number = VM_FAULT_OOM | VM_FAULT_SIGBUS | VM_FAULT_SIGSEGV;

/** A store, or a fetch-and-store. */
export const FAULT_FLAG_WRITE = 0x1;
export const FAULT_FLAG_ALLOW_RETRY = 0x4;
/** The program itself made the access; the kernel, working for it, may have pages in its hands. */
export const FAULT_FLAG_USER = 0x40;
/** The second attempt. */
export const FAULT_FLAG_TRIED = 0x20;
