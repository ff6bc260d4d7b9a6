import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LOAD, STORE } from '../hardware/cpu.ts';
import { PAGE_SIZE, vpn } from '../hardware/units.ts';
import { countFrames } from '../kernel/proc/frame-counts.ts';
import { gatherRollup, gatherSmaps } from '../kernel/proc/smaps.ts';
import { statusOf } from '../kernel/proc/status.ts';
import type { Process, Task } from '../kernel/process/process.ts';
import {
  MADV_DONTNEED,
  MADV_FREE,
  MAP_ANONYMOUS,
  MAP_PRIVATE,
  MAP_SHARED,
  PROT_READ,
  PROT_WRITE,
} from '../kernel/uapi.ts';
import { NR_ANON_PAGES, NR_MAPPED, NR_MLOCK, NR_PAGE_TABLE_PAGES, NR_SHMEM } from '../kernel/vmstat.ts';
import { Machine } from './machine.ts';

const PAGES = 40;
const MAX_PROCESSES = 5;

interface Step {
  readonly who: number;
  readonly what: 'load' | 'store' | 'fork' | 'exit' | 'drop' | 'free' | 'lock' | 'unlock';
  readonly area: number;
  readonly page: number;
  readonly count: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  who: fc.nat({ max: MAX_PROCESSES - 1 }),
  what: fc.constantFrom('load', 'store', 'store', 'fork', 'exit', 'drop', 'free', 'lock', 'unlock'),
  area: fc.nat({ max: 1 }),
  page: fc.nat({ max: PAGES - 1 }),
  count: fc.integer({ min: 1, max: 12 }),
});

/** A machine with a process that has private and shared anonymous memory, after some random life of it and its children. */
function machineAfter(steps: readonly Step[]): { machine: Machine; processes: Process[] } {
  const machine = new Machine({ memory: 32 << 20 });
  const { addressSpaces, processes } = machine.kernel;
  const first = processes.spawn('a', vpn(0x7ffff7fff));
  machine.runOn(0, first);
  const areas = [MAP_PRIVATE, MAP_SHARED].map((kind) =>
    addressSpaces.mmap(first, 0, PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE, kind | MAP_ANONYMOUS, undefined, 0),
  );
  for (const { who, what, area, page, count } of steps) {
    const living = [...processes.all.values()];
    const task = living[who % living.length]?.tasks[0] as Task;
    const start = (areas[area] as number) + page * PAGE_SIZE;
    const length = Math.min(count, PAGES - page) * PAGE_SIZE;
    machine.runOn(0, task);
    if (what === 'fork') {
      if (living.length < MAX_PROCESSES) processes.fork(task);
    } else if (what === 'exit') {
      if (living.length > 1) processes.exit(task.process, { exit: 0 });
    } else if (what === 'drop') addressSpaces.madvise(task, start, length, MADV_DONTNEED);
    else if (what === 'free') addressSpaces.madvise(task, start, length, MADV_FREE);
    else if (what === 'lock') addressSpaces.mlock(task, start, length);
    else if (what === 'unlock') addressSpaces.munlock(task, start, length);
    else
      for (let at = start; at < start + length; at += PAGE_SIZE)
        machine.touch(task, at, what === 'load' ? LOAD : STORE);
  }
  return { machine, processes: [...processes.all.values()] };
}

test('do smaps, status, the frame table and the counters tell the same of any machine?', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { machine, processes } = machineAfter(steps);
      const { kernel } = machine;
      let pss = 0;
      for (const process of processes) {
        const rollup = gatherRollup(kernel, process.mm);
        expect(rollup.rss).toBe((statusOf(process).VmRSS as number) * 1024);
        expect(rollup.anonymous).toBe((statusOf(process).RssAnon as number) * 1024);
        expect(rollup.pssAnon + rollup.pssFile + rollup.pssShmem).toBe(rollup.pss);
        const { sharedClean, sharedDirty, privateClean, privateDirty } = rollup;
        expect(sharedClean + sharedDirty + privateClean + privateDirty).toBe(rollup.rss);
        const parts = [...process.mm.vmas].map((vma) => gatherSmaps(kernel, vma).pss);
        expect(parts.reduce((sum, part) => sum + part, 0)).toBe(rollup.pss);
        pss += rollup.pss;
      }
      const counts = countFrames(kernel.table);
      const mapped = (counts.anonMapped + counts.fileMapped) * PAGE_SIZE * 4096;
      // Each sharer's part is cut down to a whole unit.
      expect(mapped - pss).toBeGreaterThanOrEqual(0);
      expect(mapped - pss).toBeLessThan(MAX_PROCESSES * (counts.anonMapped + counts.fileMapped) + 1);
      const { vmstat } = kernel;
      expect(counts.anonMapped).toBe(vmstat.value(NR_ANON_PAGES));
      expect(counts.fileMapped).toBe(vmstat.value(NR_MAPPED));
      expect(counts.shmem).toBe(vmstat.value(NR_SHMEM));
      expect(counts.mlocked).toBe(vmstat.value(NR_MLOCK));
      expect(counts.pageTables).toBe(vmstat.value(NR_PAGE_TABLE_PAGES));
    }),
    { numRuns: 60 },
  );
});
