import { pfn } from '../../hardware/units.ts';
import type { PageCore } from '../core.ts';
import { PG_HEAD } from '../frames/frame-table.ts';
import { PMD_PAGES } from '../page-table/table-walk.ts';
import { countFramesOf } from '../proc/frame-counts.ts';
import * as items from '../vmstat-items.ts';
import { CGROUP_PERCPU_BYTES, KERNEL_STACK_BYTES, PROCESS_PERCPU_BYTES } from './kernel-objects.ts';
import type { MemCgroup } from './mem-cgroup.ts';

const PAGE = 4096;

/** Events, in the order of the file: those of /proc/vmstat, of the group and all below it. `pgscan` is a sum of some. */
const EVENTS: readonly [name: string, ...summed: number[]][] = [
  ['workingset_refault_anon', items.WORKINGSET_REFAULT_ANON],
  ['workingset_refault_file', items.WORKINGSET_REFAULT_FILE],
  ['workingset_activate_anon', items.WORKINGSET_ACTIVATE_ANON],
  ['workingset_activate_file', items.WORKINGSET_ACTIVATE_FILE],
  ['workingset_restore_anon', items.WORKINGSET_RESTORE_ANON],
  ['workingset_restore_file', items.WORKINGSET_RESTORE_FILE],
  ['workingset_nodereclaim', items.WORKINGSET_NODERECLAIM],
  ['pgdemote_kswapd', items.PGDEMOTE_KSWAPD],
  ['pgdemote_direct', items.PGDEMOTE_DIRECT],
  ['pgdemote_khugepaged', items.PGDEMOTE_KHUGEPAGED],
  ['pgdemote_proactive', items.PGDEMOTE_PROACTIVE],
  ['pgpromote_success', items.PGPROMOTE_SUCCESS],
  ['pgscan', items.PGSCAN_KSWAPD, items.PGSCAN_DIRECT, items.PGSCAN_PROACTIVE, items.PGSCAN_KHUGEPAGED],
  ['pgsteal', items.PGSTEAL_KSWAPD, items.PGSTEAL_DIRECT, items.PGSTEAL_PROACTIVE, items.PGSTEAL_KHUGEPAGED],
  ['pswpin', items.PSWPIN],
  ['pswpout', items.PSWPOUT],
  ['pgscan_kswapd', items.PGSCAN_KSWAPD],
  ['pgscan_direct', items.PGSCAN_DIRECT],
  ['pgscan_khugepaged', items.PGSCAN_KHUGEPAGED],
  ['pgscan_proactive', items.PGSCAN_PROACTIVE],
  ['pgsteal_kswapd', items.PGSTEAL_KSWAPD],
  ['pgsteal_direct', items.PGSTEAL_DIRECT],
  ['pgsteal_khugepaged', items.PGSTEAL_KHUGEPAGED],
  ['pgsteal_proactive', items.PGSTEAL_PROACTIVE],
  ['pgfault'],
  ['pgmajfault'],
  ['pgrefill', items.PGREFILL],
  ['pgactivate', items.PGACTIVATE],
  ['pgdeactivate', items.PGDEACTIVATE],
  ['pglazyfree', items.PGLAZYFREE],
  ['pglazyfreed', items.PGLAZYFREED],
  ['swpin_zero', items.SWPIN_ZERO],
  ['swpout_zero', items.SWPOUT_ZERO],
  ['thp_fault_alloc', items.THP_FAULT_ALLOC],
  ['thp_collapse_alloc', items.THP_COLLAPSE_ALLOC],
  ['thp_swpout', items.THP_SWPOUT],
  ['thp_swpout_fallback', items.THP_SWPOUT_FALLBACK],
  ['numa_pages_migrated', items.NUMA_PAGES_MIGRATED],
  ['numa_pte_updates', items.NUMA_PTE_UPDATES],
  ['numa_hint_faults', items.NUMA_HINT_FAULTS],
];

/** Names of memory.stat that are counts of events and not bytes. */
export const EVENT_NAMES: ReadonlySet<string> = new Set(EVENTS.map(([name]) => name));

/** Lines of memory.stat that have no line of their own in memory.numa_stat: they are of no node. */
const NOT_OF_A_NODE = new Set(['kernel', 'percpu', 'sock', 'vmalloc', 'slab']);

/** The lines of memory.numa_stat (memory_numa_stat_show): what lies on the one node. */
export function numaStatV2(core: PageCore, group: MemCgroup): Record<string, number> {
  const of = Object.entries(memoryStatV2(core, group)).filter(([key]) => !NOT_OF_A_NODE.has(key));
  const last = of.findIndex(([key]) => key === 'pgpromote_success');
  const [sizes, events] = [of.filter(([key]) => !EVENT_NAMES.has(key)), of.filter(([key]) => EVENT_NAMES.has(key))];
  const nodeEvents = events.slice(0, last + 1 - sizes.length);
  return Object.fromEntries([...sizes, ['hugetlb', 0], ...nodeEvents]);
}

/**
 * The lines of memory.stat of version 2 (memory_stat_format in mm/memcontrol.c), a group with all below it: bytes, then
 * events. Pages are counted from the frame table, so they are exact. Kernel memory is page tables and some kinds of objects
 * (`slab_unreclaimable` has them all); `pagetables` is 0, as in 6.18, whose page tables show in `kernel` alone.
 */
export function memoryStatV2(core: PageCore, group: MemCgroup): Record<string, number> {
  const members = [...group.subtree()];
  const owners = new Set(members.map(({ id }) => id));
  const frames = countFramesOf(core.table, owners);
  const objects = members.reduce((sum, { objectPages, objectBytes }) => sum + objectPages * PAGE - objectBytes, 0);
  const processes = members.reduce((sum, { kernelStacks }) => sum + kernelStacks, 0);
  const kernel = members.length === 1 && group.parent === undefined ? 0 : group.kmem.usage;
  const stat: Record<string, number> = {
    anon: frames.anonMapped * PAGE,
    file: (frames.filePages - frames.swapCached) * PAGE,
    kernel: kernel * PAGE,
    kernel_stack: processes * KERNEL_STACK_BYTES,
    pagetables: 0,
    sec_pagetables: 0,
    percpu: core.cgroups.cpus * ((members.length - 1) * CGROUP_PERCPU_BYTES + processes * PROCESS_PERCPU_BYTES),
    sock: 0,
    vmalloc: 0,
    shmem: frames.shmem * PAGE,
    file_mapped: frames.fileMapped * PAGE,
    file_dirty: frames.fileDirty * PAGE,
    file_writeback: frames.writeback * PAGE,
    swapcached: frames.swapCached * PAGE,
    anon_thp: hugePagesOf(core, owners) * PAGE,
    file_thp: 0,
    shmem_thp: 0,
    inactive_anon: frames.inactiveAnon * PAGE,
    active_anon: frames.activeAnon * PAGE,
    inactive_file: frames.inactiveFile * PAGE,
    active_file: frames.activeFile * PAGE,
    unevictable: frames.unevictable * PAGE,
    slab_reclaimable: 0,
    slab_unreclaimable: objects,
    slab: objects,
  };
  for (const [name, ...summed] of EVENTS) {
    let events = 0;
    if (name === 'pgfault' || name === 'pgmajfault') for (const member of members) events += member[name];
    for (const member of members) for (const item of summed) events += member.vmstat.value(item);
    stat[name] = events;
  }
  return stat;
}

/** Pages of huge anonymous folios that some directory maps as a whole (NR_ANON_THPS). */
function hugePagesOf({ table }: PageCore, owners: ReadonlySet<number>): number {
  let pages = 0;
  for (let head = 0; head < table.frames; head += PMD_PAGES) {
    if (!owners.has(table.memcg[head] as number) || !table.has(pfn(head), PG_HEAD)) continue;
    if (table.isAnonymous(pfn(head)) && table.entireMappings(pfn(head)) > 0) pages += PMD_PAGES;
  }
  return pages;
}
