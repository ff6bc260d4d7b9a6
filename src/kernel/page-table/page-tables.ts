/**
 * The page tables as the kernel handles them: made where needed, read and written entry by entry, and given back with
 * the mappings (mm/memory.c, mm/pgalloc-track.h). The same frames are what the hardware walks.
 */
import {
  entryFrame,
  entryHi,
  entryLo,
  PTE_ACCESSED,
  PTE_HUGE,
  PTE_PRESENT,
  PTE_USER,
  PTE_WRITE,
} from '../../hardware/paging/entry.ts';
import type { PhysicalMemory } from '../../hardware/physical-memory.ts';
import { ENTRIES_PER_TABLE, PAGE_SIZE, type Pfn, pfn, type Vpn } from '../../hardware/units.ts';
import type { Mm } from '../address-space/mm.ts';
import { PMD_LEVEL, PUD_PAGES, TableWalk } from './table-walk.ts';

/** Flags of an entry that points to a table (_PAGE_TABLE): permissions are left to the last level. */
const TABLE_FLAGS = PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED;
const LOW_18: number = PUD_PAGES - 1;

/** A huge page stands where a table was wanted. */
export const LEAF = -2;

/** Where table frames come from and go to. */
export interface TableFrames {
  /** A zeroed frame, or -1 when memory is used up. */
  allocateTable(): Pfn | -1;
  releaseTable(frame: Pfn): void;
  /** Keeps a table that no entry points to with a directory, and takes the last one kept back out. */
  keepSpare(directory: Pfn, table: Pfn): void;
  takeSpare(directory: Pfn): Pfn;
}

export class PageTables extends TableWalk {
  readonly #source: TableFrames;

  constructor(memory: PhysicalMemory, source: TableFrames, levels = 4) {
    super(memory, levels);
    this.#source = source;
  }

  /** As `find`, making the tables that are missing; -1 when there is no memory for one, LEAF where a huge page is. */
  findOrCreate(mm: Mm, page: Vpn): number {
    const high = Math.floor(page / (1 << 18));
    const low = page & LOW_18;
    let table: number = mm.pgd;
    for (let level = this.levels; level > 2; level--) {
      table = this.#child(mm, pfn(table), (high >>> (9 * (level - 3))) & 511, level);
      if (table < 0) return table;
    }
    table = this.#child(mm, pfn(table), low >>> 9, 2);
    return table < 0 ? table : table * ENTRIES_PER_TABLE + (low & 511);
  }

  /**
   * The slot of a page's entry in a directory of `level`, the tables above it made when they are missing (pud_alloc,
   * pmd_alloc). @returns -1 when there is no memory, LEAF when a larger huge page is in the way
   */
  makeDirectory(mm: Mm, page: Vpn, level: number): number {
    let table: number = mm.pgd;
    for (let at = this.levels; ; at--) {
      const index = Math.floor(page / ENTRIES_PER_TABLE ** (at - 1)) % ENTRIES_PER_TABLE;
      if (at === level) return table * ENTRIES_PER_TABLE + index;
      table = this.#child(mm, pfn(table), index, at);
      if (table < 0) return table;
    }
  }

  /** The table that an entry of a table of `level` points to, made if it is missing. */
  #child(mm: Mm, table: Pfn, index: number, level: number): number {
    const memory = this.memory;
    const lo = memory.lo(table, index);
    if (lo & PTE_HUGE) return LEAF;
    if (lo & PTE_PRESENT) return entryFrame(lo, memory.hi(table, index));
    const child = this.#source.allocateTable();
    if (child < 0) return -1;
    this.setTable(table * ENTRIES_PER_TABLE + index, child as Pfn);
    // The P4D level of 5-level paging is not counted (linux-formulas 19).
    if (level < 5) mm.pgtablesBytes += PAGE_SIZE;
    return child;
  }

  /**
   * Keeps an empty table ready for the day on which the huge page at `slot` must be split, when no memory may be left
   * (pgtable_trans_huge_deposit). It counts as a page table. @returns false when there is no memory
   */
  deposit(mm: Mm, slot: number): boolean {
    const table = this.#source.allocateTable();
    if (table < 0) return false;
    mm.pgtablesBytes += PAGE_SIZE;
    this.keepDeposit(slot, table as Pfn);
    return true;
  }

  /** Deposits a table that is one of the address space already. It must be empty. */
  keepDeposit(slot: number, table: Pfn): void {
    this.#source.keepSpare(pfn(Math.floor(slot / ENTRIES_PER_TABLE)), table);
  }

  /** Takes the table that was deposited for the huge page at `slot` (pgtable_trans_huge_withdraw). */
  withdraw(slot: number): Pfn {
    return this.#source.takeSpare(pfn(Math.floor(slot / ENTRIES_PER_TABLE)));
  }

  /** The huge page at `slot` has gone whole: its deposit is not needed any more (zap_deposited_table). */
  dropDeposit(mm: Mm, slot: number): void {
    this.#source.releaseTable(this.withdraw(slot));
    mm.pgtablesBytes -= PAGE_SIZE;
  }

  /** Puts a last-level table at `slot` of a directory (pmd_populate). */
  setTable(slot: number, table: Pfn): void {
    this.set(slot, entryLo(table, TABLE_FLAGS), entryHi(table, 0));
  }

  /**
   * Gives back the tables below a range that was unmapped (free_pgd_range): a table goes when no remaining mapping
   * shares its slot, that is when the slot lies between `floor`, the end of the mapping before, and `ceiling`, the start
   * of the one behind.
   */
  freeRange(mm: Mm, start: Vpn, end: Vpn, floor: Vpn, ceiling: Vpn): void {
    if (start < end) this.#free(mm, mm.pgd, this.levels, 0, start, end, floor, ceiling);
  }

  #free(
    mm: Mm,
    table: Pfn,
    level: number,
    base: number,
    start: number,
    end: number,
    floor: number,
    ceiling: number,
  ): void {
    const span = ENTRIES_PER_TABLE ** (level - 1);
    const first = Math.max(0, Math.floor((start - base) / span));
    const last = Math.min(ENTRIES_PER_TABLE - 1, Math.floor((end - 1 - base) / span));
    for (let index = first; index <= last; index++) {
      const lo = this.memory.lo(table, index);
      if ((lo & (PTE_PRESENT | PTE_HUGE)) !== PTE_PRESENT) continue;
      const child = entryFrame(lo, this.memory.hi(table, index));
      const childBase = base + index * span;
      if (level > 2) this.#free(mm, child, level - 1, childBase, start, end, floor, ceiling);
      if (childBase < floor || childBase + span > ceiling) continue;
      this.memory.write(table, index, 0, 0);
      this.#source.releaseTable(child);
      if (level < 5) mm.pgtablesBytes -= PAGE_SIZE;
    }
  }

  /** Gives back the last-level table of a 2 MiB slot that has become empty (mm/pt_reclaim.c, try_to_free_pte). */
  freeLastLevel(mm: Mm, firstPage: Vpn): void {
    const slot = this.find(mm, firstPage);
    if (slot < 0) return;
    const table = pfn(slot / ENTRIES_PER_TABLE);
    for (let index = 0; index < ENTRIES_PER_TABLE; index++)
      if (this.memory.lo(table, index) !== 0 || this.memory.hi(table, index) !== 0) return;
    this.clear(this.findDirectory(mm, firstPage, PMD_LEVEL));
    this.#source.releaseTable(table);
    mm.pgtablesBytes -= PAGE_SIZE;
  }
}
