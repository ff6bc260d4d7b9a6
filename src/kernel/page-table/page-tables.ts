/**
 * The page tables as the kernel handles them: made where needed, read and written entry by entry, and given back with
 * the mappings (mm/memory.c, mm/pgalloc-track.h). The same frames are what the hardware walks.
 *
 * A place of an entry is one number, `slot` = table frame * 512 + index (exact in a double), or -1 where no table is.
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
import { ENTRIES_PER_TABLE, PAGE_SIZE, type Pfn, pfn, type Vpn, vpn } from '../../hardware/units.ts';
import type { Mm } from '../address-space/mm.ts';

/** Flags of an entry that points to a table (_PAGE_TABLE): permissions are left to the last level. */
const TABLE_FLAGS = PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED;
const LOW_18 = (1 << 18) - 1;

/** Where table frames come from and go to. */
export interface TableFrames {
  /** A zeroed frame, or -1 when memory is used up. */
  allocateTable(): Pfn | -1;
  releaseTable(frame: Pfn): void;
}

export class PageTables {
  readonly #memory: PhysicalMemory;
  readonly #source: TableFrames;
  /** 4, or 5 with the la57 option. */
  readonly levels: number;

  constructor(memory: PhysicalMemory, source: TableFrames, levels = 4) {
    this.#memory = memory;
    this.#source = source;
    this.levels = levels;
  }

  lo(slot: number): number {
    return this.#memory.lo(Math.floor(slot / ENTRIES_PER_TABLE) as Pfn, slot % ENTRIES_PER_TABLE);
  }

  hi(slot: number): number {
    return this.#memory.hi(Math.floor(slot / ENTRIES_PER_TABLE) as Pfn, slot % ENTRIES_PER_TABLE);
  }

  set(slot: number, lo: number, hi: number): void {
    this.#memory.write(Math.floor(slot / ENTRIES_PER_TABLE) as Pfn, slot % ENTRIES_PER_TABLE, lo, hi);
  }

  clear(slot: number): void {
    this.set(slot, 0, 0);
  }

  /** The slot of a page's entry, or -1 when a table on the way is missing or a huge page is in its place. */
  find(mm: Mm, page: Vpn): number {
    const memory = this.#memory;
    const high = Math.floor(page / (1 << 18));
    const low = page & LOW_18;
    let table = mm.pgd;
    for (let shift = 9 * (this.levels - 3); shift >= 0; shift -= 9) {
      const index = (high >>> shift) & 511;
      const lo = memory.lo(table, index);
      if ((lo & PTE_PRESENT) === 0) return -1;
      table = entryFrame(lo, memory.hi(table, index));
    }
    const lo = memory.lo(table, low >>> 9);
    if ((lo & (PTE_PRESENT | PTE_HUGE)) !== PTE_PRESENT) return -1;
    return entryFrame(lo, memory.hi(table, low >>> 9)) * ENTRIES_PER_TABLE + (low & 511);
  }

  /** As `find`, making the tables that are missing; -1 when there is no memory for one. */
  findOrCreate(mm: Mm, page: Vpn): number {
    const high = Math.floor(page / (1 << 18));
    const low = page & LOW_18;
    let table: number = mm.pgd;
    for (let level = this.levels; level > 2; level--) {
      table = this.#child(mm, pfn(table), (high >>> (9 * (level - 3))) & 511, level);
      if (table < 0) return -1;
    }
    table = this.#child(mm, pfn(table), low >>> 9, 2);
    return table < 0 ? -1 : table * ENTRIES_PER_TABLE + (low & 511);
  }

  /**
   * Makes the tables on the way to a page down to the last but one level (pud_alloc, pmd_alloc): what every fault needs,
   * whatever comes of it. @returns false when there is no memory
   */
  makeDirectories(mm: Mm, page: Vpn): boolean {
    const high = Math.floor(page / (1 << 18));
    let table: number = mm.pgd;
    for (let level = this.levels; level > 2 && table >= 0; level--)
      table = this.#child(mm, pfn(table), (high >>> (9 * (level - 3))) & 511, level);
    return table >= 0;
  }

  /** The table that an entry of a table of `level` points to, made if it is missing. */
  #child(mm: Mm, table: Pfn, index: number, level: number): number {
    const memory = this.#memory;
    const lo = memory.lo(table, index);
    if (lo & PTE_PRESENT) return entryFrame(lo, memory.hi(table, index));
    const child = this.#source.allocateTable();
    if (child < 0) return -1;
    memory.write(table, index, entryLo(child as Pfn, TABLE_FLAGS), entryHi(child as Pfn, 0));
    // The P4D level of 5-level paging is not counted (linux-formulas 19).
    if (level < 5) mm.pgtablesBytes += PAGE_SIZE;
    return child;
  }

  /**
   * Visits the last-level tables that exist in a range of pages, in address order, each with the part of it that lies
   * in the range.
   */
  forEachTable(mm: Mm, start: Vpn, end: Vpn, visit: (firstSlot: number, firstPage: Vpn, count: number) => void): void {
    if (start < end) this.#visit(mm.pgd, this.levels, 0, start, end, visit);
  }

  #visit(
    table: Pfn,
    level: number,
    base: number,
    start: number,
    end: number,
    visit: (firstSlot: number, firstPage: Vpn, count: number) => void,
  ): void {
    const span = ENTRIES_PER_TABLE ** (level - 1);
    const first = Math.max(0, Math.floor((start - base) / span));
    const last = Math.min(ENTRIES_PER_TABLE - 1, Math.floor((end - 1 - base) / span));
    if (level === 1) {
      visit(table * ENTRIES_PER_TABLE + first, vpn(base + first), last - first + 1);
      return;
    }
    for (let index = first; index <= last; index++) {
      const lo = this.#memory.lo(table, index);
      if ((lo & (PTE_PRESENT | PTE_HUGE)) !== PTE_PRESENT) continue;
      const child = entryFrame(lo, this.#memory.hi(table, index));
      this.#visit(child, level - 1, base + index * span, start, end, visit);
    }
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
      const lo = this.#memory.lo(table, index);
      if ((lo & (PTE_PRESENT | PTE_HUGE)) !== PTE_PRESENT) continue;
      const child = entryFrame(lo, this.#memory.hi(table, index));
      const childBase = base + index * span;
      if (level > 2) this.#free(mm, child, level - 1, childBase, start, end, floor, ceiling);
      if (childBase < floor || childBase + span > ceiling) continue;
      this.#memory.write(table, index, 0, 0);
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
      if (this.#memory.lo(table, index) !== 0 || this.#memory.hi(table, index) !== 0) return;
    this.#clearParent(mm, firstPage);
    this.#source.releaseTable(table);
    mm.pgtablesBytes -= PAGE_SIZE;
  }

  #clearParent(mm: Mm, page: Vpn): void {
    const high = Math.floor(page / (1 << 18));
    let table = mm.pgd;
    for (let shift = 9 * (this.levels - 3); shift >= 0; shift -= 9) {
      const index = (high >>> shift) & 511;
      table = entryFrame(this.#memory.lo(table, index), this.#memory.hi(table, index));
    }
    this.#memory.write(table, (page & LOW_18) >>> 9, 0, 0);
  }
}
