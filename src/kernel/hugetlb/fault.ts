/** Faults on huge pages of a pool (mm/hugetlb.c: hugetlb_fault, hugetlb_no_page, hugetlb_wp). */
import { entryFrame, PTE_ACCESSED, PTE_DIRTY, PTE_HUGE, PTE_WRITE } from '../../hardware/paging/entry.ts';
import { PAGE_SIZE, type Pfn, type Vpn, vpn } from '../../hardware/units.ts';
import { VM_MAYSHARE, VM_SHARED, VM_WRITE } from '../address-space/vm-flags.ts';
import { indexOf, pageAt, type Vma } from '../address-space/vma.ts';
import type { PageCore } from '../core.ts';
import { FAULT_FLAG_WRITE, VM_FAULT_MINOR, VM_FAULT_OOM, VM_FAULT_SIGBUS } from '../fault/outcome.ts';
import { PG_ANON_EXCLUSIVE } from '../frames/frame-table.ts';
import { isNone, mappedHi, mappedLo, WRITABLE_DIRTY } from '../page-table/soft-entry.ts';
import type { Task } from '../process/process.ts';
import { hstateOf, hugeIndex, hugeInodeOf } from './huge-inode.ts';
import type { HugePages } from './huge-pages.ts';
import type { Hugetlbfs } from './hugetlbfs.ts';
import type { Reservations } from './reservations.ts';
import type { HugeUnmap } from './unmap.ts';

/** One fault: the huge page that `slot` maps or is to map, which begins at page `first` of the mapping. */
interface HugeFault {
  readonly task: Task;
  readonly vma: Vma;
  readonly first: Vpn;
  readonly slot: number;
  readonly write: boolean;
}

export class HugeFaults {
  readonly #core: PageCore;
  readonly #pages: HugePages;
  readonly #reservations: Reservations;
  readonly #unmap: HugeUnmap;
  readonly #files: Hugetlbfs;
  readonly #log: (line: string) => void;

  constructor(
    core: PageCore,
    pages: HugePages,
    reservations: Reservations,
    unmap: HugeUnmap,
    files: Hugetlbfs,
    log: (line: string) => void,
  ) {
    this.#core = core;
    this.#pages = pages;
    this.#reservations = reservations;
    this.#unmap = unmap;
    this.#files = files;
    this.#log = log;
  }

  /** Maps the huge page around a page of a VM_HUGETLB mapping (hugetlb_fault). @returns VM_FAULT_* bits */
  fault(task: Task, vma: Vma, page: Vpn, flags: number): number {
    const { pageTables, tlb } = this.#core;
    const { pages, level } = hstateOf(vma);
    const first = vpn(page - (page % pages));
    const slot = pageTables.makeDirectory(vma.mm, first, level);
    if (slot < 0) return VM_FAULT_OOM;
    const write = (flags & FAULT_FLAG_WRITE) !== 0;
    const fault = { task, vma, first, slot, write };
    const lo = pageTables.lo(slot);
    const hi = pageTables.hi(slot);
    if (isNone(lo, hi)) return this.#noPage(fault);
    if (write && (lo & PTE_WRITE) === 0) return this.#writeProtected(fault);
    pageTables.set(slot, lo | PTE_ACCESSED | (write ? PTE_DIRTY : 0), hi);
    tlb.flushRange(vma.mm, first, vpn(first + 1));
    return VM_FAULT_MINOR;
  }

  /** Nothing is mapped: the file's page if there is one, else a new one (hugetlb_no_page). */
  #noPage(fault: HugeFault): number {
    const { vma, first, slot, task } = fault;
    if (vma.reservesTaken) {
      this.#log(`PID ${task.tid} killed due to inadequate hugepage pool`);
      return VM_FAULT_SIGBUS;
    }
    const inode = hugeInodeOf(vma);
    const { pages } = inode.hstate;
    const index = hugeIndex(vma, first);
    let head = inode.pages.get(index);
    if (head === undefined) {
      const size = vma.file?.inode.size ?? 0;
      if (index >= Math.floor(size / (pages * PAGE_SIZE))) return VM_FAULT_SIGBUS;
      const made = this.#reservations.allocate(vma, first, false);
      if (made < 0) return VM_FAULT_SIGBUS;
      head = made as Pfn;
      if (vma.file !== undefined && vma.flags & VM_MAYSHARE) this.#files.addPage(vma.file.inode, index, head);
      else {
        this.#pages.clear(head, pages);
        this.#makeAnonymous(vma, first, head);
      }
    }
    (this.#core.table.mapcount[head] as number)++;
    vma.mm.hugetlbPages += pages;
    this.#set(vma, slot, head, (vma.flags & VM_SHARED) !== 0);
    return fault.write && (vma.flags & VM_SHARED) === 0 ? this.#writeProtected(fault) : VM_FAULT_MINOR;
  }

  /** A new page of private memory has one owner (hugetlb_add_new_anon_rmap). */
  #makeAnonymous(vma: Vma, first: Vpn, head: Pfn): void {
    const { table, anonVmas } = this.#core;
    hstateOf(vma).folio(head).restoreReserve = false;
    table.mapping[head] = -anonVmas.prepare(vma).id;
    table.index[head] = indexOf(vma, first) | 0;
    table.set(head, PG_ANON_EXCLUSIVE);
  }

  /** The entry of a page; a shared mapping writes to it at once if it may write at all (make_huge_pte). */
  #set(vma: Vma, slot: number, head: Pfn, mayWrite: boolean): void {
    const writable = mayWrite && vma.flags & VM_WRITE ? WRITABLE_DIRTY : 0;
    this.#core.pageTables.set(slot, mappedLo(head, vma.flags, PTE_HUGE | writable), mappedHi(head, vma.flags));
  }

  /** A write to a page that is mapped read-only (hugetlb_wp). */
  #writeProtected(fault: HugeFault): number {
    const { vma, first, slot } = fault;
    const { table, anonVmas, pageTables } = this.#core;
    const old = entryFrame(pageTables.lo(slot), pageTables.hi(slot));
    if (vma.flags & VM_MAYSHARE) return this.#makeWritable(fault);
    const isPrivate = table.isAnonymous(old);
    if (isPrivate && table.mapcount[old] === 1) {
      if (!table.has(old, PG_ANON_EXCLUSIVE)) table.mapping[old] = -anonVmas.prepare(vma).id;
      table.set(old, PG_ANON_EXCLUSIVE);
      return this.#makeWritable(fault);
    }
    // Whoever made the mapping has used its reservation on the page that it now shares with its children.
    const isOwner = vma.reserves !== undefined && isPrivate;
    const copy = this.#reservations.allocate(vma, first, isOwner);
    if (copy >= 0) return this.#replace(fault, old, copy as Pfn);
    if (!isOwner) return VM_FAULT_SIGBUS;
    this.#takeFromChildren(vma, first, old);
    return table.mapcount[old] === 1 ? this.#writeProtected(fault) : VM_FAULT_SIGBUS;
  }

  #makeWritable({ vma, first, slot }: HugeFault): number {
    const { pageTables, tlb } = this.#core;
    const more = vma.flags & VM_WRITE ? WRITABLE_DIRTY : 0;
    pageTables.set(slot, pageTables.lo(slot) | more | PTE_ACCESSED, pageTables.hi(slot));
    tlb.flushRange(vma.mm, first, vpn(first + 1));
    return VM_FAULT_MINOR;
  }

  /** Maps the copy in place of a page that others have too. */
  #replace({ vma, first, slot }: HugeFault, old: Pfn, copy: Pfn): number {
    const { table, tlb } = this.#core;
    const { hstate } = hugeInodeOf(vma);
    this.#pages.copy(old, copy, hstate.pages);
    this.#makeAnonymous(vma, first, copy);
    table.mapcount[copy] = 1;
    this.#set(vma, slot, copy, true);
    tlb.flushRange(vma.mm, first, vpn(first + 1));
    this.#unmap.leave(hstate, old);
    return VM_FAULT_MINOR;
  }

  /**
   * The pool is empty and the owner of a private mapping must have its page: it is taken from the children that were
   * forked since, who get SIGBUS from now on (unmap_ref_private).
   */
  #takeFromChildren(vma: Vma, first: Vpn, head: Pfn): void {
    const index = indexOf(vma, first);
    const { pages } = hstateOf(vma);
    for (const other of vma.file?.inode.mappings ?? []) {
      if (other === vma || other.flags & VM_MAYSHARE || other.reserves !== undefined) continue;
      const at = pageAt(other, index);
      if (other.contains(at)) this.#unmap.range(other, at, vpn(at + pages), head);
    }
  }
}
