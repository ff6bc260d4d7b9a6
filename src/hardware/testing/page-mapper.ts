import { entryFrame, entryHi, entryLo, PTE_HUGE, PTE_PRESENT, PTE_USER, PTE_WRITE } from '../paging/entry.ts';
import type { PhysicalMemory } from '../physical-memory.ts';
import { type Pfn, pfn, type Vpn } from '../units.ts';

/** Builds page tables for tests of the hardware, as plainly as can be: tables are taken from frame 1 up, never freed. */
export class PageMapper {
  readonly #memory: PhysicalMemory;
  readonly #levels: number;
  #next = 1;

  constructor(memory: PhysicalMemory, levels = 4) {
    this.#memory = memory;
    this.#levels = levels;
  }

  newRoot(): Pfn {
    return this.#newTable();
  }

  /** Where the entry of a level stands, with tables made on the way. Level 0 is the page table. */
  slot(root: Pfn, page: Vpn, level = 0): { table: Pfn; index: number } {
    let table = root;
    for (let at = this.#levels - 1; at > level; at--) {
      const index = indexAt(page, at);
      const lo = this.#memory.lo(table, index);
      if ((lo & PTE_PRESENT) === 0) {
        const frame = this.#newTable();
        this.#memory.write(table, index, entryLo(frame, PTE_PRESENT | PTE_WRITE | PTE_USER), entryHi(frame, 0));
        table = frame;
      } else table = entryFrame(lo, this.#memory.hi(table, index));
    }
    return { table, index: indexAt(page, level) };
  }

  /** Writes an entry of 4 KiB, or of a larger page with level 1 (2 MiB) or 2 (1 GiB). */
  map(root: Pfn, page: Vpn, frame: Pfn, flags: number, hiFlags: number, level = 0): void {
    const { table, index } = this.slot(root, page, level);
    this.#memory.write(table, index, entryLo(frame, flags | (level > 0 ? PTE_HUGE : 0)), entryHi(frame, hiFlags));
  }

  lo(root: Pfn, page: Vpn, level = 0): number {
    const { table, index } = this.slot(root, page, level);
    return this.#memory.lo(table, index);
  }

  #newTable(): Pfn {
    return pfn(this.#next++);
  }
}

const indexAt = (page: number, level: number): number => Math.floor(page / 512 ** level) % 512;
