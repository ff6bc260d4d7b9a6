/** Taking huge pages out of mappings, copying them at fork, changing and moving them (mm/hugetlb.c). */
import {
  entryFrame,
  entryHi,
  entryLo,
  PTE_ACCESSED,
  PTE_DIRTY,
  PTE_HUGE,
  PTE_WRITE,
} from '../../hardware/paging/entry.ts';
import { type Pfn, type Vpn, vpn } from '../../hardware/units.ts';
import { VM_MAYWRITE, VM_SHARED } from '../address-space/vm-flags.ts';
import type { Vma } from '../address-space/vma.ts';
import type { PageCore } from '../core.ts';
import { PG_ANON_EXCLUSIVE } from '../frames/frame-table.ts';
import { protectionHi, protectionLo } from '../page-table/soft-entry.ts';
import type { Hstate } from './hstate.ts';
import { hstateOf, hugeIndex, hugeInodeOf } from './huge-inode.ts';
import type { Reservations } from './reservations.ts';

const KEPT_FLAGS = PTE_ACCESSED | PTE_DIRTY;

/** Calls `visit` for each huge page that is mapped in a range. */
export function forEachHuge(
  core: PageCore,
  vma: Vma,
  start: Vpn,
  end: Vpn,
  visit: (slot: number, first: Vpn, head: Pfn) => void,
): void {
  const { pageTables } = core;
  const none = (): void => undefined;
  pageTables.forEachTable(vma.mm, start, end, none, (slot, first) => {
    visit(slot, first, entryFrame(pageTables.lo(slot), pageTables.hi(slot)));
  });
}

export class HugeUnmap {
  readonly #core: PageCore;
  readonly #reservations: Reservations;

  constructor(core: PageCore, reservations: Reservations) {
    this.#core = core;
    this.#reservations = reservations;
  }

  /**
   * Unmaps a range (__unmap_hugepage_range).
   * @param only just this page, for whose sake the mapping will raise SIGBUS from now on
   */
  range(vma: Vma, start: Vpn, end: Vpn, only?: Pfn): void {
    const { pageTables, table, tlb } = this.#core;
    const hstate = hstateOf(vma);
    // Given up together behind the loop, as the kernel gathers them (mmu_gather): a surplus page counts until then.
    const left: Pfn[] = [];
    forEachHuge(this.#core, vma, start, end, (slot, first, head) => {
      if (only !== undefined && head !== only) return;
      if (only !== undefined) vma.reservesTaken = true;
      pageTables.clear(slot);
      vma.mm.hugetlbPages -= hstate.pages;
      // The owner of a private mapping keeps its promise, unless the page goes out of the pool.
      if (hstate.surplus === 0 && vma.reserves !== undefined && table.isAnonymous(head)) {
        hstate.folio(head).restoreReserve = true;
        if (this.#reservations.needs(vma, first)) this.#reservations.restore(vma, first);
      }
      left.push(head);
    });
    for (const head of left) this.leave(hstate, head);
    if (left.length > 0) tlb.flushRange(vma.mm, start, end);
  }

  /** A mapping lets go of a huge page; a private one that nobody else has is free, one of a file stays there. */
  leave(hstate: Hstate, head: Pfn): void {
    const { table } = this.#core;
    const left = --(table.mapcount[head] as number);
    if (left === 0 && table.isAnonymous(head)) hstate.release(head);
  }
}

/** Gives a child's private mapping its parent's pages (copy_hugetlb_page_range). @returns false without memory for tables */
export function copyHuge(core: PageCore, from: Vma, to: Vma): boolean {
  const { pageTables, table } = core;
  const { pages, level } = hstateOf(from);
  const copies = (from.flags & (VM_SHARED | VM_MAYWRITE)) === VM_MAYWRITE;
  let outOfMemory = false;
  forEachHuge(core, from, from.start, from.end, (slot, first, head) => {
    const target = outOfMemory ? -1 : pageTables.makeDirectory(to.mm, first, level);
    if (target < 0) {
      outOfMemory = true;
      return;
    }
    const hi = pageTables.hi(slot);
    const lo = copies ? pageTables.lo(slot) & ~PTE_WRITE : pageTables.lo(slot);
    pageTables.set(slot, lo, hi);
    pageTables.set(target, lo, hi);
    (table.mapcount[head] as number)++;
    table.clear(head, PG_ANON_EXCLUSIVE);
    to.mm.hugetlbPages += pages;
  });
  return !outOfMemory;
}

/** Rewrites the entries of a range to the mapping's present flags (hugetlb_change_protection). */
export function protectHuge(core: PageCore, vma: Vma, start: Vpn, end: Vpn): void {
  const { pageTables, tlb } = core;
  let changed = false;
  forEachHuge(core, vma, start, end, (slot, _first, head) => {
    const kept = pageTables.lo(slot) & KEPT_FLAGS;
    const flags = (protectionLo(vma.flags) & ~PTE_ACCESSED) | kept | PTE_HUGE;
    pageTables.set(slot, entryLo(head, flags), entryHi(head, protectionHi(vma.flags)));
    changed = true;
  });
  if (changed) tlb.flushRange(vma.mm, start, end);
}

/**
 * Moves the entries of a range to another place (move_hugetlb_page_tables).
 * @returns pages moved; fewer than asked for when no memory was left for a table
 */
export function moveHuge(core: PageCore, from: Vma, start: Vpn, to: Vma, newStart: Vpn, pages: number): number {
  const { pageTables, tlb } = core;
  const { level } = hstateOf(from);
  let stopped = -1;
  forEachHuge(core, from, start, vpn(start + pages), (slot, first) => {
    const target = stopped < 0 ? pageTables.makeDirectory(to.mm, vpn(newStart + (first - start)), level) : -1;
    if (target < 0) {
      if (stopped < 0) stopped = first - start;
      return;
    }
    pageTables.set(target, pageTables.lo(slot), pageTables.hi(slot));
    pageTables.clear(slot);
  });
  tlb.flushRange(from.mm, start, vpn(start + pages));
  return stopped < 0 ? pages : stopped;
}

/**
 * mincore: what this mapping has mapped is resident (mincore_hugetlb). Where not even the directory for an entry is there,
 * a page of the file is (mincore_unmapped_range).
 */
export function hugeResidency(core: PageCore, vma: Vma, start: Vpn, end: Vpn, into: Uint8Array, at: number): void {
  const { pageTables } = core;
  const { hstate, pages: filePages } = hugeInodeOf(vma);
  const { pages, level } = hstate;
  for (let first: number = start - (start % pages); first < end; first += pages) {
    const slot = pageTables.findDirectory(vma.mm, vpn(first), level);
    const resident = slot < 0 ? filePages.has(hugeIndex(vma, first)) : pageTables.isLeaf(slot);
    into.fill(resident ? 1 : 0, at + Math.max(start, first) - start, at + Math.min(end, first + pages) - start);
  }
}
