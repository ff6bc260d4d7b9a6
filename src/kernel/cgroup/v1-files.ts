/** The files of a memory cgroup as version 1 names them (mm/memcontrol-v1.c): reading and writing them. */
import type { PageCore } from '../core.ts';
import { EBUSY, EINVAL, ENOENT } from '../errno.ts';
import type { MemCgroup } from './mem-cgroup.ts';
import { memoryStatOf } from './memory-stat.ts';
import type { PageCounter } from './page-counter.ts';

const PAGE = 4096;
/** What a counter without limit shows: the largest multiple of a page in a long. */
const UNLIMITED = '9223372036854771712';
const MAX_RECLAIM_RETRIES = 16;
const MOST_SWAPPINESS = 200;

/** What writes to the files ask for. */
export interface V1Needs {
  readonly core: PageCore;
  /** Frees pages of a group. @returns pages freed */
  reclaim(group: MemCgroup, pages: number, maySwap: boolean): number;
}

const counters = (group: MemCgroup): Readonly<Record<string, PageCounter>> => ({
  'memory.': group.memory,
  'memory.memsw.': group.memsw,
  'memory.kmem.': group.kmem,
});

/** @returns the text of a file, or -ENOENT */
export function readV1(needs: V1Needs, group: MemCgroup, file: string): string | number {
  if (file === 'memory.stat')
    return Object.entries(memoryStatOf(needs.core, group))
      .map(([key, value]) => `${key} ${value}\n`)
      .join('');
  if (file === 'memory.swappiness') return `${group.swappiness}\n`;
  if (file === 'memory.oom_control')
    return `oom_kill_disable ${Number(group.oomKillDisable)}\nunder_oom ${Number(group.underOom)}\noom_kill ${group.oomKills}\n`;
  for (const [prefix, counter] of Object.entries(counters(group))) {
    if (!file.startsWith(prefix)) continue;
    const what = file.slice(prefix.length);
    if (what === 'usage_in_bytes') return `${counter.usage * PAGE}\n`;
    if (what === 'max_usage_in_bytes') return `${counter.watermark * PAGE}\n`;
    if (what === 'failcnt') return `${counter.failcnt}\n`;
    if (what === 'limit_in_bytes') return `${Number.isFinite(counter.max) ? counter.max * PAGE : UNLIMITED}\n`;
  }
  return -ENOENT;
}

/** @returns 0 or a negated errno, as a write to the file does */
export function writeV1(needs: V1Needs, group: MemCgroup, file: string, value: string): number {
  const number = Number(value);
  switch (file) {
    case 'memory.limit_in_bytes':
      return resize(needs, group, 'memory', number);
    case 'memory.memsw.limit_in_bytes':
      return resize(needs, group, 'memsw', number);
    case 'memory.swappiness':
      if (!Number.isInteger(number) || number < 0 || number > MOST_SWAPPINESS) return -EINVAL;
      group.swappiness = number;
      return 0;
    case 'memory.oom_control':
      if (number !== 0 && number !== 1) return -EINVAL;
      group.oomKillDisable = number === 1;
      return 0;
    case 'memory.force_empty':
      return forceEmpty(needs, group);
    default:
      return -ENOENT;
  }
}

/**
 * mem_cgroup_resize_max: a limit below what is in use first makes room, and fails when that cannot be done. Memory alone
 * may never be allowed more than memory and swap together.
 */
function resize(needs: V1Needs, group: MemCgroup, which: 'memory' | 'memsw', bytes: number): number {
  if (Number.isNaN(bytes)) return -EINVAL;
  const max = bytes < 0 ? Number.POSITIVE_INFINITY : Math.floor(bytes / PAGE);
  const isMemory = which === 'memory';
  if (isMemory ? max > group.memsw.max : max < group.memory.max) return -EINVAL;
  let drained = false;
  for (;;) {
    if (group[which].usage <= max) {
      group[which].max = max;
      return 0;
    }
    if (!drained) {
      drained = true;
      needs.core.cgroups.drainStocks(group);
      continue;
    }
    if (needs.reclaim(group, 1, isMemory) === 0) return -EBUSY;
  }
}

/** mem_cgroup_force_empty: reclaims until nothing is charged or nothing more can be freed. */
function forceEmpty(needs: V1Needs, group: MemCgroup): number {
  needs.core.lru.drain();
  needs.core.cgroups.drainStocks(group);
  for (let retries = MAX_RECLAIM_RETRIES; retries > 0 && group.memory.usage > 0; )
    if (needs.reclaim(group, 1, true) === 0) retries--;
  return 0;
}
