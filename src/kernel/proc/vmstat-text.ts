import { ORDERS, PAGEBLOCK_ORDER, type Zone } from '../frames/zone.ts';
import { type DirtyParams, dirtyablePages, dirtyLimits } from '../page-cache/dirty-limits.ts';
import * as items from '../vmstat.ts';
import { countFrames, type FrameCounts } from './frame-counts.ts';
import type { SystemSource } from './meminfo.ts';

/** The machine, with the tunables that decide on the dirty limits. */
export interface VmstatSource extends SystemSource {
  readonly params: DirtyParams;
}

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

/** Every value of /proc/vmstat by item: states from the frame table and the zones, events as they were counted. */
export function vmstatOf(source: VmstatSource): Float64Array {
  const { allocator, vmstat, table, params } = source;
  const counts = countFrames(table);
  const limits = dirtyLimits(params, dirtyablePages(allocator, counts.inactiveFile + counts.activeFile));
  const values = vmstat.save();
  for (const [item, pages] of stateItems(counts)) values[item] = pages;
  values[items.NR_FREE_PAGES] = allocator.free;
  values[items.NR_FREE_PAGES_BLOCKS] = allocator.zones.reduce((sum, zone) => sum + freeInBlocks(zone), 0);
  values[items.NR_DIRTY_THRESHOLD] = limits.hard;
  values[items.NR_DIRTY_BACKGROUND_THRESHOLD] = limits.background;
  return values;
}

/** /proc/vmstat. */
export function vmstatText(source: VmstatSource): string {
  const values = vmstatOf(source);
  return items.VMSTAT_NAMES.map((name, item) => `${name} ${values[item]}\n`).join('');
}
