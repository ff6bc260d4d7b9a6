/** The files of a memory cgroup as version 1 names them (mm/memcontrol-v1.c): reading and writing them. */
import { PAGE_SIZE } from '../../hardware/units.ts';
import type { PageCore } from '../core.ts';
import { EBUSY, EINVAL, ENOENT } from '../errno.ts';
import type { MemCgroup } from './mem-cgroup.ts';
import { memoryStatLines, numaText, UNLIMITED_BYTES } from './memory-stat.ts';
import { parseLimit } from './memparse.ts';
import type { PageCounter } from './page-counter.ts';

const MAX_RECLAIM_RETRIES = 16;
const MOST_SWAPPINESS = 200;

/** What writes to the files ask for. */
export interface V1Needs {
  readonly core: PageCore;
  /** Frees pages of a group. @returns pages freed */
  reclaim(group: MemCgroup, pages: number, maySwap: boolean): number;
  /** Process ids of a group alone, in order. */
  processes(group: MemCgroup): number[];
}

/** Files of a counter have its name in front: `memory.memsw.` and so on. Sockets hold no memory here. */
const COUNTERS: readonly (readonly [prefix: string, counter: (group: MemCgroup) => PageCounter | undefined])[] = [
  ['memory.memsw.', ({ memsw }) => memsw],
  ['memory.kmem.tcp.', () => undefined],
  ['memory.kmem.', ({ kmem }) => kmem],
  ['memory.', ({ memory }) => memory],
];

const COUNTER_FILES = ['usage_in_bytes', 'max_usage_in_bytes', 'limit_in_bytes', 'failcnt'];
const OTHER_FILES = [
  'cgroup.procs',
  'memory.force_empty',
  'memory.move_charge_at_immigrate',
  'memory.numa_stat',
  'memory.oom_control',
  'memory.soft_limit_in_bytes',
  'memory.stat',
  'memory.swappiness',
  'memory.use_hierarchy',
];

/** Names of the files of a group, in alphabetical order. */
export const v1FileNames = (): string[] =>
  [...OTHER_FILES, ...COUNTERS.flatMap(([prefix]) => COUNTER_FILES.map((name) => prefix + name))].sort();

const limit = (pages: number): string => `${Number.isFinite(pages) ? pages * PAGE_SIZE : UNLIMITED_BYTES}\n`;

/** @returns the text of a file, or -ENOENT */
export function readV1(needs: V1Needs, group: MemCgroup, file: string): string | number {
  switch (file) {
    case 'memory.stat':
      return memoryStatLines(needs.core, group)
        .map((line) => `${line}\n`)
        .join('');
    case 'memory.numa_stat':
      return numaText(needs.core, group);
    case 'memory.swappiness':
      return `${group.swappiness}\n`;
    case 'memory.oom_control':
      return `oom_kill_disable ${Number(group.oomKillDisable)}\nunder_oom ${Number(group.underOom)}\noom_kill ${group.oomKills}\n`;
    case 'memory.soft_limit_in_bytes':
      return limit(group.softLimit);
    case 'memory.use_hierarchy':
      return '1\n';
    case 'memory.move_charge_at_immigrate':
      return '0\n';
    case 'cgroup.procs':
      return needs
        .processes(group)
        .map((pid) => `${pid}\n`)
        .join('');
    default:
      return readCounter(group, file);
  }
}

function counterFile(file: string): { counterOf: (group: MemCgroup) => PageCounter | undefined; what: string } {
  for (const [prefix, counterOf] of COUNTERS)
    if (file.startsWith(prefix)) return { counterOf, what: file.slice(prefix.length) };
  return { counterOf: () => undefined, what: '' };
}

/** mem_cgroup_read_u64. */
function readCounter(group: MemCgroup, file: string): string | number {
  const { counterOf, what } = counterFile(file);
  if (!COUNTER_FILES.includes(what)) return -ENOENT;
  const counter = counterOf(group);
  if (what === 'limit_in_bytes') return limit(file.startsWith('memory.kmem.') ? Infinity : (counter?.max ?? Infinity));
  if (what === 'failcnt') return `${counter?.failcnt ?? 0}\n`;
  const pages = what === 'usage_in_bytes' ? counter?.usage : counter?.watermark;
  return `${(pages ?? 0) * PAGE_SIZE}\n`;
}

/** @returns 0 or a negated errno, as a write to the file does */
export function writeV1(needs: V1Needs, group: MemCgroup, file: string, text: string): number {
  const value = Number(text);
  switch (file) {
    case 'memory.swappiness':
      if (!Number.isInteger(value) || value < 0 || value > MOST_SWAPPINESS) return -EINVAL;
      group.swappiness = value;
      return 0;
    case 'memory.oom_control':
      if (value !== 0 && value !== 1) return -EINVAL;
      group.oomKillDisable = value === 1;
      return 0;
    case 'memory.force_empty':
      return forceEmpty(needs, group);
    case 'memory.soft_limit_in_bytes': {
      const pages = parseLimit(text, '-1');
      if (pages === undefined) return -EINVAL;
      group.softLimit = pages;
      return 0;
    }
    // Groups have always been a hierarchy since 5.11, and charges have stayed where they are since 6.13.
    case 'memory.use_hierarchy':
      return value === 1 ? 0 : -EINVAL;
    case 'memory.move_charge_at_immigrate':
      return value === 0 ? 0 : -EINVAL;
    default:
      return writeCounter(needs, group, file, text);
  }
}

/** mem_cgroup_write, mem_cgroup_reset. */
function writeCounter(needs: V1Needs, group: MemCgroup, file: string, text: string): number {
  const { counterOf, what } = counterFile(file);
  const counter = counterOf(group);
  switch (what) {
    case 'limit_in_bytes': {
      const pages = parseLimit(text, '-1');
      if (pages === undefined) return -EINVAL;
      // Kernel memory has had no limit of its own since 6.1: a number is taken, and forgotten.
      return counter === group.memory || counter === group.memsw ? resize(needs, group, counter, pages) : 0;
    }
    case 'max_usage_in_bytes':
      if (counter !== undefined) counter.watermark = counter.usage;
      return 0;
    case 'failcnt':
      if (counter !== undefined) counter.failcnt = 0;
      return 0;
    default:
      return readV1(needs, group, file) === -ENOENT ? -ENOENT : -EINVAL;
  }
}

/**
 * mem_cgroup_resize_max: a limit below what is in use first makes room, and fails when that cannot be done. Memory alone
 * may never be allowed more than memory and swap together.
 */
function resize(needs: V1Needs, group: MemCgroup, counter: PageCounter, max: number): number {
  const isMemory = counter === group.memory;
  if (isMemory ? max > group.memsw.max : max < group.memory.max) return -EINVAL;
  let drained = false;
  for (;;) {
    if (counter.usage <= max) {
      counter.max = max;
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
  if (group.parent === undefined) return -EINVAL;
  needs.core.lru.drain();
  needs.core.cgroups.drainStocks(group);
  for (let retries = MAX_RECLAIM_RETRIES; retries > 0 && group.memory.usage > 0; )
    if (needs.reclaim(group, 1, true) === 0) retries--;
  return 0;
}
