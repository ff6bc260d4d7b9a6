/** Memory cgroups whose limits kill: whatever is loaded, the limits hold, nobody else dies, and every charge comes back. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { STORE } from '../hardware/cpu.ts';
import { vpn } from '../hardware/units.ts';
import { MEMCG_OOM_KILL } from '../kernel/cgroup/memory-events.ts';
import { checkInvariants } from '../kernel/invariants.ts';
import { TaskBlocked } from '../kernel/oom/task-blocked.ts';
import type { Task } from '../kernel/process/process.ts';
import {
  MADV_DONTNEED,
  MAP_ANONYMOUS,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  PROT_READ,
  PROT_WRITE,
} from '../kernel/uapi.ts';
import { Machine } from './machine.ts';

const PAGE = 4096;
/** Page tables and kernel objects of one operation may be taken beyond a limit; the next fault makes up for it. */
const AHEAD = 16;

const group = fc.record({ limit: fc.integer({ min: 200, max: 1500 }), together: fc.boolean(), below: fc.boolean() });
const step = fc.record({
  group: fc.nat(2),
  pages: fc.integer({ min: 1, max: 1200 }),
  shared: fc.boolean(),
  adj: fc.constantFrom(-1000, -300, 0, 500),
  fresh: fc.boolean(),
});

test('do limits hold, and is nobody killed outside the group that is full?', { timeout: 60_000 }, () => {
  const loads = fc.array(step, { minLength: 4, maxLength: 16 });
  const groups = fc.array(group, { minLength: 3, maxLength: 3 });
  fc.assert(
    fc.property(groups, loads, fc.constantFrom(1, 2), fc.boolean(), (wanted, steps, version, swap) => {
      const machine = new Machine({ memory: 64 << 20, swap: swap ? 2 << 20 : 0, cgroups: version as 1 | 2 });
      const { kernel } = machine;
      const before = kernel.allocator.free;
      const made = wanted.map(({ limit, together }, i) => {
        const parent = wanted[i]?.below && i > 0 ? kernel.cgroups.get(1) : kernel.cgroups.root;
        const one = kernel.cgroups.create(`g${i}`, parent) ?? kernel.cgroups.root;
        one.memory.max = limit;
        one.oomGroup = together;
        return one;
      });
      const outside = kernel.processes.spawn('outside', vpn(0x7ffff7fff));
      const tasks: (Task | undefined)[] = [];
      for (const { group: at, pages, shared, adj, fresh } of steps) {
        let task = tasks[at];
        if (task === undefined || fresh || task.process.ending !== undefined) {
          task = kernel.processes.spawn(`p${at}`, vpn(0x7ffff7fff));
          task.mm.memcg = made[at]?.id ?? 0;
          task.process.oomScoreAdj = adj;
          tasks[at] = task;
        }
        machine.runOn(0, task);
        const flags = (shared ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS;
        const start = kernel.addressSpaces.mmap(task, 0, pages * PAGE, PROT_READ | PROT_WRITE, flags, undefined, 0);
        try {
          for (let page = 0; start >= 0 && page < pages; page++)
            if (machine.touch(task, start + page * PAGE, STORE) !== undefined) break;
        } catch (error) {
          if (!(error instanceof TaskBlocked)) throw error;
          // Only where nobody may be killed does anybody wait.
          const living = [...kernel.processes.all.values()].filter(({ mm }) => mm.memcg === task.mm.memcg);
          expect(living.every(({ oomScoreAdj }) => oomScoreAdj === -1000)).toBe(true);
        }
        for (const one of made) {
          const members = new Set([...one.subtree()].map(({ id }) => id));
          const living = [...kernel.processes.all.values()].filter(({ mm }) => members.has(mm.memcg));
          // With nobody to kill, system calls and page tables go beyond the limit.
          if (living.some(({ oomScoreAdj }) => oomScoreAdj > -1000))
            expect(one.memory.usage).toBeLessThanOrEqual(one.memory.max + AHEAD);
        }
      }
      expect(outside.process.ending).toBeUndefined();
      const kills = made.reduce((sum, one) => sum + (one.eventsLocal[MEMCG_OOM_KILL] ?? 0), 0);
      expect(kernel.log.lines.filter((line) => line.includes('Killed process')).length).toBe(kills);
      expect(checkInvariants(kernel)).toEqual([]);
      for (const process of [...kernel.processes.all.values()]) kernel.processes.exit(process, { exit: 0 });
      kernel.lru.drain();
      kernel.cgroups.drainStocks();
      for (const one of made) {
        // What kernel objects were charged is not this test's.
        const own = one.memory.usage - one.children.reduce((sum, child) => sum + child.memory.usage, 0);
        expect([own, one.swap.usage]).toEqual([one.objectPages, 0]);
      }
      expect(checkInvariants(kernel)).toEqual([]);
      expect(before - kernel.allocator.free).toBeLessThan(64);
    }),
    { numRuns: 25 },
  );
});

test('does a fault wait for what a system call before it could not have?', () => {
  const machine = new Machine({ memory: 64 << 20, cgroups: 1 });
  const { kernel } = machine;
  const full = kernel.cgroups.create('full') ?? kernel.cgroups.root;
  full.memory.max = 300;
  full.oomKillDisable = true;
  const task = kernel.processes.spawn('a', vpn(0x7ffff7fff));
  task.mm.memcg = full.id;
  machine.runOn(0, task);
  const map = (flags: number): number =>
    kernel.addressSpaces.mmap(task, 0, 400 * PAGE, PROT_READ | PROT_WRITE, flags, undefined, 0);
  const at = map(MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE);
  expect(task.mm.rssPages).toBeLessThan(300);
  const last = at + 399 * PAGE;
  expect(() => machine.touch(task, last, STORE)).toThrow(TaskBlocked);
  expect([full.underOom, task.process.ending]).toEqual([true, undefined]);
  kernel.addressSpaces.madvise(task, at, 200 * PAGE, MADV_DONTNEED);
  // The mapping that was populated in vain left nothing behind that the next fault would wait for.
  map(MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE);
  kernel.addressSpaces.madvise(task, at, 400 * PAGE, MADV_DONTNEED);
  full.memory.max = 2000;
  expect(machine.touch(task, last, STORE)).toBeUndefined();
  expect(full.underOom).toBe(false);
  expect(checkInvariants(kernel)).toEqual([]);
});
