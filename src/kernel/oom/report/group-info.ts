/** What a group at its limit has used (mem_cgroup_print_oom_meminfo in mm/memcontrol.c, memcg1_stat_format). */
import { PAGE_SIZE } from '../../../hardware/units.ts';
import type { MemCgroup } from '../../cgroup/mem-cgroup.ts';
import { memoryStatOf } from '../../cgroup/memory-stat.ts';
import type { PageCounter } from '../../cgroup/page-counter.ts';
import type { PageCore } from '../../core.ts';

const KB_PER_PAGE = PAGE_SIZE / 1024;
/** PAGE_COUNTER_MAX: the most pages that a counter can hold, as kB and as bytes. */
const UNLIMITED_KB = '9007199254740988';
const UNLIMITED_BYTES = '9223372036854771712';

export function groupInfoLines(core: PageCore, group: MemCgroup): string[] {
  return [
    counterLine('memory', group.memory),
    counterLine('memory+swap', group.memsw),
    counterLine('kmem', group.kmem),
    `Memory cgroup stats for ${group.path}:`,
    ...statLines(core, group),
  ];
}

function counterLine(name: string, { usage, max, failcnt }: PageCounter): string {
  const limit = Number.isFinite(max) ? max * KB_PER_PAGE : UNLIMITED_KB;
  return `${name}: usage ${usage * KB_PER_PAGE}kB, limit ${limit}kB, failcnt ${failcnt}`;
}

/** memory.stat of version 1: the group alone, the tightest limits above it, and the group with all below. */
function statLines(core: PageCore, group: MemCgroup): string[] {
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
  return Number.isFinite(max) ? String(max * PAGE_SIZE) : UNLIMITED_BYTES;
}
