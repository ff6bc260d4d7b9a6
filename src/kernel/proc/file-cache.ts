import { PAGE_SIZE, pfn } from '../../hardware/units.ts';
import type { Vma } from '../address-space/vma.ts';
import type { MemCgroups } from '../cgroup/mem-cgroups.ts';
import { PG_ACTIVE, PG_CACHED, PG_DIRTY, PG_UNEVICTABLE, PG_UPTODATE, PG_WRITEBACK } from '../frames/frame-table.ts';
import type { Inode } from '../page-cache/inode.ts';
import type { Process } from '../process/process.ts';
import { normalFrame, type ProcSource } from './source.ts';

/** What the views of the page cache read. */
export interface FileCacheSource extends ProcSource {
  readonly cgroups: Pick<MemCgroups, 'get'>;
  readonly processes: { readonly all: ReadonlyMap<number, Process> };
}

/** A process that maps pages of a file, and how many: what of its RssFile or RssShmem this file is. */
export interface Mapper {
  readonly pid: number;
  readonly comm: string;
  readonly pages: number;
}

/** A memory cgroup that pays for pages of a file. */
export interface Payer {
  /** Path below the hierarchy's root, which is '/'. */
  readonly cgroup: string;
  readonly pages: number;
}

/** What the page cache holds of one file; sizes in pages but for `bytes`. No tool of Linux tells the last two. */
export interface FileCache {
  readonly name: string;
  readonly bytes: number;
  /** Pages of the file, cached or not. */
  readonly pages: number;
  /** Pages in memory; each is on one of the three lists. */
  readonly cached: number;
  readonly active: number;
  readonly inactive: number;
  readonly unevictable: number;
  readonly dirty: number;
  readonly writeback: number;
  /** Pages that at least one process maps. */
  readonly mapped: number;
  /** Runs of pages that mincore(2) calls resident, as [first, end). */
  readonly resident: readonly (readonly [first: number, end: number])[];
  /** The largest first. */
  readonly mappers: readonly Mapper[];
  readonly payers: readonly Payer[];
}

/** Looks at every cached page of a file, and at every mapping of it. */
export function fileCacheOf(source: FileCacheSource, inode: Inode): FileCache {
  const { table } = source;
  const counts = { cached: 0, active: 0, inactive: 0, unevictable: 0, dirty: 0, writeback: 0, mapped: 0 };
  const resident: [first: number, end: number][] = [];
  const paid = new Map<number, number>();
  inode.pages.forEach(0, 0x7fffffff, (index, frame) => {
    const flags = table.flags[frame] as number;
    const payer = table.memcg[frame] as number;
    counts.cached++;
    counts[flags & PG_UNEVICTABLE ? 'unevictable' : flags & PG_ACTIVE ? 'active' : 'inactive']++;
    // Memory files are never written back: their dirty mark says nothing.
    if (flags & PG_DIRTY && inode.kind === 'file') counts.dirty++;
    if (flags & PG_WRITEBACK) counts.writeback++;
    if ((table.mapcount[frame] as number) > 0) counts.mapped++;
    paid.set(payer, (paid.get(payer) ?? 0) + 1);
    if (flags & PG_UPTODATE) extend(resident, index);
  });
  const payers = [...paid].map(([id, pages]) => ({ cgroup: source.cgroups.get(id).path, pages }));
  return {
    name: inode.name,
    bytes: inode.size,
    pages: Math.ceil(inode.size / PAGE_SIZE),
    ...counts,
    resident,
    mappers: mappersOf(source, inode),
    payers: payers.sort((a, b) => b.pages - a.pages),
  };
}

function extend(ranges: [first: number, end: number][], index: number): void {
  const last = ranges.at(-1);
  if (last !== undefined && last[1] === index) last[1]++;
  else ranges.push([index, index + 1]);
}

function mappersOf(source: FileCacheSource, inode: Inode): Mapper[] {
  const pagesOf = new Map<Vma['mm'], number>();
  for (const vma of inode.mappings) {
    const pages = mappedPages(source, vma, inode);
    if (pages > 0) pagesOf.set(vma.mm, (pagesOf.get(vma.mm) ?? 0) + pages);
  }
  const mappers: Mapper[] = [];
  for (const { pid, comm, mm } of source.processes.all.values()) {
    const pages = pagesOf.get(mm);
    if (pages !== undefined) mappers.push({ pid, comm, pages });
  }
  return mappers.sort((a, b) => b.pages - a.pages || a.pid - b.pid);
}

/** Entries of a mapping that lead to the file's own pages; private copies of them are anonymous memory. */
function mappedPages({ table, pageTables }: ProcSource, vma: Vma, inode: Inode): number {
  let pages = 0;
  pageTables.forEachTable(vma.mm, vma.start, vma.end, (firstSlot, _firstPage, entries) => {
    for (let slot = firstSlot; slot < firstSlot + entries; slot++) {
      const frame = normalFrame(pageTables.lo(slot), pageTables.hi(slot));
      if (frame >= 0 && table.has(pfn(frame), PG_CACHED) && table.mapping[frame] === inode.id) pages++;
    }
  });
  return pages;
}
