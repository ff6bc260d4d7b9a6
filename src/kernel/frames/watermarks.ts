/** Watermarks and reserves of the zones (mm/page_alloc.c; linux-formulas 8). All numbers are pages unless named otherwise. */
import type { Zone } from './zone.ts';

/** vm.lowmem_reserve_ratio: what a zone keeps back from requests that a higher zone could serve. */
const LOWMEM_RESERVE_RATIO: Readonly<Record<string, number>> = { DMA: 256, DMA32: 256, Normal: 32 };

export interface WatermarkParams {
  /** vm.min_free_kbytes as set by the user, 0 for the kernel's own choice. */
  readonly minFreeKbytes: number;
  /** vm.watermark_scale_factor, in 1/10000 of the zone. */
  readonly watermarkScaleFactor: number;
}

/** calculate_min_free_kbytes: the square root of 16 times the low memory, between 128 kB and 256 MiB. */
export function defaultMinFreeKbytes(zones: readonly Zone[]): number {
  const lowmemKbytes = zones.reduce((sum, zone) => sum + Math.max(0, zone.managed - zone.high) * 4, 0);
  return Math.min(Math.max(Math.floor(Math.sqrt(lowmemKbytes * 16)), 128), 262_144);
}

/** set_recommended_min_free_kbytes: with huge pages on, khugepaged wants pageblocks of every type left free. */
export function hugePageMinFreeKbytes(zones: readonly Zone[]): number {
  const populated = zones.filter((zone) => zone.managed > 0).length;
  const lowmem = zones.reduce((sum, zone) => sum + Math.max(0, zone.managed - zone.high), 0);
  return Math.min(512 * populated * (2 + 9), Math.floor(lowmem / 20)) * 4;
}

/** __setup_per_zone_wmarks and setup_per_zone_lowmem_reserve. */
export function setupWatermarks(zones: readonly Zone[], params: WatermarkParams): void {
  const lowmem = zones.reduce((sum, zone) => sum + zone.managed, 0);
  const pagesMin = Math.floor(params.minFreeKbytes / 4);
  for (const zone of zones) {
    const share = lowmem === 0 ? 0 : Math.floor((pagesMin * zone.managed) / lowmem);
    const gap = Math.max(Math.floor(share / 4), Math.floor((zone.managed * params.watermarkScaleFactor) / 10_000));
    zone.min = share;
    zone.low = share + gap;
    zone.high = zone.low + gap;
    zone.promo = zone.high + gap;
  }
  zones.forEach((zone, i) => {
    zone.lowmemReserve.fill(0);
    let above = 0;
    for (let j = i + 1; j < zones.length; j++) {
      above += (zones[j] as Zone).managed;
      zone.lowmemReserve[j] = Math.floor(above / (LOWMEM_RESERVE_RATIO[zone.name] as number));
    }
  });
}

/** What the zones never give to user pages (calculate_totalreserve_pages). */
export function totalReservePages(zones: readonly Zone[]): number {
  return zones.reduce((sum, zone) => sum + Math.min(zone.managed, Math.max(...zone.lowmemReserve) + zone.high), 0);
}

/**
 * Whether a request may be served above a mark (__zone_watermark_ok).
 * @param highestZone index of the highest zone that the request may use
 */
export function watermarkOk(zone: Zone, order: number, mark: number, highestZone: number): boolean {
  const free = zone.free - ((1 << order) - 1);
  if (free <= mark + (zone.lowmemReserve[highestZone] as number)) return false;
  if (order === 0) return true;
  for (let size = order; size <= 10; size++) if (zone.blocksOfOrder(size) > 0) return true;
  return false;
}
