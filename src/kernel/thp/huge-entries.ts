/**
 * Leaves of 2 MiB in the page tables of programs: what munmap, mprotect, mremap, fork and splitting do to them
 * (mm/huge_memory.c). Each works on one leaf at `slot` that maps 512 pages from `first` on; whoever means only a part of
 * it splits it first. The pages of hugetlb have leaves too, but rules of their own.
 */
import { entryFrame, PTE_ACCESSED, PTE_DIRTY, PTE_HUGE, PTE_WRITE } from '../../hardware/paging/entry.ts';
import { ENTRIES_PER_TABLE, type Pfn, pfn, type Vpn, vpn } from '../../hardware/units.ts';
import { MM_ANONPAGES } from '../address-space/mm.ts';
import { VM_SHARED } from '../address-space/vm-flags.ts';
import { hasRecency, type Vma } from '../address-space/vma.ts';
import type { PageCore } from '../core.ts';
import { PG_DIRTY } from '../frames/frame-table.ts';
import { addRss, rssCounter } from '../page-table/rss.ts';
import { mappedHi, mappedLo, PTE_SPECIAL } from '../page-table/soft-entry.ts';
import { PMD_PAGES } from '../page-table/table-walk.ts';
import { THP_SPLIT_PMD } from '../vmstat.ts';

/** The page of 2 MiB of zeros, which costs no process memory. */
export const isHugeZero = (lo: number): boolean => (lo & PTE_SPECIAL) !== 0;

/** The first frame of the folio that a leaf maps. */
export const leafHead = (core: PageCore, slot: number): Pfn =>
  entryFrame(core.pageTables.lo(slot), core.pageTables.hi(slot));

/** One translation of 2 MiB is forgotten as one of 4 KiB is, by any address in it. */
export const flushLeaf = (core: PageCore, vma: Vma, first: Vpn): void =>
  core.tlb.flushRange(vma.mm, first, vpn(first + 1));

/**
 * Puts a page table in place of a leaf (__split_huge_pmd_locked): the table that was deposited, filled with the pages of
 * the folio, which itself stays whole. A leaf of a file is only dropped: faults bring its pages back.
 */
export function splitLeaf(core: PageCore, vma: Vma, slot: number, first: Vpn): void {
  const { pageTables, table, rmap, vmstat } = core;
  vmstat.count(THP_SPLIT_PMD);
  const lo = pageTables.lo(slot);
  const hi = pageTables.hi(slot);
  if (!isHugeZero(lo) && !table.isAnonymous(entryFrame(lo, hi))) {
    zapLeaf(core, vma, slot, first);
    return;
  }
  const child = pageTables.withdraw(slot);
  const head = isHugeZero(lo) ? core.zeroFrame : entryFrame(lo, hi);
  const step = isHugeZero(lo) ? 0 : 1;
  const flags = lo & 0xfff & ~PTE_HUGE;
  const hiFlags = hi & ~0xfffff;
  for (let i = 0; i < ENTRIES_PER_TABLE; i++) {
    const frame = head + i * step;
    pageTables.set(child * ENTRIES_PER_TABLE + i, (frame << 12) | flags, (frame >>> 20) | hiFlags);
  }
  pageTables.setTable(slot, child);
  if (step === 1) {
    if (lo & PTE_DIRTY) forEachFrame(head, (frame) => table.set(frame, PG_DIRTY));
    rmap.dropLeaf(head);
  }
  flushLeaf(core, vma, first);
}

/** Takes a whole leaf out of a mapping (zap_huge_pmd). */
export function zapLeaf(core: PageCore, vma: Vma, slot: number, first: Vpn): void {
  const { pageTables, table, rmap, lru } = core;
  const lo = pageTables.lo(slot);
  const head = leafHead(core, slot);
  pageTables.clear(slot);
  flushLeaf(core, vma, first);
  if (isHugeZero(lo)) {
    pageTables.dropDeposit(vma.mm, slot);
    return;
  }
  addRss(core, vma.mm, rssCounter(core, head), -PMD_PAGES);
  if (table.isAnonymous(head)) pageTables.dropDeposit(vma.mm, slot);
  else {
    if (lo & PTE_DIRTY) core.markDirty(head);
    if (lo & PTE_ACCESSED && hasRecency(vma)) lru.markAccessed(head);
  }
  rmap.removeLeaf(head, vma);
}

/** Gives a leaf the permissions that its mapping has now (change_huge_pmd); `writable` as for single pages. */
export function protectLeaf(core: PageCore, vma: Vma, slot: number, writable: boolean): void {
  const { pageTables } = core;
  const lo = pageTables.lo(slot);
  const head = leafHead(core, slot);
  const kept = lo & (PTE_HUGE | PTE_ACCESSED | PTE_DIRTY | PTE_SPECIAL);
  const base = mappedLo(head, vma.flags, 0) & ~PTE_WRITE & ~PTE_ACCESSED;
  pageTables.set(slot, base | kept | (writable ? PTE_WRITE : 0), mappedHi(head, vma.flags));
}

/**
 * Gives a child's mapping a leaf of its parent's (copy_huge_pmd), read-only on both sides. Leaves of files are left to
 * the child's faults. @returns false when there is no memory for the tables
 */
export function copyLeaf(core: PageCore, from: Vma, to: Vma, slot: number, first: Vpn): boolean {
  const { pageTables, rmap, table } = core;
  const lo = pageTables.lo(slot) & ~PTE_WRITE;
  const hi = pageTables.hi(slot);
  const head = entryFrame(lo, hi);
  if (!isHugeZero(lo) && (!table.isAnonymous(head) || from.flags & VM_SHARED)) return true;
  const target = pageTables.makeDirectory(to.mm, first, 2);
  if (target < 0 || !pageTables.deposit(to.mm, target)) return false;
  pageTables.set(slot, lo, hi);
  pageTables.set(target, isHugeZero(lo) ? lo : lo & ~PTE_ACCESSED, hi);
  if (isHugeZero(lo)) return true;
  rmap.shareAnonLeaf(head);
  addRss(core, to.mm, MM_ANONPAGES, PMD_PAGES);
  return true;
}

/**
 * Moves a leaf and its deposit to an empty directory entry (move_huge_pmd).
 * @returns false when there is no memory for the directory, or a table is in its place
 */
export function moveLeaf(core: PageCore, slot: number, to: Vma, newFirst: Vpn): boolean {
  const { pageTables, table } = core;
  const target = pageTables.makeDirectory(to.mm, newFirst, 2);
  if (target < 0 || pageTables.lo(target) !== 0) return false;
  const lo = pageTables.lo(slot);
  if (isHugeZero(lo) || table.isAnonymous(leafHead(core, slot)))
    pageTables.keepDeposit(target, pageTables.withdraw(slot));
  pageTables.set(target, lo, pageTables.hi(slot));
  pageTables.clear(slot);
  return true;
}

/** Splits the leaf that a border cuts, when there is one (split_huge_pmd_if_needed). */
export function splitLeafAt(core: PageCore, vma: Vma, border: Vpn): void {
  if (border % PMD_PAGES === 0) return;
  const slot = core.pageTables.findLeaf(vma.mm, border);
  if (slot >= 0 && core.pageTables.leafPages === PMD_PAGES)
    splitLeaf(core, vma, slot, vpn(border - (border % PMD_PAGES)));
}

/** The frames of a leaf, each to a visitor. */
export function forEachFrame(head: Pfn, visit: (frame: Pfn) => void): void {
  for (let i = 0; i < PMD_PAGES; i++) visit(pfn(head + i));
}
