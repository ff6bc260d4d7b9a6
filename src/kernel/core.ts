import type { PhysicalMemory } from '../hardware/physical-memory.ts';
import type { Pfn } from '../hardware/units.ts';
import type { MemCgroups } from './cgroup/mem-cgroups.ts';
import type { Compaction } from './compaction/compaction.ts';
import type { FrameAllocator } from './frames/allocator.ts';
import type { FrameTable } from './frames/frame-table.ts';
import type { LruLists } from './frames/lru.ts';
import type { UserPages } from './frames/user-pages.ts';
import type { Hugetlb } from './hugetlb/hugetlb.ts';
import type { AllocationPoint } from './oom/oom-control.ts';
import type { Workingset } from './page-cache/workingset.ts';
import type { PageTables } from './page-table/page-tables.ts';
import type { TlbFlush } from './page-table/tlb-flush.ts';
import type { Params } from './params.ts';
import type { Task } from './process/process.ts';
import type { Psi } from './psi/psi.ts';
import type { GroupStats } from './reclaim/group-stats.ts';
import type { AnonVmas } from './rmap/anon-vmas.ts';
import type { ReverseMap } from './rmap/rmap.ts';
import type { Slab } from './slab/slab.ts';
import type { Swap } from './swap/swap.ts';
import type { HugePages } from './thp/huge-pages.ts';
import type { Timers } from './time/clock.ts';
import type { EventLog } from './tracepoints.ts';
import type { VmStat } from './vmstat.ts';

/** What every part of the kernel that handles pages works with: frames, tables, who maps what, and the books. */
export interface PageCore {
  readonly memory: PhysicalMemory;
  /** Whether frames hold bytes that must be copied and cleared. */
  readonly contents: 'bytes' | 'none';
  readonly table: FrameTable;
  readonly allocator: FrameAllocator;
  readonly pages: UserPages;
  readonly pageTables: PageTables;
  readonly anonVmas: AnonVmas;
  readonly rmap: ReverseMap;
  readonly lru: LruLists;
  readonly swap: Swap;
  readonly hugetlb: Hugetlb;
  readonly cgroups: MemCgroups;
  readonly thp: HugePages;
  readonly compaction: Compaction;
  /** Waits for memory. */
  readonly psi: Psi;
  /** The kernel's own objects. */
  readonly slab: Slab;
  /** Statistics of groups, as old as the kernel's are. */
  readonly groupStats: GroupStats;
  readonly params: Params;
  readonly tlb: TlbFlush;
  readonly vmstat: VmStat;
  readonly trace: EventLog;
  readonly clock: Timers;
  /** The task that runs now. */
  readonly current: Task | undefined;
  /** A page of a file was written through a mapping: its cache page is dirty now (folio_mark_dirty). */
  markDirty(frame: Pfn): void;
  /**
   * Drops a clean page of a file that nothing maps any more, leaving a shadow of it (__remove_mapping).
   * @param target the group whose limit it goes for, 0 for the machine
   */
  evictFromCache(frame: Pfn, target: number): void;
  /** Pages of a group came back that had been in use when they were evicted: their kind is dear to reclaim. */
  noteRefault(group: number, isFile: boolean, pages: number): void;
  /** A cached page of a file lies in another frame from now on (__folio_migrate_mapping). */
  moveInCache(from: Pfn, to: Pfn): void;
  /** Makes single pages of a large folio (split_folio): those of a file are unmapped, anonymous ones stay mapped. */
  splitFolio(frame: Pfn): void;
  /**
   * Gives a dirty page of a memory file that nothing maps any more a place in swap, and puts it in the swap cache
   * (shmem_writeout). @returns false when swap has no room
   */
  moveToSwap(frame: Pfn): boolean;
  /** Recognises pages that come back soon after they were evicted. */
  readonly workingset: Pick<Workingset, 'eviction' | 'refault'>;
  /**
   * A point at which nobody holds a page in his hands: reclaims if memory was found short since the last one.
   * What was asked for may end the task itself: then it must not touch its memory any more.
   * @returns whether the task still lives
   * @throws KernelPanic when memory is used up and nobody may be killed
   */
  relieve(task: Task, point: AllocationPoint): boolean;
  /** The one frame of zeros that stands for every anonymous page that was only read (empty_zero_page). */
  readonly zeroFrame: Pfn;
}
