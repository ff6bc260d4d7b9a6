/** Aged machines: what --fragmented means, what compaction moves, and that nobody notices but the free lists. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { vpn } from '../hardware/units.ts';
import { fragmentationIndex, unusableFreeIndex } from '../kernel/frames/fragmentation.ts';
import { PAGEBLOCK_ORDER, type Zone } from '../kernel/frames/zone.ts';
import { checkInvariants } from '../kernel/invariants.ts';
import type { Task } from '../kernel/process/process.ts';
import { MADV_HUGEPAGE, MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, PROT_READ, PROT_WRITE } from '../kernel/uapi.ts';
import {
  COMPACT_FAIL,
  COMPACT_STALL,
  COMPACT_SUCCESS,
  PGMIGRATE_SUCCESS,
  THP_FAULT_ALLOC,
  THP_FAULT_FALLBACK,
} from '../kernel/vmstat.ts';
import { Machine } from './machine.ts';

const ARENA = 0x200000000000;
const PAGE = 4096;
const HUGE = 2 << 20;

function spawn(machine: Machine): Task {
  const task = machine.kernel.processes.spawn('a', vpn(0x7ffff7fff));
  machine.runOn(0, task);
  return task;
}

function map(machine: Machine, task: Task, at: number, bytes: number): void {
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  machine.kernel.addressSpaces.mmap(task, at, bytes, PROT_READ | PROT_WRITE, flags, undefined, 0);
}

/** The share of all free memory that lies in blocks smaller than 2 MiB. */
function unusable({ kernel }: Machine): number {
  const { zones, free } = kernel.allocator;
  return zones.reduce((sum, zone) => sum + unusableFreeIndex(zone, PAGEBLOCK_ORDER) * zone.free, 0) / free / 1000;
}

describe('an aged machine', () => {
  test.each([0, 0.3, 0.6, 0.9])('with --fragmented %f: is that share of its free memory in pieces?', (share) => {
    const machine = new Machine({ memory: 512 << 20, fragmented: share });
    expect(Math.abs(unusable(machine) - share)).toBeLessThan(0.02);
    expect(checkInvariants(machine.kernel)).toEqual([]);
  });

  test.each([-0.1, 1.1, Number.NaN])('is a share of %f refused?', (share) => {
    expect(() => new Machine({ fragmented: share })).toThrow(RangeError);
  });

  test('does a fault that may not wait fall back, and one that may get its huge page by compaction?', () => {
    const results = [false, true].map((mayWait) => {
      const machine = new Machine({ memory: 256 << 20, fragmented: 1, transparentHugePages: 'always' });
      const task = spawn(machine);
      map(machine, task, ARENA, 4 * HUGE);
      // With defrag=madvise, the default, only who asked for huge pages waits for them.
      if (mayWait) machine.kernel.addressSpaces.madvise(task, ARENA, 4 * HUGE, MADV_HUGEPAGE);
      const before = machine.clock.now;
      for (let i = 0; i < 4; i++) machine.touch(task, ARENA + i * HUGE, 1);
      expect(checkInvariants(machine.kernel)).toEqual([]);
      const { vmstat } = machine.kernel;
      const counts = [THP_FAULT_ALLOC, THP_FAULT_FALLBACK, COMPACT_STALL, COMPACT_SUCCESS].map((item) =>
        vmstat.value(item),
      );
      return { counts, moved: vmstat.value(PGMIGRATE_SUCCESS) > 0, waited: machine.clock.now > before };
    });
    expect(results).toEqual([
      { counts: [0, 4, 0, 0], moved: false, waited: false },
      { counts: [4, 0, 4, 4], moved: true, waited: true },
    ]);
  });

  test('when only pages of the kernel are in the way: is compaction tried in vain, and then given up?', () => {
    const machine = new Machine({ memory: 256 << 20, fragmented: 1, transparentHugePages: 'always' });
    const { kernel } = machine;
    const task = spawn(machine);
    map(machine, task, ARENA, 128 * HUGE);
    kernel.addressSpaces.madvise(task, ARENA, 128 * HUGE, MADV_HUGEPAGE);
    for (let i = 0; i < 120; i++) machine.touch(task, ARENA + i * HUGE, 1);
    expect(kernel.vmstat.value(COMPACT_FAIL)).toBeGreaterThan(0);
    expect(kernel.vmstat.value(THP_FAULT_FALLBACK)).toBeGreaterThan(0);
    expect(checkInvariants(kernel)).toEqual([]);
  });
});

test('does compaction of everything at random instants change nothing but where pages are?', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(400), fc.integer({ min: 1, max: 255 })), { maxLength: 200 }), (writes) => {
      const machine = new Machine({ memory: 32 << 20, contents: 'bytes', fragmented: 0.7 });
      const { kernel } = machine;
      const task = spawn(machine);
      map(machine, task, ARENA, 401 * PAGE);
      const model = new Map<number, number>();
      for (const [page, value] of writes) {
        if (value % 16 === 0) kernel.compaction.all();
        if (value % 50 === 0) {
          const child = kernel.processes.fork(task) as Task;
          machine.runOn(0, task);
          kernel.processes.exit(child.process, { exit: 0 });
        }
        machine.writeBytes(task, ARENA + page * PAGE, Uint8Array.of(value));
        model.set(page, value);
      }
      kernel.compaction.all();
      expect(checkInvariants(kernel)).toEqual([]);
      for (const [page, value] of model)
        expect(machine.readBytes(task, ARENA + page * PAGE, 1)).toEqual(Uint8Array.of(value));
    }),
    { numRuns: 40 },
  );
});

test('are the indexes those of the kernel by hand?', () => {
  // 3 blocks of 4 pages and 2 of 1: 14 pages in 5 blocks.
  const zone = { free: 14, blocksOfOrder: (order: number) => [2, 0, 3][order] ?? 0 } as Zone;
  // 1000 - (1000 + 14 * 1000 / 8) / 5; nothing of 8 pages is free.
  expect(fragmentationIndex(zone, 3)).toBe(1000 - 550);
  expect(fragmentationIndex(zone, 2)).toBe(-1000);
  expect(unusableFreeIndex(zone, 2)).toBe(142);
  expect(unusableFreeIndex(zone, 3)).toBe(1000);
  expect(fragmentationIndex({ free: 0, blocksOfOrder: () => 0 } as unknown as Zone, 3)).toBe(0);
});

test('does /proc/pagetypeinfo look as a real one, and add up to /proc/buddyinfo?', () => {
  const { kernel } = new Machine({ memory: 256 << 20, fragmented: 0.5 });
  const text = kernel.systemFiles.file('/proc/pagetypeinfo')?.read?.() as string;
  const lines = text.split('\n');
  // As Linux 6.18 printed them on a machine of 24 GiB, but for the numbers.
  expect(lines.slice(0, 4)).toEqual([
    'Page block order: 9',
    'Pages per block:  512',
    '',
    'Free pages count per migrate type at order       0      1      2      3      4      5      6      7      8      9     10 ',
  ]);
  expect(lines[4]).toMatch(/^Node {4}0, zone {6}DMA, type {4}Unmovable( {6}\d){11} $/);
  expect(text).toContain(
    'Number of blocks type     Unmovable      Movable  Reclaimable   HighAtomic      Isolate \nNode 0, zone      DMA            0            8            0            0            0 \n',
  );
  for (const zone of kernel.allocator.zones) {
    const rows = lines.filter((line) => line.startsWith(`Node    0, zone ${zone.name.padStart(8)},`));
    const sums = rows.map((line) => line.slice(43).trim().split(/\s+/).map(Number));
    for (let order = 0; order <= 10; order++)
      expect(sums.reduce((sum, row) => sum + (row[order] as number), 0)).toBe(zone.blocksOfOrder(order));
  }
});
