import { ORDERS, PAGEBLOCK_ORDER, type Zone } from '../frames/zone.ts';
import * as items from '../vmstat.ts';
import { countFrames, type FrameCounts } from './frame-counts.ts';
import type { SystemSource } from './meminfo.ts';

/** vm.dirty_ratio and vm.dirty_background_ratio. */
export interface DirtyRatios {
  readonly dirty: number;
  readonly background: number;
}

const DEFAULT_RATIOS: DirtyRatios = { dirty: 20, background: 10 };

/** Pages in free blocks of a pageblock and more (NR_FREE_PAGES_BLOCKS). */
export function freeInBlocks(zone: Zone): number {
  let pages = 0;
  for (let order = PAGEBLOCK_ORDER; order < ORDERS; order++) pages += zone.blocksOfOrder(order) << order;
  return pages;
}

/** The states of a zone or of the machine that the frame table tells, by item. */
export function stateItems(counts: FrameCounts): [item: number, pages: number][] {
  return [
    [items.NR_ZONE_INACTIVE_ANON, counts.inactiveAnon],
    [items.NR_ZONE_ACTIVE_ANON, counts.activeAnon],
    [items.NR_ZONE_INACTIVE_FILE, counts.inactiveFile],
    [items.NR_ZONE_ACTIVE_FILE, counts.activeFile],
    [items.NR_ZONE_UNEVICTABLE, counts.unevictable],
    [items.NR_ZONE_WRITE_PENDING, counts.fileDirty + counts.writeback],
    [items.NR_MLOCK, counts.mlocked],
    [items.NR_INACTIVE_ANON, counts.inactiveAnon],
    [items.NR_ACTIVE_ANON, counts.activeAnon],
    [items.NR_INACTIVE_FILE, counts.inactiveFile],
    [items.NR_ACTIVE_FILE, counts.activeFile],
    [items.NR_UNEVICTABLE, counts.unevictable],
    [items.NR_ANON_PAGES, counts.anonMapped],
    [items.NR_MAPPED, counts.fileMapped],
    [items.NR_FILE_PAGES, counts.filePages],
    [items.NR_DIRTY, counts.fileDirty],
    [items.NR_WRITEBACK, counts.writeback],
    [items.NR_SHMEM, counts.shmem],
    [items.NR_PAGE_TABLE_PAGES, counts.pageTables],
    [items.NR_SWAPCACHED, counts.swapCached],
  ];
}

/** How much may be dirty before writers must write, in pages (global_dirty_limits in mm/page-writeback.c). */
function dirtyLimits({ allocator }: SystemSource, counts: FrameCounts, ratios: DirtyRatios): [number, number] {
  const free = allocator.free - Math.min(allocator.free, allocator.totalReserve);
  const dirtyable = free + counts.inactiveFile + counts.activeFile;
  const pages = (percent: number) => Math.floor((Math.floor((percent * 4096) / 100) * dirtyable) / 4096);
  return [pages(ratios.dirty), pages(ratios.background)];
}

/** Every value of /proc/vmstat by item: states from the frame table and the zones, events as they were counted. */
export function vmstatOf(source: SystemSource, ratios: DirtyRatios = DEFAULT_RATIOS): Float64Array {
  const { allocator, vmstat, table } = source;
  const counts = countFrames(table);
  const [dirty, background] = dirtyLimits(source, counts, ratios);
  const values = vmstat.save();
  for (const [item, pages] of stateItems(counts)) values[item] = pages;
  values[items.NR_FREE_PAGES] = allocator.free;
  values[items.NR_FREE_PAGES_BLOCKS] = allocator.zones.reduce((sum, zone) => sum + freeInBlocks(zone), 0);
  values[items.NR_DIRTY_THRESHOLD] = dirty;
  values[items.NR_DIRTY_BACKGROUND_THRESHOLD] = background;
  return values;
}

/** /proc/vmstat. */
export function vmstatText(source: SystemSource, ratios?: DirtyRatios): string {
  const values = vmstatOf(source, ratios);
  return items.VMSTAT_NAMES.map((name, item) => `${name} ${values[item]}\n`).join('');
}
