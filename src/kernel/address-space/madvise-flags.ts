/** Advices that only change the flags of mappings (mm/madvise.c, madvise_vma_behavior). */
import type { Vpn } from '../../hardware/units.ts';
import { EAGAIN, EINVAL, ENOMEM } from '../errno.ts';
import {
  MADV_DODUMP,
  MADV_DOFORK,
  MADV_DONTDUMP,
  MADV_DONTFORK,
  MADV_HUGEPAGE,
  MADV_KEEPONFORK,
  MADV_MERGEABLE,
  MADV_NOHUGEPAGE,
  MADV_NORMAL,
  MADV_RANDOM,
  MADV_SEQUENTIAL,
  MADV_UNMERGEABLE,
  MADV_WIPEONFORK,
} from '../uapi.ts';
import type { AddressSpaceContext } from './context.ts';
import {
  VM_DONTCOPY,
  VM_DONTDUMP,
  VM_DROPPABLE,
  VM_HUGEPAGE,
  VM_HUGETLB,
  VM_IO,
  VM_MAYSHARE,
  VM_MERGEABLE,
  VM_NOHUGEPAGE,
  VM_RAND_READ,
  VM_SEQ_READ,
  VM_SHARED,
  VM_SPECIAL,
  VM_WIPEONFORK,
} from './vm-flags.ts';
import type { Vma } from './vma.ts';
import { modifyVma, setFlags } from './vma-merge.ts';

interface FlagAdvice {
  readonly set: number;
  readonly clear: number;
  /** Whether the advice fits this mapping; true when not given. */
  readonly fits?: (vma: Vma) => boolean;
  /** Whether a mapping that it does not fit is left alone without an error. */
  readonly lenient?: boolean;
}

const READ_ORDER = VM_SEQ_READ | VM_RAND_READ;

/** What the page-merging daemon may look at (vma_ksm_compatible). */
const isKsmCompatible = (vma: Vma): boolean =>
  (vma.flags & (VM_SHARED | VM_MAYSHARE | VM_SPECIAL | VM_HUGETLB | VM_DROPPABLE)) === 0 && vma.special === undefined;

/** Huge pages of a pool are special in that they never grow, but they can be dumped. */
const isDumpable = ({ flags }: Vma): boolean =>
  (flags & VM_DROPPABLE) === 0 && ((flags & VM_HUGETLB) !== 0 || (flags & VM_SPECIAL) === 0);

const ADVICES: ReadonlyMap<number, FlagAdvice> = new Map<number, FlagAdvice>([
  [MADV_NORMAL, { set: 0, clear: READ_ORDER }],
  [MADV_SEQUENTIAL, { set: VM_SEQ_READ, clear: READ_ORDER }],
  [MADV_RANDOM, { set: VM_RAND_READ, clear: READ_ORDER }],
  [MADV_DONTFORK, { set: VM_DONTCOPY, clear: 0 }],
  [MADV_DOFORK, { set: 0, clear: VM_DONTCOPY, fits: (vma) => (vma.flags & VM_IO) === 0 }],
  [
    MADV_WIPEONFORK,
    { set: VM_WIPEONFORK, clear: 0, fits: (vma) => vma.file === undefined && (vma.flags & VM_SHARED) === 0 },
  ],
  [MADV_KEEPONFORK, { set: 0, clear: VM_WIPEONFORK, fits: (vma) => (vma.flags & VM_DROPPABLE) === 0 }],
  [MADV_DONTDUMP, { set: VM_DONTDUMP, clear: 0 }],
  [MADV_DODUMP, { set: 0, clear: VM_DONTDUMP, fits: (vma) => isDumpable(vma) }],
  [MADV_MERGEABLE, { set: VM_MERGEABLE, clear: 0, fits: isKsmCompatible, lenient: true }],
  [MADV_UNMERGEABLE, { set: 0, clear: VM_MERGEABLE }],
  [MADV_HUGEPAGE, { set: VM_HUGEPAGE, clear: VM_NOHUGEPAGE }],
  [MADV_NOHUGEPAGE, { set: VM_NOHUGEPAGE, clear: VM_HUGEPAGE }],
]);

export const isFlagAdvice = (advice: number): boolean => ADVICES.has(advice);

/** Changes the flags of a part of one mapping: 0, -EINVAL, or -EAGAIN at vm.max_map_count. */
export function adviseFlags(context: AddressSpaceContext, vma: Vma, start: Vpn, end: Vpn, advice: number): number {
  const change = ADVICES.get(advice);
  if (change === undefined) return -EINVAL;
  if (change.fits !== undefined && !change.fits(vma)) return change.lenient ? 0 : -EINVAL;
  const flags = (vma.flags & ~change.clear) | change.set;
  if (flags === vma.flags) return 0;
  const modified = modifyVma(context, vma, start, end, flags);
  if (typeof modified === 'number') return modified === -ENOMEM ? -EAGAIN : modified;
  setFlags(modified, flags);
  if (advice === MADV_HUGEPAGE) context.advice.enterKhugepaged(modified);
  return 0;
}
