/** Whole address spaces: the mappings of a new process, and the end of all mappings (mm/mmap.c). */
import { vpn } from '../../hardware/units.ts';
import { ENOMEM } from '../errno.ts';
import type { Process } from '../process/process.ts';
import type { AddressSpaceContext } from './context.ts';
import { TASK_PAGES } from './layout.ts';
import { accountSizes } from './limits.ts';
import type { Mm } from './mm.ts';
import { gather, removeVmas } from './munmap.ts';
import { VM_ACCOUNT, VM_DONTCOPY, VM_LOCKED_MASK, VM_SEALED } from './vm-flags.ts';
import { Vma } from './vma.ts';
import { linkVma } from './vma-split.ts';

/** Gives a child's mapping its anon_vma and the parent's pages; false when there is no memory for its tables. */
export type CopyPages = (from: Vma, to: Vma) => boolean;

/**
 * Copies the mappings of an address space into an empty one (dup_mmap): all but those of MADV_DONTFORK, and none stays
 * locked. What the parent was promised is promised once more.
 *
 * @param process the one that forks: its rights count for overcommit
 * @returns 0, or -ENOMEM: then the copy holds what was copied until then, for exitMmap
 */
export function dupMmap(
  context: AddressSpaceContext,
  process: Process,
  from: Mm,
  to: Mm,
  copyPages: CopyPages,
): number {
  for (const vma of from.vmas) {
    if ((vma.flags & VM_DONTCOPY) !== 0) continue;
    if ((vma.flags & VM_ACCOUNT) !== 0 && !context.commitments.promise(process, from, vma.pages)) return -ENOMEM;
    const copy = new Vma(to, vma.start, vma.end, vma.flags & ~VM_LOCKED_MASK, vma.pgoff, vma.file, vma.special);
    accountSizes(to, copy.flags, copy.pages);
    linkVma(context, copy);
    if (!copyPages(vma, copy)) return -ENOMEM;
  }
  return 0;
}

/** Unmaps everything, what the kernel mapped too (exit_mmap). */
export function exitMmap(context: AddressSpaceContext, mm: Mm): void {
  for (const vma of mm.vmas) vma.flags &= ~VM_SEALED;
  const all = gather(context, mm, vpn(0), vpn(TASK_PAGES + 1));
  if (typeof all !== 'number') removeVmas(context, mm, all);
}
