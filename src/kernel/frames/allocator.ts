import { type Pfn, pfn } from '../../hardware/units.ts';
import { Buddy } from './buddy.ts';
import type { FrameTable } from './frame-table.ts';
import {
  defaultMinFreeKbytes,
  hugePageMinFreeKbytes,
  setupWatermarks,
  totalReservePages,
  watermarkOk,
} from './watermarks.ts';
import { MAX_DMA_PFN, MAX_DMA32_PFN, type MigrateType, makeZones, type Zone, type ZoneState } from './zone.ts';

/** How short memory was at an allocation: kswapd should run; whoever allocates should reclaim. */
export const NO_PRESSURE = 0;
export const BELOW_LOW = 1;
export const BELOW_MIN = 2;

/** The knobs of the allocator (/proc/sys/vm). */
export interface AllocatorParams {
  /** vm.min_free_kbytes; 0 leaves it to the kernel. */
  minFreeKbytes: number;
  /** vm.watermark_scale_factor. */
  watermarkScaleFactor: number;
  /** Transparent huge pages may be used: khugepaged then raises min_free_kbytes. */
  hugePages: boolean;
}

/**
 * The page allocator (alloc_pages): picks a zone by the watermarks, highest zone first, and lets that zone's buddy
 * allocator find the block. It never reclaims: an allocation in the middle of an operation takes what it needs from the
 * reserve and leaves `pressure` behind, and reclaim runs at the next point where nobody holds a page in his hands.
 */
export class FrameAllocator {
  readonly zones: readonly Zone[];
  readonly #table: FrameTable;
  readonly #buddies: readonly Buddy[];
  /** The worst that an allocation met since it was last reset. */
  pressure = NO_PRESSURE;

  constructor(table: FrameTable, params: AllocatorParams) {
    this.#table = table;
    this.zones = makeZones(table);
    this.#buddies = this.zones.map((zone) => new Buddy(zone, table));
    for (const buddy of this.#buddies) buddy.populate();
    this.setParams(params);
  }

  /** Recomputes the watermarks, as a write to the sysctl does. */
  setParams(params: AllocatorParams): void {
    for (const zone of this.zones) zone.high = 0;
    const recommended = params.hugePages ? hugePageMinFreeKbytes(this.zones) : 0;
    const minFreeKbytes = params.minFreeKbytes || Math.max(defaultMinFreeKbytes(this.zones), recommended);
    setupWatermarks(this.zones, { minFreeKbytes, watermarkScaleFactor: params.watermarkScaleFactor });
  }

  /** Frames that were given to the allocator at boot (MemTotal). */
  get managed(): number {
    return this.zones.reduce((sum, zone) => sum + zone.managed, 0);
  }

  /** Free frames (MemFree). */
  get free(): number {
    return this.zones.reduce((sum, zone) => sum + zone.free, 0);
  }

  get totalReserve(): number {
    return totalReservePages(this.zones);
  }

  /**
   * 2^order frames, aligned to their size (get_page_from_freelist): from a zone above its low mark, else above its
   * minimum, else from the reserve below. `pressure` tells which it was; the caller's next safe point acts on it.
   * @returns -1 when no zone has such a block at all
   */
  allocate(order: number, type: MigrateType): Pfn | -1 {
    const highest = this.zones.length - 1;
    for (let pressure = NO_PRESSURE; pressure <= BELOW_MIN; pressure++) {
      for (let z = highest; z >= 0; z--) {
        const zone = this.zones[z] as Zone;
        const mark = pressure === NO_PRESSURE ? zone.low : zone.min;
        if (pressure !== BELOW_MIN && !watermarkOk(zone, order, mark, highest)) continue;
        const frame = (this.#buddies[z] as Buddy).allocate(order, type);
        if (frame < 0) continue;
        if (pressure > this.pressure) this.pressure = pressure;
        return frame;
      }
    }
    this.pressure = BELOW_MIN;
    return -1;
  }

  /**
   * As `allocate`, for a large folio that can be done without: only from a zone that stands above its low mark, the
   * reserve is not touched and nobody is asked to reclaim (GFP_TRANSHUGE_LIGHT).
   */
  allocateAboveLow(order: number, type: MigrateType): Pfn | -1 {
    const highest = this.zones.length - 1;
    for (let z = highest; z >= 0; z--) {
      const zone = this.zones[z] as Zone;
      if (!watermarkOk(zone, order, zone.low, highest)) continue;
      const frame = (this.#buddies[z] as Buddy).allocate(order, type);
      if (frame >= 0) return frame;
    }
    return -1;
  }

  /**
   * Neighbouring frames that are all free, aligned to their number, from the highest zone down (alloc_contig_pages).
   * Nothing is moved out of the way for them. @param pages a power of two, more than the largest block
   * @returns -1 when no such run is free
   */
  allocateContiguous(pages: number): Pfn | -1 {
    for (let z = this.zones.length - 1; z >= 0; z--) {
      const { start, end } = this.zones[z] as Zone;
      const buddy = this.#buddies[z] as Buddy;
      for (let at = Math.ceil(start / pages) * pages; at + pages <= end; at += pages)
        if (buddy.takeRun(pfn(at), pages)) return pfn(at);
    }
    return -1;
  }

  /** Says what the pageblock of a frame is for; none of it may be free. */
  setBlockType(frame: Pfn, type: MigrateType): void {
    (this.zones[this.zoneIndex(frame)] as Zone).setPageblockType(frame, type);
  }

  /** Takes a free block, whatever its type, off its list: compaction fills it page by page (split_map_pages). */
  takeFree(block: Pfn): void {
    (this.#buddies[this.zoneIndex(block)] as Buddy).takeBlock(block);
  }

  /** Gives a block back (free_unref_page without the per-CPU lists). */
  release(frame: Pfn, order: number): void {
    this.#table.flags[frame] = 0;
    (this.#buddies[this.zoneIndex(frame)] as Buddy).free(frame, order);
  }

  /** Index of the zone that a frame lies in. */
  zoneIndex(frame: Pfn): number {
    return frame < MAX_DMA_PFN ? 0 : frame < MAX_DMA32_PFN ? 1 : 2;
  }

  save(): readonly ZoneState[] {
    return this.zones.map((zone) => zone.save());
  }

  restore(states: readonly ZoneState[]): void {
    states.forEach((state, i) => {
      (this.zones[i] as Zone).restore(state);
    });
  }
}
