import type { Pfn } from '../../hardware/units.ts';
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
 * allocator find the block. What to do when no zone has memory above its minimum is the caller's affair: reclaim and
 * the OOM killer stand above this class.
 */
export class FrameAllocator {
  readonly zones: readonly Zone[];
  readonly #table: FrameTable;
  readonly #buddies: readonly Buddy[];

  constructor(table: FrameTable, params: AllocatorParams) {
    this.#table = table;
    this.zones = makeZones(table.frames);
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
   * 2^order frames, aligned to their size, or -1 when every zone is down at its minimum watermark
   * (get_page_from_freelist: first above the low marks, then above the minimum).
   */
  allocate(order: number, type: MigrateType): Pfn | -1 {
    const highest = this.zones.length - 1;
    for (let z = highest; z >= 0; z--) {
      const zone = this.zones[z] as Zone;
      if (!watermarkOk(zone, order, zone.low, highest)) continue;
      const frame = (this.#buddies[z] as Buddy).allocate(order, type);
      if (frame >= 0) return frame;
    }
    for (let z = highest; z >= 0; z--) {
      const zone = this.zones[z] as Zone;
      if (!watermarkOk(zone, order, zone.min, highest)) continue;
      const frame = (this.#buddies[z] as Buddy).allocate(order, type);
      if (frame >= 0) return frame;
    }
    return -1;
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
