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
  VM_DONTEXPAND,
  VM_DROPPABLE,
  VM_HUGETLB,
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
  const unnamed = anonymous && flags & MAP_HUGETLB ? hugeFile(context, length, flags) : undefined;
  if (typeof unnamed === 'number') return unnamed;
  if (!anonymous && flags & MAP_HUGETLB && file?.inode.huge === undefined) return -EINVAL;
  const backing = unnamed ?? (anonymous ? undefined : file);
  // A length is whole huge pages (ksys_mmap_pgoff).
  const unit = (backing?.inode.huge?.hstate.pages ?? 1) * PAGE_SIZE;
  const whole = length < 0 ? length : Math.ceil(length / unit) * unit;
  const result = doMmap(context, task, address, whole, prot, flags, backing, offset / PAGE_SIZE);
  if (unnamed !== undefined) context.files.put(unnamed);
  if (isError(result)) return result;
  // What was asked for counts, not whether this kind of memory can be locked.
  const locked = ((vmFlagsOfMap(flags) | task.mm.defFlags) & VM_LOCKED) !== 0;
  const start = vpn(result / PAGE_SIZE);
  if (locked || (flags & (MAP_POPULATE | MAP_NONBLOCK)) === MAP_POPULATE)
    populatePages(context, task, start, vpn(start + Math.ceil(whole / PAGE_SIZE)), true);
  return result;
}

/** The unnamed file behind MAP_ANONYMOUS | MAP_HUGETLB, or -EINVAL for a page size without a pool. */
function hugeFile(context: AddressSpaceContext, length: number, flags: number): File | number {
  const hstate = context.hugetlb.hstateOfFlags(flags);
  if (hstate === undefined) return -EINVAL;
  const unit = hstate.pages * PAGE_SIZE;
  return context.files.hugetlbFile(hstate, Math.ceil(length / unit) * unit);
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
  const huge = file?.inode.huge === undefined ? 0 : VM_HUGETLB | VM_DONTEXPAND;
  // The books of huge pages know no overcommitment: there MAP_NORESERVE always counts.
  const honoured = huge !== 0 || context.commitments.honoursNoReserve;
  const noReserve = flags & MAP_NORESERVE && honoured ? VM_NORESERVE : 0;
  const error = mapRegion(context, task, {
    start,
    end,
    flags: kind | noReserve | huge,
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
    const vma = new Vma(mm, start, end, flags, pgoff, backing);
    const refused = flags & VM_HUGETLB ? context.hugetlb.files.mapped(vma) : 0;
    if (refused !== 0) return refused;
    linkVma(context, vma);
  }
  accountSizes(mm, flags, pages);
  if (flags & VM_LOCKED_MASK) lockNewMapping(mm.vmas.lookup(start), pages);
  return 0;
}

/** Counts a new locked mapping, unless its kind of memory cannot be locked (vma_supports_mlock). */
function lockNewMapping(vma: Vma | undefined, pages: number): void {
  if (vma === undefined) return;
  if (vma.flags & (VM_DROPPABLE | VM_HUGETLB)) vma.flags &= ~VM_LOCKED_MASK;
  else vma.mm.lockedVm += pages;
}

/** The file behind shared anonymous memory, its size promised at once unless MAP_NORESERVE (shmem_zero_setup). */
function sharedMemory(context: AddressSpaceContext, task: Task, flags: number, pages: number): File | number {
  const commit = flags & VM_NORESERVE ? 'page' : 'size';
  if (commit === 'size' && !context.commitments.promise(task.process, task.mm, pages)) return -ENOMEM;
  return context.files.shmemFile(pages * PAGE_SIZE, commit);
}
