/**
 * The buddy allocator of one zone (mm/page_alloc.c): free memory as blocks of 2^order frames, aligned to their size. A
 * block that is too large is split, the lower half used first; a freed block joins its buddy (the block whose number
 * differs in one bit) as long as that is free too.
 */
import type { Pfn } from '../../hardware/units.ts';
import { pfn } from '../../hardware/units.ts';
import { panic } from '../panic.ts';
import { type FrameTable, PG_BUDDY, PG_ORDER_SHIFT } from './frame-table.ts';
import {
  MAX_ORDER,
  MIGRATE_MOVABLE,
  MIGRATE_RECLAIMABLE,
  MIGRATE_TYPES,
  MIGRATE_UNMOVABLE,
  type MigrateType,
  PAGEBLOCK_ORDER,
  PAGEBLOCK_PAGES,
  type Zone,
} from './zone.ts';

/** Which types' memory a request may take when its own is used up, best first (fallbacks[]). */
const FALLBACKS: readonly (readonly MigrateType[])[] = [
  [MIGRATE_RECLAIMABLE, MIGRATE_MOVABLE],
  [MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE],
  [MIGRATE_UNMOVABLE, MIGRATE_MOVABLE],
];

export class Buddy {
  readonly zone: Zone;
  readonly #table: FrameTable;

  constructor(zone: Zone, table: FrameTable) {
    this.zone = zone;
    this.#table = table;
  }

  /** A block of 2^order frames, or -1 when no list can serve it (__rmqueue). */
  allocate(order: number, type: MigrateType): Pfn | -1 {
    const own = this.#smallest(order, type);
    if (own >= 0) return own as Pfn;
    return this.#claim(order, type) ? (this.#smallest(order, type) as Pfn) : this.#steal(order, type);
  }

  /** Gives a block back and joins it with its buddies (__free_one_page). */
  free(frame: Pfn, order: number): void {
    const zone = this.zone;
    const flags = this.#table.flags;
    if ((flags[frame] as number) & PG_BUDDY) panic(`free_one_page: frame ${frame} is free already`);
    const type = zone.pageblockType(frame);
    let start: number = frame;
    let size = order;
    while (size < MAX_ORDER) {
      const buddy = start ^ (1 << size);
      if (buddy < zone.start || buddy + (1 << size) > zone.end) break;
      if (((flags[buddy] as number) & PG_BUDDY) === 0 || this.#table.order(pfn(buddy)) !== size) break;
      // Above a pageblock the two halves may be of different types: they join only when both are alike.
      if (size >= PAGEBLOCK_ORDER && zone.pageblockType(pfn(buddy)) !== type) break;
      this.#unlink(pfn(buddy), size, zone.pageblockType(pfn(buddy)));
      start &= ~(1 << size);
      size++;
    }
    this.#link(pfn(start), size, type, this.#buddyMergeLikely(start, size));
    zone.free += 1 << order;
  }

  /**
   * Takes a run of frames that are all free (isolate_freepages_range), aligned to at least the largest block.
   * @returns false, nothing taken, when one of them is in use
   */
  takeRun(start: Pfn, pages: number): boolean {
    const blocks: Pfn[] = [];
    for (let at: number = start; at < start + pages; at += 1 << this.#table.order(pfn(at))) {
      if (!this.#table.has(pfn(at), PG_BUDDY)) return false;
      blocks.push(pfn(at));
    }
    for (const block of blocks) this.#unlink(block, this.#table.order(block), this.zone.pageblockType(block));
    this.zone.free -= pages;
    return true;
  }

  /** Takes one free block, by its first frame, off its list (__isolate_free_page). */
  takeBlock(block: Pfn): void {
    const order = this.#table.order(block);
    this.#unlink(block, order, this.zone.pageblockType(block));
    this.zone.free -= 1 << order;
  }

  /** At boot: gives the zone all its frames, as large blocks as the alignment allows, lowest address first in line. */
  populate(): void {
    const zone = this.zone;
    // Frame 0 is never given out: 0 ends every list.
    let frame = Math.max(zone.start, 1);
    while (frame < zone.end) {
      let order = MAX_ORDER;
      while (order > 0 && ((frame & ((1 << order) - 1)) !== 0 || frame + (1 << order) > zone.end)) order--;
      this.#link(pfn(frame), order, MIGRATE_MOVABLE, true);
      zone.free += 1 << order;
      zone.managed += 1 << order;
      frame += 1 << order;
    }
  }

  /** The head of the smallest list of this type that is large enough (__rmqueue_smallest); the rest goes back. */
  #smallest(order: number, type: MigrateType): number {
    for (let size = order; size <= MAX_ORDER; size++) {
      const head = this.zone.lists.head(size * MIGRATE_TYPES + type);
      if (head === 0) continue;
      this.#take(pfn(head), size, order, type, type);
      return head;
    }
    return -1;
  }

  /** Takes a block off its list, keeps the lowest 2^order frames and returns the upper halves (expand). */
  #take(block: Pfn, size: number, order: number, from: MigrateType, to: MigrateType): void {
    this.#unlink(block, size, from);
    for (let half = size - 1; half >= order; half--) this.#link(pfn(block + (1 << half)), half, to, false);
    this.zone.free -= 1 << order;
  }

  /**
   * Makes a pageblock of another type this type's own (__rmqueue_claim), from the largest blocks down so that types mix
   * little. A movable request does not claim for less than half a pageblock.
   */
  #claim(order: number, type: MigrateType): boolean {
    for (let size = MAX_ORDER; size >= order; size--) {
      if (size < PAGEBLOCK_ORDER / 2 && type === MIGRATE_MOVABLE) return false;
      for (const other of FALLBACKS[type] as readonly MigrateType[]) {
        const head = this.zone.lists.head(size * MIGRATE_TYPES + other);
        if (head !== 0 && this.#tryToClaim(pfn(head), size, type, other)) return true;
      }
    }
    return false;
  }

  /** try_to_claim_block: whole pageblocks change their type; of a part, when half of the block would be alike. */
  #tryToClaim(block: Pfn, size: number, type: MigrateType, from: MigrateType): boolean {
    const zone = this.zone;
    if (size >= PAGEBLOCK_ORDER) {
      this.#unlink(block, size, from);
      for (let at: number = block; at < block + (1 << size); at += PAGEBLOCK_PAGES)
        zone.setPageblockType(pfn(at), type);
      this.#link(block, size, type, false);
      return true;
    }
    const start = block & ~(PAGEBLOCK_PAGES - 1);
    const free: [Pfn, number][] = [];
    let freePages = 0;
    for (let at = Math.max(start, zone.start); at < Math.min(start + PAGEBLOCK_PAGES, zone.end); ) {
      const isFree = this.#table.has(pfn(at), PG_BUDDY);
      const pages = isFree ? 1 << this.#table.order(pfn(at)) : 1;
      if (isFree) {
        free.push([pfn(at), this.#table.order(pfn(at))]);
        freePages += pages;
      }
      at += pages;
    }
    const alike = from === MIGRATE_MOVABLE || type === MIGRATE_MOVABLE ? 0 : PAGEBLOCK_PAGES - freePages;
    if (freePages + alike < PAGEBLOCK_PAGES / 2) return false;
    for (const [frame, order] of free) {
      this.#unlink(frame, order, from);
      this.#link(frame, order, type, false);
    }
    zone.setPageblockType(block, type);
    return true;
  }

  /** Takes the smallest block of another type as it is; what is left stays that type's (__rmqueue_steal). */
  #steal(order: number, type: MigrateType): Pfn | -1 {
    for (let size = order; size <= MAX_ORDER; size++) {
      for (const other of FALLBACKS[type] as readonly MigrateType[]) {
        const head = this.zone.lists.head(size * MIGRATE_TYPES + other);
        if (head === 0) continue;
        this.#take(pfn(head), size, order, other, other);
        return pfn(head);
      }
    }
    return -1;
  }

  /** If the pair of buddies above would join too, the block is put last so that it lives on (buddy_merge_likely). */
  #buddyMergeLikely(start: number, order: number): boolean {
    if (order >= PAGEBLOCK_ORDER) return false;
    const higher = (start & ~(1 << order)) ^ (1 << (order + 1));
    if (higher < this.zone.start || higher + (1 << (order + 1)) > this.zone.end) return false;
    return this.#table.has(pfn(higher), PG_BUDDY) && this.#table.order(pfn(higher)) === order + 1;
  }

  #link(frame: Pfn, order: number, type: MigrateType, atTail: boolean): void {
    const { lists } = this.zone;
    if (atTail) lists.addTail(frame, order * MIGRATE_TYPES + type);
    else lists.addHead(frame, order * MIGRATE_TYPES + type);
    this.#table.flags[frame] = PG_BUDDY | (order << PG_ORDER_SHIFT);
  }

  #unlink(frame: Pfn, order: number, type: MigrateType): void {
    this.zone.lists.remove(frame, order * MIGRATE_TYPES + type);
    this.#table.flags[frame] = 0;
  }
}
