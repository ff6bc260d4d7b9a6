import { pfn } from '../../hardware/units.ts';
import {
  type FrameTable,
  PG_ACTIVE,
  PG_BUDDY,
  PG_CACHED,
  PG_DIRTY,
  PG_HUGETLB,
  PG_LRU,
  PG_MLOCKED,
  PG_SWAPBACKED,
  PG_SWAPCACHE,
  PG_TABLE,
  PG_UNEVICTABLE,
  PG_WRITEBACK,
} from '../frames/frame-table.ts';

/** How many frames of a range are what, in pages: the states that /proc/meminfo, vmstat and zoneinfo print. */
export interface FrameCounts {
  inactiveAnon: number;
  activeAnon: number;
  inactiveFile: number;
  activeFile: number;
  unevictable: number;
  mlocked: number;
  /** Mapped anonymous pages (NR_ANON_MAPPED). */
  anonMapped: number;
  /** Mapped pages of files and shared memory (NR_FILE_MAPPED). */
  fileMapped: number;
  /** Page cache, shared memory and swap cache included (NR_FILE_PAGES). */
  filePages: number;
  shmem: number;
  swapCached: number;
  /** Of files on disks; shared memory is never written back (NR_FILE_DIRTY). */
  fileDirty: number;
  writeback: number;
  pageTables: number;
}

const zero = (): FrameCounts => ({
  inactiveAnon: 0,
  activeAnon: 0,
  inactiveFile: 0,
  activeFile: 0,
  unevictable: 0,
  mlocked: 0,
  anonMapped: 0,
  fileMapped: 0,
  filePages: 0,
  shmem: 0,
  swapCached: 0,
  fileDirty: 0,
  writeback: 0,
  pageTables: 0,
});

/**
 * Counts the frames of a range by what the frame table says of them. The kernel keeps these numbers as it goes; here
 * they are counted when somebody reads them, so a page fault pays nothing and they cannot be wrong. Free blocks are
 * stepped over, so an idle machine of 128 GiB is counted in a moment.
 */
export function countFrames(table: FrameTable, start = 0, end: number = table.frames): FrameCounts {
  const counts = zero();
  const { flags, mapcount, mapping } = table;
  forEachUsed(table, start, end, (frame) => {
    const active = table.isYoung?.(frame) ? PG_ACTIVE : 0;
    count(counts, (flags[frame] as number) | active, mapcount[frame] as number, mapping[frame] as number);
  });
  return counts;
}

/** The same of the frames that some memory cgroups pay for, by their numbers (memory.stat with all below a group). */
export function countFramesOf(table: FrameTable, owners: ReadonlySet<number>): FrameCounts {
  const counts = zero();
  const { flags, mapcount, mapping, memcg } = table;
  forEachUsed(table, 0, table.frames, (frame) => {
    if (!owners.has(memcg[frame] as number)) return;
    const active = table.isYoung?.(frame) ? PG_ACTIVE : 0;
    count(counts, (flags[frame] as number) | active, mapcount[frame] as number, mapping[frame] as number);
  });
  return counts;
}

/** Every frame of a range that is neither free nor without any mark. */
function forEachUsed(table: FrameTable, start: number, end: number, visit: (frame: number) => void): void {
  for (let frame = start; frame < end; ) {
    const flag = table.flags[frame] as number;
    if (flag & PG_BUDDY) {
      frame += 1 << table.order(pfn(frame));
      continue;
    }
    if (flag !== 0) visit(frame);
    frame++;
  }
}

function count(counts: FrameCounts, flags: number, mapcount: number, mapping: number): void {
  if (flags & PG_TABLE) {
    counts.pageTables++;
    return;
  }
  if (flags & PG_HUGETLB) return;
  if (flags & PG_LRU) counts[listOf(flags)]++;
  if (flags & PG_MLOCKED) counts.mlocked++;
  if (flags & PG_WRITEBACK) counts.writeback++;
  if (mapcount > 0 && mapping !== 0) counts[mapping < 0 ? 'anonMapped' : 'fileMapped']++;
  if (flags & PG_SWAPCACHE) counts.swapCached++;
  if (flags & (PG_CACHED | PG_SWAPCACHE)) counts.filePages++;
  if ((flags & PG_CACHED) === 0) return;
  if (flags & PG_SWAPBACKED) counts.shmem++;
  else if (flags & PG_DIRTY) counts.fileDirty++;
}

function listOf(flags: number): 'unevictable' | 'activeAnon' | 'inactiveAnon' | 'activeFile' | 'inactiveFile' {
  if (flags & PG_UNEVICTABLE) return 'unevictable';
  if (flags & PG_SWAPBACKED) return flags & PG_ACTIVE ? 'activeAnon' : 'inactiveAnon';
  return flags & PG_ACTIVE ? 'activeFile' : 'inactiveFile';
}
