/**
 * Making large free blocks (mm/compaction.c): one scanner goes up from the zone's start and takes movable pages, another
 * goes down from its end and finds free frames for them. Where they meet, the zone is done.
 */
import { type Pfn, pfn } from '../../hardware/units.ts';
import type { PageCore } from '../core.ts';
import { PG_BUDDY } from '../frames/frame-table.ts';
import { MIGRATE_MOVABLE, ORDERS, PAGEBLOCK_ORDER, PAGEBLOCK_PAGES, type Zone } from '../frames/zone.ts';
import { COMPACT_FREE_SCANNED, COMPACT_ISOLATED, COMPACT_MIGRATE_SCANNED, PGMIGRATE_SUCCESS } from '../vmstat.ts';
import { isMovable, migratePage } from './migrate.ts';

/** What is wanted of a zone. */
export interface CompactControl {
  /** The order to make a block of; -1: everything (vm.compact_memory). */
  readonly order: number;
  /** Only blocks that hold nothing but movable pages are emptied: for who waits for it at a fault (MIGRATE_ASYNC). */
  readonly onlyMovable: boolean;
}

/** Where the scanners of a zone stopped last (compact_cached_migrate_pfn, compact_cached_free_pfn). */
export interface Scanners {
  migrate: number;
  free: number;
  /**
   * How often kswapd had run, and how much was free, when they met in vain; -1 before. Until more is free, or kswapd has
   * worked, another look would find nothing else (the kernel marks each pageblock for that, PB_migrate_skip).
   */
  exhaustedAt: number;
  exhaustedFree: number;
}

export const scannersOf = (zone: Zone): Scanners => ({
  migrate: zone.start,
  free: lastPageblock(zone),
  exhaustedAt: -1,
  exhaustedFree: 0,
});

const lastPageblock = (zone: Zone): number => (zone.end - 1) & ~(PAGEBLOCK_PAGES - 1);

/** Whether a block of an order, or a larger one, is free for a movable page (compact_finished). */
export function hasBlock(zone: Zone, order: number): boolean {
  for (let size = order; size < ORDERS; size++) if (zone.blocksOfOrder(size) > 0) return true;
  return false;
}

/**
 * Compacts a zone until a block of the order is free or the scanners meet.
 * @returns pages moved
 */
export function compactZone(core: PageCore, zone: Zone, scanners: Scanners, control: CompactControl): number {
  core.lru.drain();
  // Beginning in the middle, it looks at the rest another time.
  if (scanners.migrate >= scanners.free || control.order < 0) Object.assign(scanners, scannersOf(zone));
  const targets: Pfn[] = [];
  let moved = 0;
  for (; scanners.migrate < scanners.free; scanners.migrate = nextPageblock(scanners.migrate)) {
    if (control.order >= 0 && hasBlock(zone, control.order)) break;
    const pages = movablePages(core, zone, scanners.migrate, control);
    for (const page of pages) {
      const target = targets.pop() ?? refill(core, zone, scanners, targets);
      if (target === undefined) break;
      migratePage(core, page, target);
      core.allocator.release(page, 0);
      moved++;
    }
  }
  for (const target of targets) core.allocator.release(target, 0);
  core.vmstat.count(PGMIGRATE_SUCCESS, moved);
  core.vmstat.count(COMPACT_ISOLATED, 2 * moved);
  return moved;
}

const nextPageblock = (frame: number): number => (frame & ~(PAGEBLOCK_PAGES - 1)) + PAGEBLOCK_PAGES;

/**
 * The movable pages of a pageblock, if emptying it can win anything (isolate_migratepages): in a block of 2 MiB one page
 * that stays is enough to make all other work vain.
 */
function movablePages(core: PageCore, zone: Zone, from: number, control: CompactControl): Pfn[] {
  if (control.onlyMovable && zone.pageblockType(pfn(from)) !== MIGRATE_MOVABLE) return [];
  const { table, vmstat } = core;
  const end = Math.min(nextPageblock(from), zone.end);
  const pages: Pfn[] = [];
  let scanned = 0;
  for (let at = Math.max(from, 1); at < end; ) {
    scanned++;
    const frame = pfn(at);
    if (table.has(frame, PG_BUDDY)) at += 1 << table.order(frame);
    else {
      if (isMovable(core, frame)) pages.push(frame);
      else if (control.onlyMovable && control.order >= PAGEBLOCK_ORDER) {
        vmstat.count(COMPACT_MIGRATE_SCANNED, scanned);
        return [];
      }
      at++;
    }
  }
  vmstat.count(COMPACT_MIGRATE_SCANNED, scanned);
  return pages;
}

/**
 * Takes the free frames of the next pageblock from the end that has some (isolate_freepages). Whole free pageblocks are left
 * alone: they are what others look for.
 * @returns the first of them, undefined when the scanners have met
 */
function refill(core: PageCore, zone: Zone, scanners: Scanners, targets: Pfn[]): Pfn | undefined {
  const { table, vmstat, allocator } = core;
  for (; scanners.free > scanners.migrate; scanners.free -= PAGEBLOCK_PAGES) {
    if (zone.pageblockType(pfn(scanners.free)) !== MIGRATE_MOVABLE) continue;
    const end = Math.min(scanners.free + PAGEBLOCK_PAGES, zone.end);
    let scanned = 0;
    for (let at = Math.max(scanners.free, zone.start, 1); at < end; at++) {
      scanned++;
      const frame = pfn(at);
      if (!table.has(frame, PG_BUDDY)) continue;
      const order = table.order(frame);
      if (order < PAGEBLOCK_ORDER) {
        allocator.takeFree(frame);
        for (let i = (1 << order) - 1; i >= 0; i--) targets.push(pfn(at + i));
      }
      at += (1 << order) - 1;
    }
    vmstat.count(COMPACT_FREE_SCANNED, scanned);
    const first = targets.pop();
    if (first === undefined) continue;
    scanners.free -= PAGEBLOCK_PAGES;
    return first;
  }
  return undefined;
}
