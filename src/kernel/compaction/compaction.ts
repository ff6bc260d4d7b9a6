/** When memory is compacted, and how often it is tried where it has failed (mm/compaction.c). */
import { costs } from '../../hardware/costs.ts';
import type { PageCore } from '../core.ts';
import { fragmentationIndex } from '../frames/fragmentation.ts';
import { watermarkOk } from '../frames/watermarks.ts';
import { PAGEBLOCK_PAGES, type Zone } from '../frames/zone.ts';
import { CAUSE_COPY } from '../time/clock.ts';
import { COMPACT_FAIL, COMPACT_STALL, COMPACT_SUCCESS, PAGEOUTRUN } from '../vmstat.ts';
import { compactZone, hasBlock, type Scanners, scannersOf } from './compact-zone.ts';

/** PAGE_ALLOC_COSTLY_ORDER: larger requests look at the fragmentation index first. */
const COSTLY_ORDER = 3;

export class Compaction {
  readonly #core: PageCore;
  readonly #scanners: Scanners[];

  constructor(core: PageCore) {
    this.#core = core;
    this.#scanners = core.allocator.zones.map(scannersOf);
  }

  /**
   * A request that may wait found no block of its order (__alloc_pages_direct_compact, at its first priority: only pages
   * of movable blocks are moved, and the time that it takes is the requester's).
   * @returns whether there is one now
   */
  direct(order: number): boolean {
    const { allocator, vmstat, clock } = this.#core;
    let ran = false;
    let found = false;
    for (let z = allocator.zones.length - 1; z >= 0 && !found; z--) {
      const zone = allocator.zones[z] as Zone;
      if (!this.#isSuitable(zone, order)) continue;
      ran = true;
      const scanners = this.#scanners[z] as Scanners;
      const runs = vmstat.value(PAGEOUTRUN);
      if (scanners.exhaustedAt === runs && zone.free < scanners.exhaustedFree + PAGEBLOCK_PAGES) continue;
      scanners.exhaustedAt = -1;
      const moved = compactZone(this.#core, zone, scanners, { order, onlyMovable: true });
      clock.spend(moved * (costs.pageCopy + costs.freePage), CAUSE_COPY);
      found = hasBlock(zone, order) && watermarkOk(zone, order, zone.low, allocator.zones.length - 1);
      if (found || scanners.migrate < scanners.free) continue;
      scanners.exhaustedAt = runs;
      scanners.exhaustedFree = zone.free;
    }
    if (!ran) return false;
    vmstat.count(COMPACT_STALL);
    vmstat.count(found ? COMPACT_SUCCESS : COMPACT_FAIL);
    return found;
  }

  /** Everything is compacted (a write to /proc/sys/vm/compact_memory). @returns pages moved */
  all(): number {
    const { zones } = this.#core.allocator;
    let moved = 0;
    zones.forEach((zone, z) => {
      moved += compactZone(this.#core, zone, this.#scanners[z] as Scanners, { order: -1, onlyMovable: false });
    });
    return moved;
  }

  /**
   * Whether compaction can help a zone (compaction_suitable): enough is free to move pages into, and it is for its
   * pieces, not for want of memory, that the request failed.
   */
  #isSuitable(zone: Zone, order: number): boolean {
    const { allocator, params } = this.#core;
    const gap = 2 << order;
    const mark = order > COSTLY_ORDER ? zone.low : zone.min;
    if (!watermarkOk(zone, 0, mark + gap, allocator.zones.length - 1)) return false;
    if (order <= COSTLY_ORDER) return true;
    const index = fragmentationIndex(zone, order);
    return index < 0 || index > params.extfragThreshold;
  }

  save(): readonly Scanners[] {
    return this.#scanners.map((scanners) => ({ ...scanners }));
  }

  restore(state: readonly Scanners[]): void {
    state.forEach((saved, z) => {
      Object.assign(this.#scanners[z] as Scanners, saved);
    });
  }
}
