/** What `cgstat` answers: memory.stat as the oracle prints it, and the small files beside it. */
import type { MemCgroup } from '../../kernel/cgroup/mem-cgroup.ts';
import { MEMORY_EVENTS, SWAP_EVENTS } from '../../kernel/cgroup/memory-events.ts';
import { memoryStatOf } from '../../kernel/cgroup/memory-stat.ts';
import { EVENT_NAMES, memoryStatV2 } from '../../kernel/cgroup/v2-stat.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Answer } from './answer.ts';

const PAGE = 4096;

/** Whole pages under `NAME_p`, all else as it is, nothing for a zero. */
function memstat(stat: Record<string, number>, isEvent: (key: string) => boolean): Answer {
  const shown: Answer = { _: 0 };
  for (const [key, value] of Object.entries(stat)) {
    if (value === 0) continue;
    if (value % PAGE === 0 && !isEvent(key)) shown[`${key}_p`] = value / PAGE;
    else shown[key] = value;
  }
  return shown;
}

/** Of version 1: the group alone. */
export function groupStatV1(kernel: Kernel, group: MemCgroup): Answer {
  return {
    memstat: memstat(memoryStatOf(kernel, group), (key) => key.startsWith('pg') || key.startsWith('work')),
    usage_p: group.memory.usage,
    max_usage_p: group.memory.watermark,
    memsw_usage_p: group.memsw.usage,
    kmem_usage_p: group.kmem.usage,
    failcnt: group.memory.failcnt,
    memsw_failcnt: group.memsw.failcnt,
    oom_kill: group.oomKills,
    under_oom: Number(group.underOom),
  };
}

/** Of version 2: the group and all below it, with no page waiting in a batch. */
export function groupStatV2(kernel: Kernel, group: MemCgroup): Answer {
  kernel.lru.drain();
  const { memory, swap, events, eventsLocal } = group;
  return {
    memstat: memstat(memoryStatV2(kernel, group), (key) => EVENT_NAMES.has(key)),
    current_p: memory.usage,
    peak_p: memory.watermark,
    swap_p: swap.usage,
    swap_peak_p: swap.watermark,
    events: eventCounts(MEMORY_EVENTS, events),
    events_local: eventCounts(MEMORY_EVENTS, eventsLocal),
    swap_events: eventCounts(SWAP_EVENTS, events),
  };
}

const eventCounts = (lines: readonly (readonly [string, number])[], counts: Float64Array): Answer => ({
  _: 0,
  ...Object.fromEntries(lines.map(([name, event]) => [name, counts[event] as number])),
});
