import type { Pfn } from '../../hardware/units.ts';
import { pfn } from '../../hardware/units.ts';
import { FrameLists, type FrameListsState } from './frame-lists.ts';
import type { FrameTable } from './frame-table.ts';

/** Free blocks have orders 0 to 10: 4 KiB to 4 MiB (include/linux/mmzone.h, MAX_PAGE_ORDER). */
export const MAX_ORDER = 10;
export const ORDERS: number = MAX_ORDER + 1;
/** A pageblock is 2 MiB: the grain in which memory belongs to a migrate type. */
export const PAGEBLOCK_ORDER = 9;
export const PAGEBLOCK_PAGES: number = 1 << PAGEBLOCK_ORDER;

/** Why a frame is wanted decides which frames it may be put beside (enum migratetype). */
export const MIGRATE_UNMOVABLE = 0;
export const MIGRATE_MOVABLE = 1;
export const MIGRATE_RECLAIMABLE = 2;
export const MIGRATE_TYPES = 3;
export type MigrateType = typeof MIGRATE_UNMOVABLE | typeof MIGRATE_MOVABLE | typeof MIGRATE_RECLAIMABLE;

/** Frame numbers at which the zones of x86-64 end (arch/x86/mm/init.c): DMA 16 MiB, DMA32 4 GiB. */
export const MAX_DMA_PFN: number = 16 * 256;
export const MAX_DMA32_PFN: number = 4096 * 256;

/** A zone (struct zone): a range of frames, its free lists, and its watermarks in pages. */
export class Zone {
  readonly name: string;
  readonly start: Pfn;
  readonly end: Pfn;
  /** Frames that the buddy allocator was given. */
  managed = 0;
  /** Free frames (NR_FREE_PAGES). */
  free = 0;
  /** Free blocks, by order * MIGRATE_TYPES + type. */
  readonly lists: FrameLists;
  /** Migrate type of each pageblock of the zone. */
  readonly pageblockTypes: Uint8Array;
  min = 0;
  low = 0;
  high = 0;
  promo = 0;
  /** Pages kept from requests that could also be served by a higher zone, by that zone's index. */
  readonly lowmemReserve: Float64Array;

  constructor(table: FrameTable, name: string, start: number, end: number, zones: number) {
    this.lists = new FrameLists(table, ORDERS * MIGRATE_TYPES);
    this.name = name;
    this.start = pfn(start);
    this.end = pfn(end);
    this.pageblockTypes = new Uint8Array(Math.ceil(end / PAGEBLOCK_PAGES) - Math.floor(start / PAGEBLOCK_PAGES));
    this.pageblockTypes.fill(MIGRATE_MOVABLE);
    this.lowmemReserve = new Float64Array(zones);
  }

  get present(): number {
    return this.end - this.start;
  }

  /** Free blocks of an order, of all types (a column of /proc/buddyinfo). */
  blocksOfOrder(order: number): number {
    let sum = 0;
    for (let type = 0; type < MIGRATE_TYPES; type++) sum += this.lists.sizes[order * MIGRATE_TYPES + type] as number;
    return sum;
  }

  pageblockType(frame: Pfn): MigrateType {
    return this.pageblockTypes[this.#pageblock(frame)] as MigrateType;
  }

  setPageblockType(frame: Pfn, type: MigrateType): void {
    this.pageblockTypes[this.#pageblock(frame)] = type;
  }

  #pageblock(frame: Pfn): number {
    return (frame >>> PAGEBLOCK_ORDER) - (this.start >>> PAGEBLOCK_ORDER);
  }

  /** The free lists and what belongs to them; the watermarks follow from the sysctls. */
  save(): ZoneState {
    return { free: this.free, lists: this.lists.save(), pageblockTypes: this.pageblockTypes.slice() };
  }

  restore(state: ZoneState): void {
    this.free = state.free;
    this.lists.restore(state.lists);
    this.pageblockTypes.set(state.pageblockTypes);
  }
}

export interface ZoneState {
  readonly free: number;
  readonly lists: FrameListsState;
  readonly pageblockTypes: Uint8Array;
}

/**
 * Cuts the machine's frames into the zones that x86-64 Linux makes. A machine of less than 4 GiB has no Normal zone.
 * @param table the machine's frames, frame 0 included
 */
export function makeZones(table: FrameTable): Zone[] {
  const { frames } = table;
  const limits: [string, number, number][] = [
    ['DMA', 0, MAX_DMA_PFN],
    ['DMA32', MAX_DMA_PFN, MAX_DMA32_PFN],
    ['Normal', MAX_DMA32_PFN, frames],
  ];
  const present = limits.filter(([, start]) => start < frames);
  return present.map(([name, start, end]) => new Zone(table, name, start, Math.min(end, frames), present.length));
}
