import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { pfn } from '../../hardware/units.ts';
import { FrameAllocator } from '../frames/allocator.ts';
import * as fr from '../frames/frame-table.ts';
import { MIGRATE_MOVABLE } from '../frames/zone.ts';
import { Hstate } from '../hugetlb/hstate.ts';
import { defaultParams } from '../params.ts';
import { PGFAULT, VmStat } from '../vmstat.ts';
import { countFrames, countFramesOf } from './frame-counts.ts';
import { meminfoOf, meminfoText } from './meminfo.ts';
import { oomScoreOf } from './oom-score.ts';
import { HandMadeProcess } from './testing.ts';
import { vmstatText } from './vmstat-text.ts';
import { buddyinfoText, zoneinfoText } from './zoneinfo.ts';

const fixture = (name: string) => readFileSync(new URL(`./fixtures/${name}.txt`, import.meta.url), 'utf8');
const COMMIT = { limit: 300, committed: 100 };

const noMemory = { allocate: () => -1 as const, release: () => {}, used: () => {}, unused: () => {} };

/** A machine of `gib` GiB with nothing in it. */
function machine(gib: number) {
  const table = new fr.FrameTable(gib << 18);
  const params = { minFreeKbytes: 0, watermarkScaleFactor: 10, hugePages: false };
  return {
    table,
    allocator: new FrameAllocator(table, params),
    vmstat: new VmStat(),
    swap: { total: 512, free: 500 },
    hugetlb: { default: new Hstate(512, 2, noMemory), totalPages: 0 },
    params: defaultParams(),
  };
}

/** Takes a frame and says what it is. */
function take(system: ReturnType<typeof machine>, flags: number, mapcount = 0, mapping = 0): void {
  const frame = pfn(system.allocator.allocate(0, MIGRATE_MOVABLE));
  system.table.flags[frame] = flags;
  system.table.mapcount[frame] = mapcount;
  system.table.mapping[frame] = mapping;
}

/** The text with every number of a value replaced, so that layouts can be compared. */
const keysOf = (text: string) =>
  text.split('\n').map((line) => line.replace(/ *\d+( kB)?$/, (value) => '#'.repeat(value.length)));

test('are the lines of meminfo those of the real kernel, column by column?', () => {
  const widths = (text: string) => keysOf(text).map((line) => line.replaceAll('#', ' ').trimEnd());
  const text = meminfoText(machine(5), COMMIT);
  expect(widths(text)).toEqual(widths(fixture('meminfo')));
  for (const line of text.trim().split('\n')) expect(line).toMatch(/^\S+: +\d+( kB)?$/);
  expect(text.split('\n')[0]).toHaveLength('MemTotal:       24684100 kB'.length);
});

test('is available memory the free pages and half the cache, less what is kept back?', () => {
  const system = machine(1);
  const before = meminfoOf(system, COMMIT);
  const low = system.allocator.zones.reduce((sum, zone) => sum + zone.low, 0);
  expect([before.SwapTotal, before.SwapFree]).toEqual([2048, 2000]);
  expect(before.MemAvailable).toBe((system.allocator.free - system.allocator.totalReserve) * 4);
  const pages = 4 * low;
  for (let i = 0; i < pages; i++) take(system, fr.PG_LRU | fr.PG_CACHED, 0, 1);
  const after = meminfoOf(system, COMMIT);
  expect(after.Cached).toBe(pages * 4);
  expect(after['Inactive(file)']).toBe(pages * 4);
  expect((before.MemAvailable as number) - (after.MemAvailable as number)).toBe(low * 4);
});

test('is every frame counted under what it is, and a free block under nothing?', () => {
  const system = machine(1);
  const { PG_LRU, PG_ACTIVE, PG_SWAPBACKED, PG_CACHED, PG_DIRTY, PG_UNEVICTABLE, PG_MLOCKED, PG_TABLE } = fr;
  take(system, PG_LRU | PG_SWAPBACKED, 1, -1);
  take(system, PG_LRU | PG_SWAPBACKED | PG_ACTIVE, 2, -1);
  take(system, PG_LRU | PG_CACHED | PG_SWAPBACKED | PG_DIRTY, 1, 5);
  take(system, PG_LRU | PG_CACHED | PG_ACTIVE | PG_DIRTY, 0, 6);
  take(system, PG_LRU | PG_UNEVICTABLE | PG_MLOCKED | PG_SWAPBACKED, 1, -1);
  take(system, PG_TABLE);
  expect(countFrames(system.table)).toEqual({
    inactiveAnon: 2,
    activeAnon: 1,
    inactiveFile: 0,
    activeFile: 1,
    unevictable: 1,
    mlocked: 1,
    anonMapped: 3,
    fileMapped: 1,
    filePages: 2,
    shmem: 1,
    swapCached: 0,
    fileDirty: 1,
    writeback: 0,
    pageTables: 1,
  });
});

test('are the frames of a cgroup counted apart from those of others?', () => {
  const system = machine(1);
  take(system, fr.PG_LRU | fr.PG_SWAPBACKED, 1, -1);
  take(system, fr.PG_LRU | fr.PG_SWAPBACKED, 1, -1);
  const last = system.table.flags.findLastIndex((flags) => (flags & fr.PG_LRU) !== 0);
  system.table.memcg[last] = 3;
  expect(countFramesOf(system.table, new Set([3])).anonMapped).toBe(1);
  expect(countFramesOf(system.table, new Set([0, 3])).anonMapped).toBe(2);
  expect(countFramesOf(system.table, new Set([4])).anonMapped).toBe(0);
});

test('has vmstat every line of the real one, with states and events?', () => {
  const system = machine(1);
  take(system, fr.PG_LRU | fr.PG_SWAPBACKED, 1, -1);
  system.vmstat.count(PGFAULT, 9);
  const text = vmstatText(system);
  const names = (lines: string) => lines.split('\n').map((line) => line.split(' ')[0]);
  expect(names(text)).toEqual(names(fixture('vmstat')));
  expect(text).toMatch(/^nr_anon_pages 1$/m);
  expect(text).toMatch(/^pgfault 9$/m);
  expect(text).toContain(`nr_free_pages ${system.allocator.free}\n`);
});

test('has zoneinfo the lines of the real one, but for the per-CPU lists?', () => {
  const shape = (text: string) =>
    text
      .replace(/ {2}pagesets\n(?: {4}cpu: \d+\n(?: {14}\S.*\n)+ {2}vm stats threshold: \d+\n)+/g, '')
      .replace(/\(.*\)/g, '(...)')
      .replace(/\d+$/gm, 'N');
  expect(shape(zoneinfoText(machine(5)))).toBe(shape(fixture('zoneinfo')));
});

test('do the columns of buddyinfo add up to the free memory, and stand where the real ones stand?', () => {
  const system = machine(5);
  const lines = buddyinfoText(system).trimEnd().split('\n');
  const real = fixture('buddyinfo').trimEnd().split('\n');
  expect(lines.map((line) => line.length)).toEqual(real.map((line) => line.length));
  const pages = lines.flatMap((line) =>
    line
      .trim()
      .split(/ +/)
      .slice(4)
      .map((blocks, order) => Number(blocks) * 2 ** order),
  );
  expect(pages.reduce((a, b) => a + b)).toBe(system.allocator.free);
});

test('is oom_score what the real kernel said of processes of these sizes?', () => {
  const { mm } = new HandMadeProcess();
  const score = (rssKb: number, pteKb: number, oomScoreAdj: number, pid = 9) => {
    mm.rssRead[0] = rssKb / 4;
    mm.pgtablesBytes = pteKb * 1024;
    return oomScoreOf({ pid, mm, oomScoreAdj }, 24684096 / 4);
  };
  expect(score(33308, 108, 0)).toBe(667);
  expect(score(68124, 176, 0)).toBe(668);
  expect(score(2588, 131372, 0)).toBe(670);
  expect(score(2588, 40, 300)).toBe(866);
  expect(score(2588, 40, -1000)).toBe(0);
  expect(score(2588, 40, 0, 1)).toBe(0);
});
