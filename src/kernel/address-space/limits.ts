/** Resource limits of an address space, and the sizes that they limit (mm/mmap.c, mm/mlock.c, mm/vma.h). */
import { PAGE_SIZE } from '../../hardware/units.ts';
import type { Process } from '../process/process.ts';
import { RLIMIT_AS, RLIMIT_DATA, RLIMIT_MEMLOCK } from '../uapi.ts';
import type { Mm } from './mm.ts';
import { VM_EXEC, VM_GROWSDOWN, VM_LOCKED, VM_SHARED, VM_WRITE } from './vm-flags.ts';

/** A soft limit in whole pages. */
const limitPages = (process: Process, limit: number): number =>
  Math.floor((process.rlimits.soft[limit] as number) / PAGE_SIZE);

const isExec = (flags: number): boolean => (flags & (VM_EXEC | VM_WRITE | VM_GROWSDOWN)) === VM_EXEC;
const isStack = (flags: number): boolean => (flags & VM_GROWSDOWN) !== 0;
/** Private, writable, and not a stack: what RLIMIT_DATA counts (is_data_mapping). */
const isData = (flags: number): boolean => (flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) === VM_WRITE;

/** Adds pages of a mapping to the sizes of its address space, or with a negative number takes them off (vm_stat_account). */
export function accountSizes(mm: Mm, flags: number, pages: number): void {
  mm.totalVm += pages;
  if (isExec(flags)) mm.execVm += pages;
  else if (isStack(flags)) mm.stackVm += pages;
  else if (isData(flags)) mm.dataVm += pages;
}

/** Keeps the highest size before it shrinks (update_hiwater_vm, update_hiwater_rss). */
export function noteHighWater(mm: Mm): void {
  mm.hiwaterVm = Math.max(mm.hiwaterVm, mm.totalVm);
  mm.hiwaterRss = Math.max(mm.hiwaterRss, mm.rssPages);
}

/** Whether RLIMIT_AS and RLIMIT_DATA leave room for more pages with these flags (may_expand_vm). */
export function mayExpand(process: Process, mm: Mm, flags: number, pages: number): boolean {
  if (mm.totalVm + pages > limitPages(process, RLIMIT_AS)) return false;
  if (!isData(flags)) return true;
  const data = mm.dataVm + pages;
  if (data <= limitPages(process, RLIMIT_DATA)) return true;
  // A soft limit of 0 is Valgrind's, which does its own counting: then the hard one counts.
  const hard = Math.floor((process.rlimits.hard[RLIMIT_DATA] as number) / PAGE_SIZE);
  return process.rlimits.soft[RLIMIT_DATA] === 0 && data <= hard;
}

/** Whether the process may lock memory at all (can_do_mlock). */
export const mayLock = (process: Process): boolean =>
  process.credentials.ipcLock || process.rlimits.soft[RLIMIT_MEMLOCK] !== 0;

/** Whether RLIMIT_MEMLOCK allows this many locked pages in all. */
export const withinMemlock = (process: Process, lockedPages: number): boolean =>
  process.credentials.ipcLock || lockedPages <= limitPages(process, RLIMIT_MEMLOCK);

/** Whether more pages with these flags fit RLIMIT_MEMLOCK; unlocked ones always do (mlock_future_ok). */
export const mayLockMore = (process: Process, mm: Mm, flags: number, pages: number): boolean =>
  (flags & VM_LOCKED) === 0 || withinMemlock(process, mm.lockedVm + pages);
