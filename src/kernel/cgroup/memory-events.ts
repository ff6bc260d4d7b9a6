/** What happens to a group at its limits (enum memcg_memory_event in include/linux/memcontrol.h). */
import type { MemCgroup } from './mem-cgroup.ts';

/** Pages were taken although memory.low protects them. */
export const MEMCG_LOW = 0;
/** Usage was above memory.high and had to be brought down. */
export const MEMCG_HIGH = 1;
/** A charge did not fit under memory.max. */
export const MEMCG_MAX = 2;
export const MEMCG_OOM = 3;
export const MEMCG_OOM_KILL = 4;
export const MEMCG_OOM_GROUP_KILL = 5;
export const MEMCG_SWAP_HIGH = 6;
export const MEMCG_SWAP_MAX = 7;
/** A page could not go to swap: the limit, or no room in any area. */
export const MEMCG_SWAP_FAIL = 8;
export const MEMCG_EVENTS = 9;

/** Lines of memory.events and memory.swap.events: name and event. */
export const MEMORY_EVENTS = [
  ['low', MEMCG_LOW],
  ['high', MEMCG_HIGH],
  ['max', MEMCG_MAX],
  ['oom', MEMCG_OOM],
  ['oom_kill', MEMCG_OOM_KILL],
  ['oom_group_kill', MEMCG_OOM_GROUP_KILL],
] as const;
export const SWAP_EVENTS = [
  ['high', MEMCG_SWAP_HIGH],
  ['max', MEMCG_SWAP_MAX],
  ['fail', MEMCG_SWAP_FAIL],
] as const;

/**
 * Counts an event where it happened (memory.events.local) and, in version 2, in all groups above (memcg_memory_event). The
 * root has no such files.
 */
export function countMemoryEvent(group: MemCgroup, event: number, version: 1 | 2, times = 1): void {
  (group.eventsLocal[event] as number) += times;
  for (let at: MemCgroup = group; at.parent !== undefined; at = at.parent) {
    (at.events[event] as number) += times;
    if (version === 1) return;
  }
}
