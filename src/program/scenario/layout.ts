/**
 * What a process of a scenario looks like before its first operation: the layout of the oracle's own processes, so that
 * places, sizes and page tables agree (conformance/oracle.c; linux-facts: 40 kB of page tables, 8 mappings).
 */

/** The oracle's static program: headers, code, constants; the break begins right behind. */
export const BINARY_START = 0x400000;
export const BINARY_END = 0x415000;

/** Shared memory of all processes of a run: a slot of 512 KiB for each, then a common buffer. */
export const ARENA_START = 0x100000000000;
export const SLOT_BYTES = 0x80000;
export const SLOTS = 24;
/** The buffer that read and write use unless told otherwise: 2 MiB, locked and touched. */
export const SCRATCH: number = ARENA_START + SLOTS * SLOT_BYTES;
export const SCRATCH_BYTES = 0x200000;
export const ARENA_END: number = SCRATCH + SCRATCH_BYTES;
/** Bytes of a slot that a process really touches: stacks, results, and two work arrays. */
export const SLOT_USED_BYTES = 0x70000;
