/** What the words of a scenario mean to a system call. */
import * as uapi from '../../kernel/uapi.ts';
import type { Words } from './words.ts';

/** MAP_HUGETLB with 2 MiB pages: the page size's logarithm lies above bit 26. */
const MAP_HUGE_2MB = uapi.MAP_HUGETLB | (21 << 26);

export const MAP_FLAGS: ReadonlyMap<string, number> = new Map([
  ['private', uapi.MAP_PRIVATE],
  ['shared', uapi.MAP_SHARED],
  ['shared_validate', uapi.MAP_SHARED_VALIDATE],
  ['droppable', uapi.MAP_DROPPABLE],
  ['anon', uapi.MAP_ANONYMOUS],
  ['fixed', uapi.MAP_FIXED],
  ['fixed_noreplace', uapi.MAP_FIXED_NOREPLACE],
  ['populate', uapi.MAP_POPULATE],
  ['noreserve', uapi.MAP_NORESERVE],
  ['hugetlb', MAP_HUGE_2MB],
  ['growsdown', uapi.MAP_GROWSDOWN],
  ['stack', uapi.MAP_STACK],
  ['locked', uapi.MAP_LOCKED],
  ['nonblock', uapi.MAP_NONBLOCK],
]);

export const MREMAP_FLAGS: ReadonlyMap<string, number> = new Map([
  ['maymove', uapi.MREMAP_MAYMOVE],
  ['fixed', uapi.MREMAP_FIXED],
  ['dontunmap', uapi.MREMAP_DONTUNMAP],
]);

export const MSYNC_FLAGS: ReadonlyMap<string, number> = new Map([
  ['async', uapi.MS_ASYNC],
  ['invalidate', uapi.MS_INVALIDATE],
  ['sync', uapi.MS_SYNC],
]);

export const MLOCKALL_FLAGS: ReadonlyMap<string, number> = new Map([
  ['current', uapi.MCL_CURRENT],
  ['future', uapi.MCL_FUTURE],
  ['onfault', uapi.MCL_ONFAULT],
]);

export const OPEN_FLAGS: ReadonlyMap<string, number> = new Map([
  ['r', uapi.O_RDONLY],
  ['w', uapi.O_WRONLY],
  ['rw', uapi.O_RDWR],
  ['creat', uapi.O_CREAT],
  ['trunc', uapi.O_TRUNC],
  ['direct', uapi.O_DIRECT],
  ['sync', uapi.O_SYNC],
  ['append', uapi.O_APPEND],
]);

export const ADVICE: ReadonlyMap<string, number> = new Map([
  ['normal', uapi.MADV_NORMAL],
  ['random', uapi.MADV_RANDOM],
  ['sequential', uapi.MADV_SEQUENTIAL],
  ['willneed', uapi.MADV_WILLNEED],
  ['dontneed', uapi.MADV_DONTNEED],
  ['free', uapi.MADV_FREE],
  ['remove', uapi.MADV_REMOVE],
  ['dontfork', uapi.MADV_DONTFORK],
  ['dofork', uapi.MADV_DOFORK],
  ['mergeable', uapi.MADV_MERGEABLE],
  ['unmergeable', uapi.MADV_UNMERGEABLE],
  ['hugepage', uapi.MADV_HUGEPAGE],
  ['nohugepage', uapi.MADV_NOHUGEPAGE],
  ['dontdump', uapi.MADV_DONTDUMP],
  ['dodump', uapi.MADV_DODUMP],
  ['wipeonfork', uapi.MADV_WIPEONFORK],
  ['keeponfork', uapi.MADV_KEEPONFORK],
  ['cold', uapi.MADV_COLD],
  ['pageout', uapi.MADV_PAGEOUT],
  ['populate_read', uapi.MADV_POPULATE_READ],
  ['populate_write', uapi.MADV_POPULATE_WRITE],
  ['dontneed_locked', uapi.MADV_DONTNEED_LOCKED],
  ['collapse', uapi.MADV_COLLAPSE],
  ['hwpoison', uapi.MADV_HWPOISON],
  ['guard_install', uapi.MADV_GUARD_INSTALL],
  ['guard_remove', uapi.MADV_GUARD_REMOVE],
]);

/** POSIX_FADV_* (include/uapi/linux/fadvise.h). */
export const FILE_ADVICE: ReadonlyMap<string, number> = new Map([
  ['normal', 0],
  ['random', 1],
  ['sequential', 2],
  ['willneed', 3],
  ['dontneed', 4],
  ['noreuse', 5],
]);

export const RESOURCES: ReadonlyMap<string, number> = new Map([
  ['CPU', uapi.RLIMIT_CPU],
  ['FSIZE', uapi.RLIMIT_FSIZE],
  ['DATA', uapi.RLIMIT_DATA],
  ['STACK', uapi.RLIMIT_STACK],
  ['CORE', uapi.RLIMIT_CORE],
  ['RSS', uapi.RLIMIT_RSS],
  ['NPROC', uapi.RLIMIT_NPROC],
  ['NOFILE', uapi.RLIMIT_NOFILE],
  ['MEMLOCK', uapi.RLIMIT_MEMLOCK],
  ['AS', uapi.RLIMIT_AS],
]);

const PROTECTION: ReadonlyMap<string, number> = new Map([
  ['r', uapi.PROT_READ],
  ['w', uapi.PROT_WRITE],
  ['x', uapi.PROT_EXEC],
  ['d', uapi.PROT_GROWSDOWN],
  ['u', uapi.PROT_GROWSUP],
]);

/** `prot=rwx` letter by letter, `prot=none`; read and write when it is not given. */
export function protection(words: Words, option = 'prot'): number {
  const text = words.option(option);
  if (text === undefined) return uapi.PROT_READ | uapi.PROT_WRITE;
  if (text === 'none') return uapi.PROT_NONE;
  return [...text].reduce((bits, letter) => bits | words.choice(letter, PROTECTION, 'protection'), 0);
}

/** `flags=` of mmap. Without it a mapping is private and anonymous, whatever else is said. */
export function mapFlags(words: Words): number {
  const text = words.option('flags');
  if (text === undefined) return uapi.MAP_PRIVATE | uapi.MAP_ANONYMOUS;
  return words.bits(text, MAP_FLAGS, 'mmap flag');
}
