/** Where the machine's memory is (__show_mem and show_free_areas in mm/show_mem.c), from its true state. */
import { PAGE_SIZE } from '../../../hardware/units.ts';
import type { PageCore } from '../../core.ts';
import { MIGRATE_TYPES, ORDERS, type Zone } from '../../frames/zone.ts';
import { countFrames, type FrameCounts } from '../../proc/frame-counts.ts';
import {
  NR_ANON_TRANSPARENT_HUGEPAGES,
  NR_KERNEL_STACK,
  NR_SHMEM_HUGEPAGES,
  NR_SHMEM_PMDMAPPED,
  NR_SLAB_RECLAIMABLE,
  NR_SLAB_UNRECLAIMABLE,
} from '../../vmstat.ts';

/** 4 KiB pages of a transparent huge page. */
const HUGE_PAGE = 512;
const KB_PER_PAGE = PAGE_SIZE / 1024;
const kB = (pages: number): string => `${pages * KB_PER_PAGE}kB`;
/** The kernel knows five kinds of zone, and reserves of a zone against each. */
const ZONE_TYPES = 5;
/** A letter for each migrate type whose list has a free block. */
const TYPE_LETTERS = 'UME';

/**
 * The lines of Mem-Info.
 * @param allUnreclaimable kswapd has given up
 */
export function memInfoLines(core: PageCore, allUnreclaimable: boolean): string[] {
  const { allocator, table } = core;
  const { zones } = allocator;
  const all = countFrames(table);
  return [
    'Mem-Info:',
    ...totalLines(core, all),
    nodeLine(core, all, allUnreclaimable),
    ...zones.flatMap((zone) => [zoneLine(zone, countFrames(table, zone.start, zone.end)), reserveLine(zone)]),
    ...zones.map(freeListLine),
    ...poolLines(core),
    `${all.filePages} total pagecache pages`,
    `${all.swapCached} pages in swap cache`,
    `Free swap  = ${kB(core.swap.free)}`,
    `Total swap = ${kB(core.swap.total)}`,
    `${zones.reduce((sum, zone) => sum + zone.present, 0)} pages RAM`,
    '0 pages HighMem/MovableOnly',
    `${zones.reduce((sum, zone) => sum + zone.present - zone.managed, 0)} pages reserved`,
    '0 pages hwpoisoned',
  ];
}

/** In pages. */
function totalLines({ vmstat, allocator }: PageCore, counts: FrameCounts): string[] {
  const slab = `slab_reclaimable:${vmstat.value(NR_SLAB_RECLAIMABLE)} slab_unreclaimable:${vmstat.value(NR_SLAB_UNRECLAIMABLE)}`;
  return [
    `active_anon:${counts.activeAnon} inactive_anon:${counts.inactiveAnon} isolated_anon:0`,
    ` active_file:${counts.activeFile} inactive_file:${counts.inactiveFile} isolated_file:0`,
    ` unevictable:${counts.unevictable} dirty:${counts.fileDirty} writeback:${counts.writeback}`,
    ` ${slab}`,
    ` mapped:${counts.fileMapped} shmem:${counts.shmem} pagetables:${counts.pageTables}`,
    ' sec_pagetables:0 bounce:0',
    ' kernel_misc_reclaimable:0',
    ` free:${allocator.free} free_pcp:0 free_cma:0`,
  ];
}

const listsText = (counts: FrameCounts): string =>
  `active_anon:${kB(counts.activeAnon)} inactive_anon:${kB(counts.inactiveAnon)} active_file:${kB(counts.activeFile)} ` +
  `inactive_file:${kB(counts.inactiveFile)} unevictable:${kB(counts.unevictable)}`;

function nodeLine({ vmstat }: PageCore, counts: FrameCounts, allUnreclaimable: boolean): string {
  const huge = (item: number): string => kB(vmstat.value(item) * HUGE_PAGE);
  return (
    `Node 0 ${listsText(counts)} isolated(anon):0kB isolated(file):0kB mapped:${kB(counts.fileMapped)} ` +
    `dirty:${kB(counts.fileDirty)} writeback:${kB(counts.writeback)} shmem:${kB(counts.shmem)} ` +
    `shmem_thp:${huge(NR_SHMEM_HUGEPAGES)} shmem_pmdmapped:${huge(NR_SHMEM_PMDMAPPED)} ` +
    `anon_thp:${huge(NR_ANON_TRANSPARENT_HUGEPAGES)} kernel_stack:${vmstat.value(NR_KERNEL_STACK)}kB ` +
    `pagetables:${kB(counts.pageTables)} sec_pagetables:0kB all_unreclaimable? ${allUnreclaimable ? 'yes' : 'no'} Balloon:0kB`
  );
}

function zoneLine(zone: Zone, counts: FrameCounts): string {
  return (
    `Node 0 ${zone.name} free:${kB(zone.free)} boost:0kB min:${kB(zone.min)} low:${kB(zone.low)} high:${kB(zone.high)} ` +
    `reserved_highatomic:0KB free_highatomic:0KB ${listsText(counts)} ` +
    `writepending:${kB(counts.fileDirty + counts.writeback)} zspages:0kB present:${kB(zone.present)} ` +
    `managed:${kB(zone.managed)} mlocked:${kB(counts.mlocked)} bounce:0kB free_pcp:0kB local_pcp:0kB free_cma:0kB`
  );
}

/** In pages, by the kind of zone that a request could be served from. */
function reserveLine({ lowmemReserve }: Zone): string {
  const last = lowmemReserve.length - 1;
  const reserves = Array.from({ length: ZONE_TYPES }, (_, i) => lowmemReserve[Math.min(i, last)] ?? 0);
  return `lowmem_reserve[]: ${reserves.join(' ')}`;
}

/** The pools of huge pages, the largest first (hugetlb_show_meminfo_node). */
const poolLines = ({ hugetlb }: PageCore): string[] =>
  [...hugetlb.hstates]
    .reverse()
    .map(
      ({ total, free, surplus, pages }) =>
        `Node 0 hugepages_total=${total} hugepages_free=${free.length} hugepages_surp=${surplus} hugepages_size=${kB(pages)}`,
    );

/** `2*4kB (ME) 1*8kB (M) ... = 1504kB`. */
function freeListLine(zone: Zone): string {
  let pages = 0;
  const orders = Array.from({ length: ORDERS }, (_, order) => {
    const blocks = zone.blocksOfOrder(order);
    pages += blocks << order;
    const letters = [...TYPE_LETTERS].filter((_letter, type) => zone.lists.sizes[order * MIGRATE_TYPES + type] !== 0);
    return `${blocks}*${kB(1 << order)}${letters.length > 0 ? ` (${letters.join('')})` : ''}`;
  });
  return `Node 0 ${zone.name}: ${orders.join(' ')} = ${kB(pages)}`;
}
