/** madvise(2) (mm/madvise.c). */
import { PAGE_SIZE, type Vpn, vpn } from '../../hardware/units.ts';
import { EINVAL, ENOMEM, EPERM } from '../errno.ts';
import type { Task } from '../process/process.ts';
import {
  MADV_COLD,
  MADV_COLLAPSE,
  MADV_DONTFORK,
  MADV_DONTNEED,
  MADV_DONTNEED_LOCKED,
  MADV_FREE,
  MADV_GUARD_INSTALL,
  MADV_GUARD_REMOVE,
  MADV_PAGEOUT,
  MADV_POPULATE_READ,
  MADV_POPULATE_WRITE,
  MADV_REMOVE,
  MADV_WILLNEED,
  MADV_WIPEONFORK,
} from '../uapi.ts';
import type { AddressSpaceContext } from './context.ts';
import { adviseFlags, isFlagAdvice } from './madvise-flags.ts';
import {
  adviseCold,
  adviseCollapse,
  adviseDontNeed,
  adviseFree,
  adviseGuardInstall,
  adviseGuardRemove,
  advisePageOut,
  adviseRemove,
  adviseWillNeed,
} from './madvise-pages.ts';
import { VM_SEALED } from './vm-flags.ts';
import type { Vma } from './vma.ts';

/** Does one advice for a part of one mapping: 0 or a negated errno. */
type Visit = (context: AddressSpaceContext, task: Task, vma: Vma, start: Vpn, end: Vpn) => number;

const PAGE_ADVICES: ReadonlyMap<number, Visit> = new Map<number, Visit>([
  [MADV_WILLNEED, adviseWillNeed],
  [MADV_DONTNEED, adviseDontNeed(false)],
  [MADV_DONTNEED_LOCKED, adviseDontNeed(true)],
  [MADV_FREE, adviseFree],
  [MADV_REMOVE, adviseRemove],
  [MADV_COLD, adviseCold],
  [MADV_PAGEOUT, advisePageOut],
  [MADV_COLLAPSE, adviseCollapse],
  [MADV_GUARD_INSTALL, adviseGuardInstall],
  [MADV_GUARD_REMOVE, adviseGuardRemove],
]);

/** Advices that make a mapping lose what it holds (is_discard). */
const DISCARDS: ReadonlySet<number> = new Set([
  MADV_FREE,
  MADV_DONTNEED,
  MADV_DONTNEED_LOCKED,
  MADV_REMOVE,
  MADV_DONTFORK,
  MADV_WIPEONFORK,
  MADV_GUARD_INSTALL,
]);

/**
 * madvise(2). MADV_HWPOISON and MADV_SOFT_OFFLINE are unknown advices, as on a kernel without CONFIG_MEMORY_FAILURE.
 *
 * @returns 0 or a negated errno: EINVAL (an unknown advice, an address within a page, memory that the advice does not
 * fit), ENOMEM (a hole; the mappings around it were advised all the same)
 */
export function madvise(
  context: AddressSpaceContext,
  task: Task,
  address: number,
  length: number,
  advice: number,
): number {
  const populates = advice === MADV_POPULATE_READ || advice === MADV_POPULATE_WRITE;
  const visit = PAGE_ADVICES.get(advice) ?? (isFlagAdvice(advice) ? flagVisit(advice) : undefined);
  if (visit === undefined && !populates) return -EINVAL;
  if (address % PAGE_SIZE !== 0) return -EINVAL;
  const start = vpn(address / PAGE_SIZE);
  const end = vpn(start + Math.ceil(length / PAGE_SIZE));
  if (length > 2 ** 64 - PAGE_SIZE || end * PAGE_SIZE >= 2 ** 64) return -EINVAL;
  if (start === end) return 0;
  if (visit === undefined) return populate(context, task, start, end, advice === MADV_POPULATE_WRITE);
  return walk(context, task, start, end, DISCARDS.has(advice) ? unlessSealed(visit) : visit);
}

const flagVisit =
  (advice: number): Visit =>
  (context, _task, vma, start, end) =>
    adviseFlags(context, vma, start, end, advice);

/** Sealed mappings of the kernel's own pages refuse to lose anything (can_modify_vma_madv). */
const unlessSealed =
  (visit: Visit): Visit =>
  (context, task, vma, start, end) =>
    (vma.flags & VM_SEALED) !== 0 ? -EPERM : visit(context, task, vma, start, end);

/** Mapping by mapping, upwards; holes are noted and passed over (madvise_walk_vmas). */
function walk(context: AddressSpaceContext, task: Task, start: Vpn, end: Vpn, visit: Visit): number {
  const { vmas } = task.mm;
  let unmapped = 0;
  for (let at = start; at < end; ) {
    const vma = vmas.intersection(at, end);
    if (vma === undefined) return -ENOMEM;
    if (vma.start > at) unmapped = -ENOMEM;
    const from = vpn(Math.max(at, vma.start));
    const to = vpn(Math.min(end, vma.end));
    const error = visit(context, task, vma, from, to);
    if (error !== 0) return error;
    at = to;
  }
  return unmapped;
}

/** MADV_POPULATE_*: stops at the first page that cannot be had (madvise_populate). */
function populate(context: AddressSpaceContext, task: Task, start: Vpn, end: Vpn, write: boolean): number {
  const { vmas } = task.mm;
  for (let at = start; at < end; ) {
    const vma = vmas.lookup(at);
    if (vma === undefined) return -ENOMEM;
    const to = vpn(Math.min(end, vma.end));
    const error = context.pages.populateRange(task, vma, at, to, write);
    if (error !== 0) return error;
    at = to;
  }
  return 0;
}
