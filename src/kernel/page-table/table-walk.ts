/**
 * Reading page tables: where the entry of a page stands, and the entries of a range in order (mm/pagewalk.c).
 *
 * A place of an entry is one number, `slot` = table frame * 512 + index (exact in a double), or -1 where no table is. An
 * entry of the second or third level may be a leaf: with PTE_HUGE it maps 2 MiB or 1 GiB itself.
 */
import { entryFrame, PTE_HUGE, PTE_PRESENT } from '../../hardware/paging/entry.ts';
import type { PhysicalMemory } from '../../hardware/physical-memory.ts';
import { ENTRIES_PER_TABLE, type Pfn, type Vpn, vpn } from '../../hardware/units.ts';
import type { Mm } from '../address-space/mm.ts';

/** Pages of 4 KiB that a leaf of the second level (PMD) and of the third (PUD) maps. */
export const PMD_PAGES: number = ENTRIES_PER_TABLE;
export const PUD_PAGES: number = ENTRIES_PER_TABLE ** 2;
/** Levels of directories that can hold leaves. */
export const PMD_LEVEL = 2;
export const PUD_LEVEL = 3;

const LOW_18: number = PUD_PAGES - 1;

/** The part [firstPage, firstPage + count) of a last-level table, its first entry at `firstSlot`. */
export type TableVisit = (firstSlot: number, firstPage: Vpn, count: number) => void;
/** A leaf at `slot`, which maps `pages` pages from `firstPage` on; all of it, even if the range ends within. */
export type LeafVisit = (slot: number, firstPage: Vpn, pages: number) => void;

export class TableWalk {
  protected readonly memory: PhysicalMemory;
  /** 4, or 5 with the la57 option. */
  readonly levels: number;
  /** After `findEntry`: how many pages the entry maps, 1 where it is not a leaf. */
  leafPages = 1;

  constructor(memory: PhysicalMemory, levels: number) {
    this.memory = memory;
    this.levels = levels;
  }

  lo(slot: number): number {
    return this.memory.lo(Math.floor(slot / ENTRIES_PER_TABLE) as Pfn, slot % ENTRIES_PER_TABLE);
  }

  hi(slot: number): number {
    return this.memory.hi(Math.floor(slot / ENTRIES_PER_TABLE) as Pfn, slot % ENTRIES_PER_TABLE);
  }

  set(slot: number, lo: number, hi: number): void {
    this.memory.write(Math.floor(slot / ENTRIES_PER_TABLE) as Pfn, slot % ENTRIES_PER_TABLE, lo, hi);
  }

  clear(slot: number): void {
    this.set(slot, 0, 0);
  }

  /** Whether an entry that `findEntry` or `findDirectory` found maps a huge page. */
  isLeaf(slot: number): boolean {
    return (this.lo(slot) & PTE_HUGE) !== 0;
  }

  /** The slot of a page's entry, or -1 when a table on the way is missing or a huge page is in its place. */
  find(mm: Mm, page: Vpn): number {
    const memory = this.memory;
    const high = Math.floor(page / (1 << 18));
    const low = page & LOW_18;
    let table = mm.pgd;
    for (let shift = 9 * (this.levels - 3); shift >= 0; shift -= 9) {
      const index = (high >>> shift) & 511;
      const lo = memory.lo(table, index);
      if ((lo & (PTE_PRESENT | PTE_HUGE)) !== PTE_PRESENT) return -1;
      table = entryFrame(lo, memory.hi(table, index));
    }
    const lo = memory.lo(table, low >>> 9);
    if ((lo & (PTE_PRESENT | PTE_HUGE)) !== PTE_PRESENT) return -1;
    return entryFrame(lo, memory.hi(table, low >>> 9)) * ENTRIES_PER_TABLE + (low & 511);
  }

  /**
   * The slot of the entry that speaks for a page, of the last level or a leaf above it, or -1 when there is no table
   * for it. `leafPages` then says which.
   */
  findEntry(mm: Mm, page: Vpn): number {
    const slot = this.find(mm, page);
    this.leafPages = 1;
    return slot >= 0 ? slot : this.findLeaf(mm, page);
  }

  /** The slot of the leaf that maps a page, or -1. `leafPages` then says how large it is. */
  findLeaf(mm: Mm, page: Vpn): number {
    for (let level = PUD_LEVEL; level >= PMD_LEVEL; level--) {
      const slot = this.findDirectory(mm, page, level);
      if (slot < 0 || !this.isLeaf(slot)) continue;
      this.leafPages = level === PUD_LEVEL ? PUD_PAGES : PMD_PAGES;
      return slot;
    }
    return -1;
  }

  /**
   * The slot of a page's entry in a directory of `level`, whatever stands there; -1 when that directory is missing, or a
   * larger leaf is in its place.
   */
  findDirectory(mm: Mm, page: Vpn, level: number): number {
    let table = mm.pgd;
    for (let at = this.levels; ; at--) {
      const index = Math.floor(page / ENTRIES_PER_TABLE ** (at - 1)) % ENTRIES_PER_TABLE;
      if (at === level) return table * ENTRIES_PER_TABLE + index;
      const lo = this.memory.lo(table, index);
      if ((lo & (PTE_PRESENT | PTE_HUGE)) !== PTE_PRESENT) return -1;
      table = entryFrame(lo, this.memory.hi(table, index));
    }
  }

  /**
   * Visits the last-level tables that exist in a range of pages, in address order, each with the part of it that lies
   * in the range, and the leaves. A leaf that its visitor has replaced by a table is then visited as that table.
   * @param leaf not given: leaves are passed over
   */
  forEachTable(mm: Mm, start: Vpn, end: Vpn, visit: TableVisit, leaf?: LeafVisit): void {
    if (start < end) this.#visit(mm.pgd, this.levels, 0, start, end, visit, leaf);
  }

  #visit(
    table: Pfn,
    level: number,
    base: number,
    start: number,
    end: number,
    visit: TableVisit,
    leaf: LeafVisit | undefined,
  ): void {
    const span = ENTRIES_PER_TABLE ** (level - 1);
    const first = Math.max(0, Math.floor((start - base) / span));
    const last = Math.min(ENTRIES_PER_TABLE - 1, Math.floor((end - 1 - base) / span));
    if (level === 1) {
      visit(table * ENTRIES_PER_TABLE + first, vpn(base + first), last - first + 1);
      return;
    }
    for (let index = first; index <= last; index++) {
      let lo = this.memory.lo(table, index);
      if ((lo & PTE_HUGE) !== 0 && leaf !== undefined) {
        leaf(table * ENTRIES_PER_TABLE + index, vpn(base + index * span), span);
        lo = this.memory.lo(table, index);
      }
      if ((lo & (PTE_PRESENT | PTE_HUGE)) !== PTE_PRESENT) continue;
      const child = entryFrame(lo, this.memory.hi(table, index));
      this.#visit(child, level - 1, base + index * span, start, end, visit, leaf);
    }
  }
}
