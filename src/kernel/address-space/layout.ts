/**
 * Where things lie in an x86-64 address space (arch/x86/include/asm/page_64_types.h, processor.h; arch/x86/mm/mmap.c).
 * Page numbers, unless a name says otherwise.
 */
import { PAGE_SIZE, type Vpn, vpn } from '../../hardware/units.ts';

/** One page short of 2^47: the last page is never mapped, a workaround for a bug of old processors. */
export const TASK_SIZE = 0x7ffffffff000;
export const TASK_PAGES: number = TASK_SIZE / PAGE_SIZE;
/** Tables above the last mapping may be freed up to here (USER_PGTABLES_CEILING). */
export const TABLES_CEILING: number = TASK_PAGES + 1;
/** Pages that one last-level table maps: 2 MiB. */
export const TABLE_PAGES = 512;
/** Where the bottom-up search begins (TASK_UNMAPPED_BASE). */
export const LEGACY_BASE: number = Math.ceil(TASK_SIZE / 3 / PAGE_SIZE);
/** MAP_32BIT: the second GiB. */
export const LOW_2G_START: number = 0x40000000 / PAGE_SIZE;
export const LOW_2G_END: number = 0x80000000 / PAGE_SIZE;
/** Pages kept free below a mapping that grows down (stack_guard_gap). */
export const STACK_GUARD_GAP = 256;

const MIN_STACK_GAP = 128 * 2 ** 20;
/** A random stack top lies up to this far below the highest one (stack_maxrandom_size). */
const STACK_MAX_RANDOM: number = 0x3fffff * PAGE_SIZE;

/**
 * Where the top-down search begins (mmap_base): below the room that the stack may take.
 *
 * @param stackLimit RLIMIT_STACK in bytes, may be infinite
 * @param randomPages 28 random bits when addresses are randomised, else undefined
 */
export function mmapBase(stackLimit: number, randomPages?: number): Vpn {
  const pad = (randomPages === undefined ? 0 : STACK_MAX_RANDOM) + STACK_GUARD_GAP * PAGE_SIZE;
  const highest = Math.floor(TASK_SIZE / 6) * 5;
  const gap = Math.min(Math.max(stackLimit + pad, MIN_STACK_GAP), highest);
  return vpn(Math.ceil((TASK_SIZE - gap) / PAGE_SIZE) - (randomPages ?? 0));
}
