import { PAGE_SIZE } from '../../hardware/units.ts';
import type { PageCore } from '../core.ts';
import type { Hugetlb } from '../hugetlb/hugetlb.ts';
import type { Swap } from '../swap/swap.ts';
import {
  NR_ANON_TRANSPARENT_HUGEPAGES,
  NR_FILE_HUGEPAGES,
  NR_FILE_PMDMAPPED,
  NR_KERNEL_STACK,
  NR_SHMEM_HUGEPAGES,
  NR_SHMEM_PMDMAPPED,
  NR_SLAB_RECLAIMABLE,
  NR_SLAB_UNRECLAIMABLE,
} from '../vmstat.ts';
import { countFrames, type FrameCounts } from './frame-counts.ts';

/** What the views of the whole machine read. */
export interface SystemSource extends Pick<PageCore, 'table' | 'allocator' | 'vmstat'> {
  readonly swap: Pick<Swap, 'total' | 'free'>;
}

/** The same with the pools of huge pages. */
export interface MeminfoSource extends SystemSource {
  readonly hugetlb: Pick<Hugetlb, 'default' | 'totalPages'>;
}

/** Overcommit's books, in pages (vm_commit_limit and vm_committed_as in mm/util.c). */
export interface CommitState {
  readonly limit: number;
  readonly committed: number;
}

const PAGE_KB = PAGE_SIZE / 1024;
/** The vmalloc area of 4-level paging: 32 TiB - 1 kB (VMALLOC_TOTAL). */
const VMALLOC_TOTAL_KB = 34_359_738_367;
const KB_PER_2M = 2048;
const KB_PER_1G = 1 << 20;

/** What can be given out without swapping, in pages (si_mem_available in mm/show_mem.c). */
export function availablePages({ allocator, vmstat }: SystemSource, counts: FrameCounts): number {
  const low = allocator.zones.reduce((sum, zone) => sum + zone.low, 0);
  const cache = counts.activeFile + counts.inactiveFile;
  const reclaimable = vmstat.value(NR_SLAB_RECLAIMABLE);
  const kept = (pages: number) => pages - Math.min(Math.floor(pages / 2), low);
  return Math.max(0, allocator.free - allocator.totalReserve + kept(cache) + kept(reclaimable));
}

/** Every line of /proc/meminfo in its order, in kB (pages for HugePages_*): meminfo_proc_show in fs/proc/meminfo.c. */
export function meminfoOf(source: MeminfoSource, commit: CommitState): Record<string, number> {
  const { allocator, vmstat, table, swap, hugetlb } = source;
  const counts = countFrames(table);
  const kb = (pages: number) => pages * PAGE_KB;
  const huge = (item: number) => vmstat.value(item) * KB_PER_2M;
  const reclaimable = kb(vmstat.value(NR_SLAB_RECLAIMABLE));
  const unreclaimable = kb(vmstat.value(NR_SLAB_UNRECLAIMABLE));
  const mapped = directMap(table.frames * PAGE_KB);
  return {
    MemTotal: kb(allocator.managed),
    MemFree: kb(allocator.free),
    MemAvailable: kb(availablePages(source, counts)),
    Buffers: 0,
    Cached: kb(counts.filePages - counts.swapCached),
    SwapCached: kb(counts.swapCached),
    Active: kb(counts.activeAnon + counts.activeFile),
    Inactive: kb(counts.inactiveAnon + counts.inactiveFile),
    'Active(anon)': kb(counts.activeAnon),
    'Inactive(anon)': kb(counts.inactiveAnon),
    'Active(file)': kb(counts.activeFile),
    'Inactive(file)': kb(counts.inactiveFile),
    Unevictable: kb(counts.unevictable),
    Mlocked: kb(counts.mlocked),
    SwapTotal: kb(swap.total),
    SwapFree: kb(swap.free),
    Zswap: 0,
    Zswapped: 0,
    Dirty: kb(counts.fileDirty),
    Writeback: kb(counts.writeback),
    AnonPages: kb(counts.anonMapped),
    Mapped: kb(counts.fileMapped),
    Shmem: kb(counts.shmem),
    KReclaimable: reclaimable,
    Slab: reclaimable + unreclaimable,
    SReclaimable: reclaimable,
    SUnreclaim: unreclaimable,
    KernelStack: vmstat.value(NR_KERNEL_STACK),
    PageTables: kb(counts.pageTables),
    SecPageTables: 0,
    NFS_Unstable: 0,
    Bounce: 0,
    WritebackTmp: 0,
    CommitLimit: kb(commit.limit),
    Committed_AS: kb(commit.committed),
    VmallocTotal: VMALLOC_TOTAL_KB,
    VmallocUsed: 0,
    VmallocChunk: 0,
    Percpu: 0,
    AnonHugePages: huge(NR_ANON_TRANSPARENT_HUGEPAGES),
    ShmemHugePages: huge(NR_SHMEM_HUGEPAGES),
    ShmemPmdMapped: huge(NR_SHMEM_PMDMAPPED),
    FileHugePages: huge(NR_FILE_HUGEPAGES),
    FilePmdMapped: huge(NR_FILE_PMDMAPPED),
    Balloon: 0,
    HugePages_Total: hugetlb.default.total,
    HugePages_Free: hugetlb.default.free.length,
    HugePages_Rsvd: hugetlb.default.reserved,
    HugePages_Surp: hugetlb.default.surplus,
    Hugepagesize: 2048,
    Hugetlb: kb(hugetlb.totalPages),
    DirectMap4k: mapped.k4,
    DirectMap2M: mapped.m2,
    DirectMap1G: mapped.g1,
  };
}

/** The kernel's own map of all memory, in the largest pages that fit (init_memory_mapping), in kB. */
function directMap(totalKb: number): { k4: number; m2: number; g1: number } {
  const g1 = Math.floor(totalKb / KB_PER_1G) * KB_PER_1G;
  const m2 = Math.floor((totalKb - g1) / KB_PER_2M) * KB_PER_2M;
  return { k4: totalKb - g1 - m2, m2, g1 };
}

/**
 * As an unsigned long is printed: HugePages_Rsvd falls below 0 for a while when the owner of a private mapping unmaps it
 * before its children do.
 */
const unsigned = (value: number): string => (value < 0 ? `184467440737095${51_616 + value}` : String(value));

/** /proc/meminfo. */
export function meminfoText(source: MeminfoSource, commit: CommitState): string {
  const lines = Object.entries(meminfoOf(source, commit)).map(([key, value]) => {
    const unit = key.startsWith('HugePages_') ? '' : ' kB';
    return `${`${key}:`.padEnd(16)}${unsigned(value).padStart(8)}${unit}`;
  });
  return `${lines.join('\n')}\n`;
}
