/** The files of a memory cgroup of version 2 (memory_files and swap_files in mm/memcontrol.c): reading and writing them. */
import { PAGE_SIZE } from '../../hardware/units.ts';
import { EINVAL, ENOENT } from '../errno.ts';
import { type CgroupFile, type CgroupFileNeeds, CORE_FILES } from './cgroup-core-files.ts';
import type { MemCgroup } from './mem-cgroup.ts';
import { MEMORY_EVENTS, SWAP_EVENTS } from './memory-events.ts';
import { parseLimit } from './memparse.ts';
import type { PageCounter } from './page-counter.ts';
import { proactiveReclaim, setHigh, setMax } from './v2-limits.ts';
import { memoryStatV2, numaStatV2 } from './v2-stat.ts';

const limit = (pages: number): string => (Number.isFinite(pages) ? `${pages * PAGE_SIZE}\n` : 'max\n');
const bytes = (pages: number): string => `${pages * PAGE_SIZE}\n`;

const eventLines = (lines: readonly (readonly [string, number])[], counts: Float64Array): string =>
  lines.map(([name, event]) => `${name} ${counts[event]}\n`).join('');

/** A file that holds a limit in pages, and can be set without further ado. */
const limitFile = (get: (group: MemCgroup) => number, set: (group: MemCgroup, pages: number) => void): CgroupFile => ({
  read: (group) => limit(get(group)),
  write: (group, text) => {
    const pages = parseLimit(text, 'max');
    if (pages === undefined) return -EINVAL;
    set(group, pages);
    return 0;
  },
});

/** A limit that is enforced when it is written. */
const enforced = (
  get: (group: MemCgroup) => PageCounter,
  which: 'max' | 'high',
  enforce: (needs: CgroupFileNeeds, group: MemCgroup, pages: number) => void,
): CgroupFile => ({
  read: (group) => limit(get(group)[which]),
  write: (group, text, needs) => {
    const pages = parseLimit(text, 'max');
    if (pages === undefined) return -EINVAL;
    enforce(needs, group, pages);
    return 0;
  },
});

const FILES: Readonly<Record<string, CgroupFile>> = {
  'memory.current': { read: ({ memory }) => bytes(memory.usage) },
  'memory.peak': { read: ({ memory }) => bytes(memory.watermark) },
  'memory.min': limitFile(
    ({ memory }) => memory.min,
    ({ memory }, pages) => {
      memory.min = pages;
    },
  ),
  'memory.low': limitFile(
    ({ memory }) => memory.low,
    ({ memory }, pages) => {
      memory.low = pages;
    },
  ),
  'memory.high': enforced(({ memory }) => memory, 'high', setHigh),
  'memory.max': enforced(({ memory }) => memory, 'max', setMax),
  'memory.events': { read: ({ events }) => eventLines(MEMORY_EVENTS, events) },
  'memory.events.local': { read: ({ eventsLocal }) => eventLines(MEMORY_EVENTS, eventsLocal) },
  'memory.stat': { read: (group, { core }) => lines(memoryStatV2(core, group)), inRoot: true },
  'memory.numa_stat': {
    read: (group, { core }) =>
      Object.entries(numaStatV2(core, group))
        .map(([key, value]) => `${key} N0=${value}\n`)
        .join(''),
    inRoot: true,
  },
  'memory.oom.group': {
    read: ({ oomGroup }) => `${Number(oomGroup)}\n`,
    write: (group, text) => {
      const value = text.trim();
      if (value !== '0' && value !== '1') return -EINVAL;
      group.oomGroup = value === '1';
      return 0;
    },
  },
  'memory.reclaim': { write: (group, text, needs) => proactiveReclaim(needs, group, text), inRoot: true },
  'memory.pressure': { read: (group, { pressure }) => pressure(group), inRoot: true },
  'memory.swap.current': { read: ({ swap }) => bytes(swap.usage) },
  'memory.swap.peak': { read: ({ swap }) => bytes(swap.watermark) },
  'memory.swap.high': limitFile(
    ({ swap }) => swap.high,
    ({ swap }, pages) => {
      swap.high = pages;
    },
  ),
  'memory.swap.max': limitFile(
    ({ swap }) => swap.max,
    ({ swap }, pages) => {
      swap.max = pages;
    },
  ),
  'memory.swap.events': { read: ({ events }) => eventLines(SWAP_EVENTS, events) },
  ...CORE_FILES,
};

const lines = (stat: Record<string, number>): string =>
  Object.entries(stat)
    .map(([key, value]) => `${key} ${value}\n`)
    .join('');

/** Names of the files of a group, in alphabetical order. */
export const v2FileNames = (group: MemCgroup): string[] =>
  Object.entries(FILES)
    .filter(([, { inRoot }]) => group.parent !== undefined || inRoot === true)
    .map(([name]) => name)
    .sort();

function fileOf(group: MemCgroup, name: string): CgroupFile | undefined {
  const file = Object.hasOwn(FILES, name) ? FILES[name] : undefined;
  return group.parent === undefined && file?.inRoot !== true ? undefined : file;
}

/** @returns the text of a file, or a negated errno */
export function readV2(needs: CgroupFileNeeds, group: MemCgroup, name: string): string | number {
  const file = fileOf(group, name);
  if (file === undefined) return -ENOENT;
  return file.read?.(group, needs) ?? '';
}

/** @returns 0 or a negated errno, as a write to the file does */
export function writeV2(needs: CgroupFileNeeds, group: MemCgroup, name: string, text: string): number {
  const file = fileOf(group, name);
  if (file === undefined) return -ENOENT;
  return file.write?.(group, text, needs) ?? -EINVAL;
}
