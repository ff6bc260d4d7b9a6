/** mmap(2) (mm/mmap.c, do_mmap; mm/vma.c, mmap_region). */
import { PAGE_SIZE, type Vpn, vpn } from '../../hardware/units.ts';
import { EAGAIN, EBADF, EEXIST, EINVAL, ENOMEM, EOVERFLOW, EPERM, isError } from '../errno.ts';
import type { File } from '../page-cache/file.ts';
import type { Task } from '../process/process.ts';
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_HUGETLB,
  MAP_LOCKED,
  MAP_NONBLOCK,
  MAP_NORESERVE,
  MAP_POPULATE,
} from '../uapi.ts';
import type { AddressSpaceContext } from './context.ts';
import { accountSizes, mayExpand, mayLock, mayLockMore } from './limits.ts';
import { anonymousFlags, fileFlags, vmFlagsOfMap } from './mmap-flags.ts';
import { gather, removeVmas } from './munmap.ts';
import { isAccountable } from './overcommit.ts';
import { getUnmappedArea, roundHint } from './placement.ts';
import { populatePages } from './populate.ts';
import {
  VM_ACCOUNT,
  VM_DROPPABLE,
  VM_LOCKED,
  VM_LOCKED_MASK,
  VM_MAYEXEC,
  VM_MAYREAD,
  VM_MAYWRITE,
  VM_NORESERVE,
  VM_SHARED,
  vmProt,
} from './vm-flags.ts';
import { Vma } from './vma.ts';
import { mergeNewRange } from './vma-merge.ts';
import { linkVma } from './vma-split.ts';

const VM_MAY_ALL = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;

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
  const locked = ((vmFlagsOfMap(flags) | task.mm.defFlags) & VM_LOCKED) !== 0;
  const start = vpn(result / PAGE_SIZE);
  if (locked || (flags & (MAP_POPULATE | MAP_NONBLOCK)) === MAP_POPULATE)
    populatePages(context, task, start, vpn(start + Math.ceil(length / PAGE_SIZE)), true);
  return result;
}

/** do_mmap: everything but populating. `pgoff` in pages. */
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
  // A negative length is near 2^64 to the kernel: rounded up it is 0, or more than any address space.
  if (length < 0 || length > 2 ** 64 - PAGE_SIZE) return -ENOMEM;
  if ((pgoff + pages) * PAGE_SIZE >= 2 ** 64) return -EOVERFLOW;
  if (mm.vmas.count > maxMapCount) return -ENOMEM;

  const result = getUnmappedArea(process, mm, mmapMinAddr, { hint, pages, pgoff, flags, file });
  if (isError(result)) return result;
  const start = vpn(result / PAGE_SIZE);
  const end = vpn(start + pages);
  if (flags & MAP_FIXED_NOREPLACE && mm.vmas.intersection(start, end) !== undefined) return -EEXIST;

  const vmFlags = vmProt(prot) | vmFlagsOfMap(flags) | mm.defFlags | VM_MAY_ALL;
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

/** Puts the mapping in place of what is there, as part of a neighbour when one fits (mmap_region): 0 or negated errno. */
function mapRegion(context: AddressSpaceContext, task: Task, wanted: NewMapping): number {
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
