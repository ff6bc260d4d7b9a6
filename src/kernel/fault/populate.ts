/** Faulting pages in ahead of their use (mm/gup.c: populate_vma_page_range, faultin_page_range). */
import { entryFrame, PTE_ACCESSED, PTE_DIRTY, PTE_WRITE } from '../../hardware/paging/entry.ts';
import { type Pfn, pfn, type Vpn, vpn } from '../../hardware/units.ts';
import {
  VM_ACCESS_FLAGS,
  VM_HUGETLB,
  VM_IO,
  VM_LOCKONFAULT,
  VM_PFNMAP,
  VM_READ,
  VM_SHARED,
  VM_WRITE,
} from '../address-space/vm-flags.ts';
import type { Vma } from '../address-space/vma.ts';
import type { PageCore } from '../core.ts';
import { EFAULT, EINVAL, ENOMEM } from '../errno.ts';
import { PG_ACTIVE, PG_DIRTY, PG_HEAD, PG_REFERENCED, PG_TAIL } from '../frames/frame-table.ts';
import { hstateOf } from '../hugetlb/huge-inode.ts';
import { isMapped, PTE_SPECIAL } from '../page-table/soft-entry.ts';
import type { Task } from '../process/process.ts';
import type { FaultHandler } from './fault.ts';
import { VM_FAULT_OOM } from './outcome.ts';

export class Populate {
  readonly #core: PageCore;
  readonly #faults: FaultHandler;

  constructor(core: PageCore, faults: FaultHandler) {
    this.#core = core;
    this.#faults = faults;
  }

  /**
   * Faults in a part of one mapping for mlock and MAP_POPULATE (populate_vma_page_range). Private writable memory is
   * written to, so that its copy-on-write is over; shared memory is only read, so that it does not become dirty.
   * @param resumes as in FaultHandler.faultIn
   * @returns 0 or a negated errno: EFAULT without permission or beyond the file, ENOMEM without memory
   */
  vma(task: Task, vma: Vma, start: Vpn, end: Vpn, resumes: boolean): number {
    if (vma.flags & VM_LOCKONFAULT) return 0;
    const write = (vma.flags & (VM_WRITE | VM_SHARED)) === VM_WRITE;
    return this.#pages(task, vma, start, end, write, resumes);
  }

  /**
   * MADV_POPULATE_READ and MADV_POPULATE_WRITE on a part of one mapping (madvise_populate).
   * @returns 0, or EINVAL where the mapping does not allow such an access, EFAULT beyond a file's end, ENOMEM
   */
  range(task: Task, vma: Vma, start: Vpn, end: Vpn, write: boolean): number {
    const allowed = vma.flags & (write ? VM_WRITE : VM_READ);
    if (!allowed || vma.flags & (VM_IO | VM_PFNMAP)) return -EINVAL;
    return this.#pages(task, vma, start, end, write, true);
  }

  #pages(task: Task, vma: Vma, start: Vpn, end: Vpn, write: boolean, resumes: boolean): number {
    if ((vma.flags & VM_ACCESS_FLAGS) === 0 || vma.flags & (VM_IO | VM_PFNMAP)) return -EFAULT;
    if (vma.flags & VM_HUGETLB) return this.#hugePages(task, vma, start, end, write, resumes);
    const { pageTables } = this.#core;
    for (let page: number = start; page < end; page++) {
      const error = this.#page(task, vma, vpn(page), write, resumes);
      if (error !== 0) return error;
      // One huge page is one page to populate (follow_page_mask).
      if (pageTables.findEntry(vma.mm, vpn(page)) >= 0)
        page += pageTables.leafPages - 1 - (page % pageTables.leafPages);
    }
    return 0;
  }

  /** The same for huge pages of a pool: one fault each, and no list on which they could move. */
  #hugePages(task: Task, vma: Vma, start: Vpn, end: Vpn, write: boolean, resumes: boolean): number {
    const { pageTables } = this.#core;
    const { pages } = hstateOf(vma);
    for (let page: number = start; page < end; page += pages - (page % pages)) {
      const slot = pageTables.findLeaf(vma.mm, vpn(page));
      const lo = slot < 0 ? 0 : pageTables.lo(slot);
      if (isMapped(lo) && (!write || (lo & PTE_WRITE) !== 0)) continue;
      const failed = this.#faults.faultIn(task, vma, vpn(page), write, resumes);
      if (failed !== 0) return failed & VM_FAULT_OOM ? -ENOMEM : -EFAULT;
    }
    return 0;
  }

  /** The use of a page of a large anonymous folio is a use of all of it (folio_mark_accessed). */
  #markAccessed(frame: Pfn): void {
    const { table, lru } = this.#core;
    const isLarge = table.has(frame, PG_HEAD | PG_TAIL) && table.isAnonymous(frame);
    const settled = PG_ACTIVE | PG_REFERENCED;
    if (isLarge && ((table.flags[frame] as number) & settled) === settled) return;
    const first = isLarge ? table.headOf(frame) : frame;
    for (let i = isLarge ? (1 << table.order(frame)) - 1 : 0; i >= 0; i--) lru.markAccessed(pfn(first + i));
  }

  #markDirty(frame: Pfn): void {
    const { table } = this.#core;
    if (table.isAnonymous(frame)) table.set(frame, PG_DIRTY);
    else this.#core.markDirty(frame);
  }

  /** One page: faulted in unless it is there with the permission wanted, and marked as used (FOLL_TOUCH). */
  #page(task: Task, vma: Vma, page: Vpn, write: boolean, resumes: boolean): number {
    const { pageTables } = this.#core;
    let slot = pageTables.findEntry(vma.mm, page);
    let lo = slot < 0 ? 0 : pageTables.lo(slot);
    if (!isMapped(lo) || (write && (lo & PTE_WRITE) === 0)) {
      const failed = this.#faults.faultIn(task, vma, page, write, resumes);
      if (failed !== 0) return failed & VM_FAULT_OOM ? -ENOMEM : -EFAULT;
      slot = pageTables.findEntry(vma.mm, page);
      lo = slot < 0 ? 0 : pageTables.lo(slot);
    }
    if (!isMapped(lo) || lo & PTE_SPECIAL) return 0;
    if (pageTables.leafPages > 1) {
      // The entry itself is marked, and the page is not (touch_pmd).
      pageTables.set(slot, lo | PTE_ACCESSED | (write ? PTE_DIRTY : 0), pageTables.hi(slot));
      return 0;
    }
    const frame = entryFrame(lo, pageTables.hi(slot));
    // The processor wrote nothing: the page itself is marked, as if it had (follow_page_pte, FOLL_TOUCH).
    if (write && (lo & PTE_DIRTY) === 0) this.#markDirty(frame);
    this.#markAccessed(frame);
    return 0;
  }
}
