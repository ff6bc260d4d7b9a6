/** Writing memory.max, memory.high and memory.reclaim: pages go at once (mm/memcontrol.c, user_proactive_reclaim). */
import { PAGE_SIZE } from '../../hardware/units.ts';
import { EAGAIN, EINVAL } from '../errno.ts';
import type { MemCgroup } from './mem-cgroup.ts';
import { countMemoryEvent, MEMCG_OOM } from './memory-events.ts';
import { memparse } from './memparse.ts';
import { MAX_RECLAIM_RETRIES } from './throttle.ts';

/** SWAPPINESS_ANON_ONLY: files are left alone. */
export const SWAPPINESS_ANON_ONLY = 201;
const MAX_SWAPPINESS = 200;

export interface WriteNeeds {
  /** Frees pages of a group. @returns pages freed */
  reclaim(group: MemCgroup, pages: number, maySwap: boolean): number;
  /** The same because somebody asks for it, with a swappiness of its own or the machine's. */
  reclaimProactively(group: MemCgroup, pages: number, swappiness: number | undefined): number;
  drainStocks(group: MemCgroup): void;
  /** Pages that wait in batches go to their lists (lru_add_drain_all). */
  drainLru(): void;
  /** Kills somebody in a group; no task asks for it. @returns false when nobody may be killed */
  oomKill(group: MemCgroup): boolean;
}

/** memory_max_write: the limit holds at once; what is above it is reclaimed, then processes are killed. */
export function setMax(needs: WriteNeeds, group: MemCgroup, pages: number): void {
  const { memory } = group;
  memory.max = pages;
  let drained = false;
  for (let retries = MAX_RECLAIM_RETRIES; memory.usage > pages; ) {
    if (!drained) {
      drained = true;
      needs.drainStocks(group);
    } else if (retries > 0) {
      if (needs.reclaim(group, memory.usage - pages, true) === 0) retries--;
    } else {
      countMemoryEvent(group, MEMCG_OOM, 2);
      if (!needs.oomKill(group)) return;
    }
  }
}

/** memory_high_write: as above, but nobody is killed. */
export function setHigh(needs: WriteNeeds, group: MemCgroup, pages: number): void {
  const { memory } = group;
  memory.high = pages;
  let drained = false;
  for (let retries = MAX_RECLAIM_RETRIES; memory.usage > pages; ) {
    if (!drained) {
      drained = true;
      needs.drainStocks(group);
    } else if (needs.reclaim(group, memory.usage - pages, true) === 0 && retries-- === 0) return;
  }
}

/** memory.reclaim: `SIZE [swappiness=N|max]`, in batches of a quarter of what is left. @returns 0 or a negated errno */
export function proactiveReclaim(needs: WriteNeeds, group: MemCgroup, text: string): number {
  const line = text.trim();
  const { bytes, rest } = memparse(line);
  if (rest === line) return -EINVAL;
  let swappiness: number | undefined;
  for (const word of rest.split(' ').filter((part) => part !== '')) {
    const value = /^swappiness=(max|-?\d+)$/.exec(word)?.[1];
    if (value === undefined) return -EINVAL;
    swappiness = value === 'max' ? SWAPPINESS_ANON_ONLY : Number(value);
    if (value !== 'max' && (swappiness < 0 || swappiness > MAX_SWAPPINESS)) return -EINVAL;
  }
  const wanted = Math.floor(bytes / PAGE_SIZE);
  let retries = MAX_RECLAIM_RETRIES;
  for (let done = 0; done < wanted; ) {
    // Before it gives up it looks at pages that wait in batches, too.
    if (retries === 0) needs.drainLru();
    const freed = needs.reclaimProactively(group, Math.floor((wanted - done) / 4), swappiness);
    if (freed === 0 && retries-- === 0) return -EAGAIN;
    done += freed;
  }
  return 0;
}
