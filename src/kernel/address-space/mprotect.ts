/** mprotect(2) (mm/mprotect.c). */
import { PAGE_SIZE, type Vpn, vpn } from '../../hardware/units.ts';
import { EACCES, EINVAL, ENOMEM, EPERM } from '../errno.ts';
import type { Task } from '../process/process.ts';
import { PROT_EXEC, PROT_GROWSDOWN, PROT_GROWSUP, PROT_READ, PROT_WRITE } from '../uapi.ts';
import type { AddressSpaceContext } from './context.ts';
import { accountSizes, mayExpand } from './limits.ts';
import {
  VM_ACCESS_FLAGS,
  VM_ACCOUNT,
  VM_GROWSDOWN,
  VM_HUGETLB,
  VM_LOCKED,
  VM_NORESERVE,
  VM_SEALED,
  VM_SHARED,
  VM_WRITE,
  vmProt,
} from './vm-flags.ts';
import type { Vma } from './vma.ts';
import { modifyVma, setFlags } from './vma-merge.ts';

const PROT_SEM = 0x8;
/** VM_MAYREAD and so on lie four bits above what they permit. */
const MAY_SHIFT = 4;

/**
 * mprotect(2): mapping by mapping, upwards. What was changed before an error stays changed.
 *
 * @returns 0 or -EINVAL, -ENOMEM (a hole, or a limit), -EACCES (the file was not opened for it), -EPERM
 */
export function mprotect(
  context: AddressSpaceContext,
  task: Task,
  address: number,
  length: number,
  protection: number,
): number {
  const grows = protection & (PROT_GROWSDOWN | PROT_GROWSUP);
  const prot = protection & ~grows;
  if (grows === (PROT_GROWSDOWN | PROT_GROWSUP)) return -EINVAL;
  if (address % PAGE_SIZE !== 0) return -EINVAL;
  if (length === 0) return 0;
  const end = vpn(address / PAGE_SIZE + Math.ceil(length / PAGE_SIZE));
  if (length > 2 ** 64 - PAGE_SIZE || end * PAGE_SIZE >= 2 ** 64) return -ENOMEM;
  if ((prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM)) !== 0) return -EINVAL;

  const { vmas } = task.mm;
  let at = vpn(address / PAGE_SIZE);
  const first = vmas.intersection(at, end);
  if (first === undefined) return -ENOMEM;
  if (grows === PROT_GROWSDOWN) {
    // The whole stack, wherever it begins by now.
    if ((first.flags & VM_GROWSDOWN) === 0) return -EINVAL;
    at = first.start;
  } else if (first.start > at || grows === PROT_GROWSUP) {
    return grows === PROT_GROWSUP ? -EINVAL : -ENOMEM;
  }

  while (at < end) {
    const vma = vmas.lookup(at);
    if (vma === undefined) return -ENOMEM;
    const to = vpn(Math.min(vma.end, end));
    const flags = (vma.flags & ~VM_ACCESS_FLAGS) | vmProt(prot);
    if ((flags & ~(flags >> MAY_SHIFT) & VM_ACCESS_FLAGS) !== 0) return -EACCES;
    const error = protectPart(context, task, vma, at, to, flags);
    if (error !== 0) return error;
    at = to;
  }
  return 0;
}

/** Gives a part of one mapping new permissions (mprotect_fixup): 0 or a negated errno. */
function protectPart(context: AddressSpaceContext, task: Task, vma: Vma, start: Vpn, end: Vpn, wanted: number): number {
  const { mm, process } = task;
  const { commitments, pages } = context;
  const old = vma.flags;
  if ((old & VM_SEALED) !== 0) return -EPERM;
  if (wanted === old) return 0;
  const count = end - start;
  let flags = wanted;
  let charged = 0;
  if ((flags & VM_WRITE) !== 0) {
    if (!mayExpand(process, mm, flags, count) && mayExpand(process, mm, old, count)) return -ENOMEM;
    if ((old & (VM_ACCOUNT | VM_WRITE | VM_HUGETLB | VM_SHARED | VM_NORESERVE)) === 0) {
      if (!commitments.promise(process, mm, count)) return -ENOMEM;
      charged = count;
      flags |= VM_ACCOUNT;
    }
  } else if ((old & VM_ACCOUNT) !== 0 && vma.isAnonymous && vma.anonVma === undefined) {
    // No page was ever written: the promise can be taken back.
    flags &= ~VM_ACCOUNT;
  }

  const modified = modifyVma(context, vma, start, end, flags);
  if (typeof modified === 'number') {
    commitments.release(charged);
    return modified;
  }
  setFlags(modified, flags);
  pages.protect(modified, start, end);
  if ((old & VM_ACCOUNT) !== 0 && (flags & VM_ACCOUNT) === 0) commitments.release(count);
  // Locked and private: what becomes writable is copied now, so that no write faults later.
  if ((old & (VM_WRITE | VM_SHARED | VM_LOCKED)) === VM_LOCKED && (flags & VM_WRITE) !== 0)
    pages.populate(task, modified, start, end, true);
  accountSizes(mm, old, -count);
  accountSizes(mm, flags, count);
  return 0;
}
