/** mmap(2) (mm/mmap.c, do_mmap; mm/vma.c, mmap_region). */
import { PAGE_SIZE, type Vpn, vpn } from '../../hardware/units.ts';
import { EACCES, EAGAIN, EBADF, EEXIST, EINVAL, ENOMEM, EOPNOTSUPP, EOVERFLOW, EPERM, isError } from '../errno.ts';
import type { File } from '../page-cache/file.ts';
import type { Task } from '../process/process.ts';
import {
  MAP_32BIT,
  MAP_ANONYMOUS,
  MAP_DROPPABLE,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_GROWSDOWN,
  MAP_HUGETLB,
  MAP_LOCKED,
  MAP_NONBLOCK,
  MAP_NORESERVE,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_SHARED_VALIDATE,
  MAP_STACK,
  MAP_TYPE,
  O_ACCMODE,
  O_RDONLY,
  O_WRONLY,
  PROT_WRITE,
} from '../uapi.ts';
import type { AddressSpaceContext } from './context.ts';
import { accountSizes, mayExpand, mayLock, mayLockMore } from './limits.ts';
import { gather, removeVmas } from './munmap.ts';
import { isAccountable } from './overcommit.ts';
import { getUnmappedArea, roundHint } from './placement.ts';
import { populatePages } from './populate.ts';
import {
  VM_ACCOUNT,
  VM_DONTDUMP,
  VM_DROPPABLE,
  VM_GROWSDOWN,
  VM_LOCKED,
  VM_LOCKED_MASK,
  VM_MAYEXEC,
  VM_MAYREAD,
  VM_MAYSHARE,
  VM_MAYWRITE,
  VM_NOHUGEPAGE,
  VM_NORESERVE,
  VM_SHARED,
  VM_WIPEONFORK,
  vmProt,
} from './vm-flags.ts';
import { Vma } from './vma.ts';
import { mergeNewRange } from './vma-merge.ts';
import { linkVma } from './vma-split.ts';

const VM_MAY_ALL = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
/** MAP_DENYWRITE, MAP_EXECUTABLE, MAP_UNINITIALIZED and MAP_ABOVE4G: without effect here, but not unknown. */
const MAP_IGNORED = 0x800 | 0x1000 | 0x4000000 | 0x80;
/** MAP_SHARED ignores flags that it does not know, MAP_SHARED_VALIDATE refuses all but these (LEGACY_MAP_MASK). */
const LEGACY_MAP_MASK =
  MAP_SHARED |
  MAP_PRIVATE |
  MAP_FIXED |
  MAP_ANONYMOUS |
  MAP_IGNORED |
  MAP_GROWSDOWN |
  MAP_LOCKED |
  MAP_NORESERVE |
  MAP_POPULATE |
  MAP_NONBLOCK |
  MAP_STACK |
  MAP_HUGETLB |
  MAP_32BIT;

/** A mapping about to be made. Pages, VM_* flags. */
interface NewMapping {
  readonly start: Vpn;
  readonly end: Vpn;
  readonly flags: number;
  readonly pgoff: number;
  readonly file: File | undefined;
}

/**
 * mmap(2).
 *
 * @param address byte address: a hint, or with MAP_FIXED the place
 * @param file what the descriptor refers to, undefined for MAP_ANONYMOUS
 * @param offset bytes into the file
 * @returns the byte address, or a negated errno
 */
export function mmap(
  context: AddressSpaceContext,
  task: Task,
  address: number,
  length: number,
  prot: number,
  flags: number,
  file: File | undefined,
  offset: number,
): number {
  if (offset % PAGE_SIZE !== 0) return -EINVAL;
  const anonymous = (flags & MAP_ANONYMOUS) !== 0;
  if (!anonymous && file === undefined) return -EBADF;
  // The pool of huge pages is empty; a file of huge pages cannot be had either.
  if ((flags & MAP_HUGETLB) !== 0) return anonymous ? -ENOMEM : -EINVAL;
  const result = doMmap(context, task, address, length, prot, flags, anonymous ? undefined : file, offset / PAGE_SIZE);
  if (isError(result)) return result;
  // What was asked for counts, not whether this kind of memory can be locked.
  const locked = ((fromMapFlags(flags) | task.mm.defFlags) & VM_LOCKED) !== 0;
  const start = vpn(result / PAGE_SIZE);
  if (locked || (flags & (MAP_POPULATE | MAP_NONBLOCK)) === MAP_POPULATE)
    populatePages(context, task, start, vpn(start + Math.ceil(length / PAGE_SIZE)), true);
  return result;
}

function doMmap(
  context: AddressSpaceContext,
  task: Task,
  address: number,
  length: number,
  prot: number,
  mapFlags: number,
  file: File | undefined,
  pgoff: number,
): number {
  const { mm, process } = task;
  const { mmapMinAddr, maxMapCount } = context.params;
  if (length === 0) return -EINVAL;
  const flags = mapFlags & MAP_FIXED_NOREPLACE ? mapFlags | MAP_FIXED : mapFlags;
  const hint = flags & MAP_FIXED ? address : roundHint(address, mmapMinAddr);
  const pages = Math.ceil(length / PAGE_SIZE);
  if (length > 2 ** 64 - PAGE_SIZE) return -ENOMEM;
  if ((pgoff + pages) * PAGE_SIZE >= 2 ** 64) return -EOVERFLOW;
  if (mm.vmas.count > maxMapCount) return -ENOMEM;

  const result = getUnmappedArea(process, mm, mmapMinAddr, { hint, pages, pgoff, flags, file });
  if (isError(result)) return result;
  const start = vpn(result / PAGE_SIZE);
  const end = vpn(start + pages);
  if (flags & MAP_FIXED_NOREPLACE && mm.vmas.intersection(start, end) !== undefined) return -EEXIST;

  const vmFlags = vmProt(prot) | fromMapFlags(flags) | mm.defFlags | VM_MAY_ALL;
  if (flags & MAP_LOCKED && !mayLock(process)) return -EPERM;
  if (!mayLockMore(process, mm, vmFlags, pages)) return -EAGAIN;

  const kind =
    file === undefined ? anonymousFlags(flags, vmFlags) : fileFlags(file, prot, flags, vmFlags, pgoff, pages);
  if (isError(kind)) return kind;
  const noReserve = flags & MAP_NORESERVE && context.commitments.honoursNoReserve ? VM_NORESERVE : 0;
  const error = mapRegion(context, task, {
    start,
    end,
    flags: kind | noReserve,
    pgoff: file !== undefined ? pgoff : kind & VM_SHARED ? 0 : start,
    file,
  });
  return error !== 0 ? error : result;
}

/** calc_vm_flag_bits. MAP_STACK asks for nothing but small pages. */
const fromMapFlags = (flags: number): number =>
  (flags & MAP_GROWSDOWN ? VM_GROWSDOWN : 0) |
  (flags & MAP_LOCKED ? VM_LOCKED : 0) |
  (flags & MAP_STACK ? VM_NOHUGEPAGE : 0);

/** The flags of anonymous memory by MAP_TYPE, or -EINVAL. */
function anonymousFlags(flags: number, vmFlags: number): number {
  const type = flags & MAP_TYPE;
  if (type === MAP_PRIVATE) return vmFlags;
  if (vmFlags & VM_GROWSDOWN) return -EINVAL;
  if (type === MAP_SHARED) return vmFlags | VM_SHARED | VM_MAYSHARE;
  if (type !== MAP_DROPPABLE || flags & (MAP_LOCKED | MAP_HUGETLB)) return -EINVAL;
  // Pages that may vanish need no reserve and are worth neither copying nor dumping.
  return vmFlags | VM_DROPPABLE | VM_NORESERVE | VM_WIPEONFORK | VM_DONTDUMP;
}

/** The flags of a file mapping by MAP_TYPE and by how the file was opened, or a negated errno. */
function fileFlags(file: File, prot: number, flags: number, vmFlags: number, pgoff: number, pages: number): number {
  // file_mmap_ok: the file's offsets are signed.
  if ((pgoff + pages) * PAGE_SIZE >= 2 ** 63) return -EOVERFLOW;
  const mode = file.flags & O_ACCMODE;
  const type = flags & MAP_TYPE;
  const shared = type === MAP_SHARED || type === MAP_SHARED_VALIDATE;
  if (type === MAP_SHARED_VALIDATE && flags & ~LEGACY_MAP_MASK) return -EOPNOTSUPP;
  if (!shared && type !== MAP_PRIVATE) return -EINVAL;
  if (shared && prot & PROT_WRITE && mode === O_RDONLY) return -EACCES;
  if (mode === O_WRONLY) return -EACCES;
  if (vmFlags & VM_GROWSDOWN) return -EINVAL;
  if (!shared) return vmFlags;
  // Without write access nobody will ever write through it: it is like a private one that shows the file.
  return mode === O_RDONLY ? (vmFlags | VM_MAYSHARE) & ~VM_MAYWRITE : vmFlags | VM_SHARED | VM_MAYSHARE;
}

/** Puts the mapping in place of what is there, as part of a neighbour when one fits (mmap_region): 0 or negated errno. */
export function mapRegion(context: AddressSpaceContext, task: Task, wanted: NewMapping): number {
  const { mm, process } = task;
  const { commitments } = context;
  const { start, end } = wanted;
  const pages = end - start;
  const replaced = gather(context, mm, start, end);
  if (typeof replaced === 'number') return replaced;
  const replacedPages = replaced.reduce((sum, vma) => sum + vma.pages, 0);
  if (!mayExpand(process, mm, wanted.flags, pages - replacedPages)) return -ENOMEM;

  const accountable = isAccountable(wanted.flags);
  // What the replaced mappings had been promised goes over to the new one: it must not be refused then.
  const inherited = accountable ? replaced.reduce((sum, vma) => sum + (vma.flags & VM_ACCOUNT ? vma.pages : 0), 0) : 0;
  if (accountable && inherited < pages && !commitments.promise(process, mm, pages - inherited)) return -ENOMEM;
  const flags = accountable ? wanted.flags | VM_ACCOUNT : wanted.flags;
  commitments.release(-inherited);
  removeVmas(context, mm, replaced);

  const { pgoff, file } = wanted;
  const range = { mm, start, end, flags, pgoff, file, anonVma: undefined, source: undefined };
  if (mergeNewRange(context, range) === undefined) {
    const backing = file ?? (flags & VM_SHARED ? sharedMemory(context, task, flags, pages) : undefined);
    if (typeof backing === 'number') return backing;
    linkVma(context, new Vma(mm, start, end, flags, pgoff, backing));
  }
  accountSizes(mm, flags, pages);
  if (flags & VM_LOCKED_MASK) lockNewMapping(mm.vmas.lookup(start), pages);
  return 0;
}

/** Counts a new locked mapping, unless its kind of memory cannot be locked (vma_supports_mlock). */
function lockNewMapping(vma: Vma | undefined, pages: number): void {
  if (vma === undefined) return;
  if (vma.flags & VM_DROPPABLE) vma.flags &= ~VM_LOCKED_MASK;
  else vma.mm.lockedVm += pages;
}

/** The file behind shared anonymous memory, its size promised at once unless MAP_NORESERVE (shmem_zero_setup). */
function sharedMemory(context: AddressSpaceContext, task: Task, flags: number, pages: number): File | number {
  const commit = flags & VM_NORESERVE ? 'page' : 'size';
  if (commit === 'size' && !context.commitments.promise(task.process, task.mm, pages)) return -ENOMEM;
  return context.files.shmemFile(pages * PAGE_SIZE, commit);
}
