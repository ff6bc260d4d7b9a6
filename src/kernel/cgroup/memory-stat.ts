import type { PageCore } from '../core.ts';
import {
  PG_BUDDY,
  PG_CACHED,
  PG_DIRTY,
  PG_HEAD,
  PG_SWAPBACKED,
  PG_SWAPCACHE,
  PG_TABLE,
  PG_WRITEBACK,
} from '../frames/frame-table.ts';
import {
  LRU_ACTIVE_ANON,
  LRU_ACTIVE_FILE,
  LRU_INACTIVE_ANON,
  LRU_INACTIVE_FILE,
  LRU_UNEVICTABLE,
} from '../frames/lru.ts';
import type { MemCgroup } from './mem-cgroup.ts';

const PAGE = 4096;

/**
 * The lines of memory.stat of one group, those below it left out (memcg1_stat_format in mm/memcontrol-v1.c): bytes, but for
 * the counts of events. Counted from the frame table, so it is exact and not up to 2 s old as the kernel's.
 */
export function memoryStatOf(core: PageCore, group: MemCgroup): Record<string, number> {
  const { table, lru, rmap } = core;
  const pages = { cache: 0, rss: 0, shmem: 0, huge: 0, mapped: 0, dirty: 0, writeback: 0, swapcached: 0 };
  for (let frame = 1; frame < table.frames; frame++) {
    if (table.memcg[frame] !== group.id) continue;
    const flags = table.flags[frame] as number;
    if (flags & (PG_BUDDY | PG_TABLE)) continue;
    const isAnonymous = (table.mapping[frame] as number) < 0 || (flags & PG_SWAPCACHE) !== 0;
    if (isAnonymous && flags & PG_HEAD && table.entireMappings(frame as never) > 0)
      pages.huge += 1 << table.order(frame as never);
    if (isAnonymous) pages.rss++;
    else if (flags & PG_CACHED) pages.cache++;
    if (!isAnonymous && flags & PG_SWAPBACKED) pages.shmem++;
    if (!isAnonymous && (table.mapcount[frame] as number) > 0) pages.mapped++;
    if (!isAnonymous && flags & PG_DIRTY && !rmap.isShmem(frame as never)) pages.dirty++;
    if (flags & PG_WRITEBACK) pages.writeback++;
    if (flags & PG_SWAPCACHE) pages.swapcached++;
  }
  const list = (kind: number) => (lru.lruvec(group.id).sizes[kind] as number) * PAGE;
  return {
    cache: pages.cache * PAGE,
    rss: pages.rss * PAGE,
    rss_huge: pages.huge * PAGE,
    shmem: pages.shmem * PAGE,
    mapped_file: pages.mapped * PAGE,
    dirty: pages.dirty * PAGE,
    writeback: pages.writeback * PAGE,
    workingset_refault_anon: group.refaultAnon,
    workingset_refault_file: group.refaultFile,
    swap: group.swapped * PAGE,
    swapcached: pages.swapcached * PAGE,
    pgpgin: group.pgpgin,
    pgpgout: group.pgpgout,
    pgfault: group.pgfault,
    pgmajfault: group.pgmajfault,
    inactive_anon: list(LRU_INACTIVE_ANON),
    active_anon: list(LRU_ACTIVE_ANON),
    inactive_file: list(LRU_INACTIVE_FILE),
    active_file: list(LRU_ACTIVE_FILE),
    unevictable: list(LRU_UNEVICTABLE),
  };
}

/** What a counter without limit shows: the largest multiple of a page in a long. */
export const UNLIMITED_BYTES = '9223372036854771712';

/** memory.stat as a text: the group alone, the tightest limits from here upwards, and the group with all below. */
export function memoryStatLines(core: PageCore, group: MemCgroup): string[] {
  const own = memoryStatOf(core, group);
  const totals: Record<string, number> = {};
  for (const member of group.subtree())
    for (const [key, value] of Object.entries(member === group ? own : memoryStatOf(core, member)))
      totals[key] = (totals[key] ?? 0) + value;
  return [
    ...Object.entries(own).map(([key, value]) => `${key} ${value}`),
    `hierarchical_memory_limit ${tightest(group, 'memory')}`,
    `hierarchical_memsw_limit ${tightest(group, 'memsw')}`,
    ...Object.entries(totals).map(([key, value]) => `total_${key} ${value}`),
  ];
}

function tightest(group: MemCgroup, counter: 'memory' | 'memsw'): string {
  let max = Number.POSITIVE_INFINITY;
  for (let at: MemCgroup | undefined = group; at !== undefined; at = at.parent) max = Math.min(max, at[counter].max);
  return Number.isFinite(max) ? String(max * PAGE) : UNLIMITED_BYTES;
}

/** memory.numa_stat of version 1 (memcg_numa_stat_show): pages of the lists on the one node, without and with all below. */
export function numaText({ lru }: PageCore, group: MemCgroup): string {
  const lines = (prefix: string, members: Iterable<MemCgroup>): string => {
    const pages = { file: 0, anon: 0, unevictable: 0 };
    for (const { id } of members) {
      const { sizes } = lru.lruvec(id);
      pages.file += (sizes[LRU_INACTIVE_FILE] as number) + (sizes[LRU_ACTIVE_FILE] as number);
      pages.anon += (sizes[LRU_INACTIVE_ANON] as number) + (sizes[LRU_ACTIVE_ANON] as number);
      pages.unevictable += sizes[LRU_UNEVICTABLE] as number;
    }
    const total = pages.file + pages.anon + pages.unevictable;
    return Object.entries({ total, ...pages })
      .map(([name, count]) => `${prefix}${name}=${count} N0=${count}\n`)
      .join('');
  };
  return lines('', [group]) + lines('hierarchical_', group.subtree());
}
