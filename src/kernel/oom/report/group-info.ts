/** What a group at its limit has used (mem_cgroup_print_oom_meminfo in mm/memcontrol.c, memcg1_stat_format). */
import { PAGE_SIZE } from '../../../hardware/units.ts';
import type { MemCgroup } from '../../cgroup/mem-cgroup.ts';
import { MEMCG_MAX, MEMCG_SWAP_MAX } from '../../cgroup/memory-events.ts';
import { memoryStatLines } from '../../cgroup/memory-stat.ts';
import type { PageCounter } from '../../cgroup/page-counter.ts';
import { memoryStatV2 } from '../../cgroup/v2-stat.ts';
import type { PageCore } from '../../core.ts';

const KB_PER_PAGE = PAGE_SIZE / 1024;
/** PAGE_COUNTER_MAX: the most pages that a counter can hold, as kB. */
const UNLIMITED_KB = '9007199254740988';

export function groupInfoLines(core: PageCore, group: MemCgroup): string[] {
  const { memory, memsw, swap, kmem, events, path } = group;
  const stats = `Memory cgroup stats for ${path}:`;
  if (core.cgroups.version === 2)
    return [
      counterLine('memory', memory, events[MEMCG_MAX]),
      counterLine('swap', swap, events[MEMCG_SWAP_MAX]),
      stats,
      ...pairs(memoryStatV2(core, group)),
    ];
  const counters = [counterLine('memory', memory), counterLine('memory+swap', memsw), counterLine('kmem', kmem)];
  return [...counters, stats, ...memoryStatLines(core, group)];
}

const pairs = (stat: Readonly<Record<string, number>>): string[] =>
  Object.entries(stat).map(([key, value]) => `${key} ${value}`);

/** @param failures of version 2, which counts them as events */
function counterLine(name: string, { usage, max, failcnt }: PageCounter, failures: number = failcnt): string {
  const limit = Number.isFinite(max) ? max * KB_PER_PAGE : UNLIMITED_KB;
  return `${name}: usage ${usage * KB_PER_PAGE}kB, limit ${limit}kB, failcnt ${failures}`;
}
