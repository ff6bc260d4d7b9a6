/** The OOM killer of the whole machine: who goes, who stays, and when the machine stops (mm/oom_kill.c). */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { STORE } from '../hardware/cpu.ts';
import { vpn } from '../hardware/units.ts';
import { EINTR, ENOMEM } from '../kernel/errno.ts';
import { checkInvariants } from '../kernel/invariants.ts';
import { KernelPanic } from '../kernel/oom/kernel-panic.ts';
import type { Task } from '../kernel/process/process.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, PROT_READ, PROT_WRITE, SIGKILL } from '../kernel/uapi.ts';
import { OOM_KILL } from '../kernel/vmstat.ts';
import { Machine } from './machine.ts';
import type { MachineOptions } from './options.ts';

const PAGE = 4096;
const MIB = 256;

interface Box {
  machine: Machine;
  spawn: (comm: string, oomScoreAdj?: number) => Task;
  /** Maps this many pages. */
  map: (task: Task, pages: number, flags?: number) => number;
  /** Writes to so many pages from `at` on, until the task is killed. @returns pages written */
  fill: (task: Task, at: number, pages: number) => number;
  killed: () => string[];
}

function boot(options: MachineOptions = {}): Box {
  const sysctls = { 'vm.overcommit_memory': 1, ...options.sysctls };
  const machine = new Machine({ memory: 32 << 20, transparentHugePages: 'never', ...options, sysctls });
  const { kernel } = machine;
  const spawn = (comm: string, oomScoreAdj = 0): Task => {
    const task = kernel.processes.spawn(comm, vpn(0x7ffff7fff));
    task.process.oomScoreAdj = oomScoreAdj;
    return task;
  };
  const map = (task: Task, pages: number, flags = MAP_PRIVATE): number =>
    kernel.addressSpaces.mmap(task, 0, pages * PAGE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, undefined, 0);
  const fill = (task: Task, at: number, pages: number): number => {
    machine.runOn(0, task);
    for (let page = 0; page < pages; page++)
      if (machine.touch(task, at + page * PAGE, STORE) !== undefined) return page;
    return pages;
  };
  const killed = (): string[] =>
    kernel.log.lines.flatMap((line) => /Killed process \d+ \((.+?)\)/.exec(line)?.slice(1, 2) ?? []);
  return { machine, spawn, map, fill, killed };
}

const endingOf = (task: Task) => task.process.ending;

describe('a machine whose memory is used up', () => {
  test('who goes: the one with most, or the one that asks?', () => {
    for (const allocating of [0, 1]) {
      const { machine, spawn, map, fill, killed } = boot({ sysctls: { 'vm.oom_kill_allocating_task': allocating } });
      const big = spawn('big');
      const small = spawn('small');
      fill(big, map(big, 20 * MIB), 20 * MIB);
      fill(small, map(small, 16 * MIB), 16 * MIB);
      expect(killed()).toEqual([allocating === 1 ? 'small' : 'big']);
      expect(machine.kernel.vmstat.value(OOM_KILL)).toBe(1);
      expect(checkInvariants(machine.kernel)).toEqual([]);
    }
  });

  test('is a process with oom_score_adj -1000 spared, and one below a threshold chosen first?', () => {
    const { spawn, map, fill, killed } = boot();
    const spared = spawn('spared', -1000);
    const little = spawn('little', 500);
    const other = spawn('other');
    fill(spared, map(spared, 16 * MIB), 16 * MIB);
    fill(little, map(little, MIB), MIB);
    fill(other, map(other, 20 * MIB), 20 * MIB);
    // 500 of 32 MiB are 16 MiB, more than what `other` could get so far; then it is its turn.
    expect(killed()).toEqual(['little', 'other']);
  });

  test('does everybody go who shares the memory of the victim?', () => {
    const { machine, spawn, map, fill, killed } = boot();
    const parent = spawn('parent');
    const child = machine.kernel.processes.fork(parent, { vm: true }) as Task;
    fill(parent, map(parent, 40 * MIB), 40 * MIB);
    expect(killed()).toEqual(['parent']);
    expect([endingOf(parent), endingOf(child)]).toEqual([{ signal: SIGKILL }, { signal: SIGKILL }]);
    expect(checkInvariants(machine.kernel)).toEqual([]);
  });

  test('does it stop when nobody may be killed, or when it is told to?', () => {
    const cases: [adj: number, panicOnOom: number, reason: string][] = [
      [-1000, 0, 'System is deadlocked on memory'],
      [0, 1, 'Out of memory: system-wide panic_on_oom is enabled'],
      [0, 2, 'Out of memory: compulsory panic_on_oom is enabled'],
    ];
    for (const [adj, panicOnOom, reason] of cases) {
      const { machine, spawn, map, fill } = boot({ sysctls: { 'vm.panic_on_oom': panicOnOom } });
      const task = spawn('eater', adj);
      const at = map(task, 40 * MIB);
      expect(() => fill(task, at, 40 * MIB)).toThrow(new KernelPanic(reason));
      expect(machine.kernel.log.lines).toContain(`Kernel panic - not syncing: ${reason}`);
    }
  });

  test('with strict overcommit, is memory refused before anybody is killed?', () => {
    const { spawn, map, killed } = boot({ sysctls: { 'vm.overcommit_memory': 2 } });
    const task = spawn('eater');
    expect(map(task, 40 * MIB)).toBe(-ENOMEM);
    expect(killed()).toEqual([]);
  });

  test('is shared memory that nobody maps any more the end of everyone?', () => {
    const { machine, spawn, map, fill, killed } = boot();
    const keeper = spawn('keeper', -1000);
    fill(keeper, map(keeper, 20 * MIB, MAP_SHARED), 20 * MIB);
    const names = ['one', 'two', 'three'];
    for (const name of names) {
      const task = spawn(name);
      fill(task, map(task, 20 * MIB), 20 * MIB);
      expect(endingOf(task)).toEqual({ signal: SIGKILL });
    }
    expect(killed()).toEqual(names);
    expect(checkInvariants(machine.kernel)).toEqual([]);
  });
});

describe('a victim that sleeps where no signal reaches it', () => {
  test('does the reaper take its memory in two seconds, and does it die when it wakes?', () => {
    const { machine, spawn, map, fill, killed } = boot();
    const { kernel, clock } = machine;
    const asleep = spawn('asleep');
    fill(asleep, map(asleep, 20 * MIB), 20 * MIB);
    asleep.process.uninterruptible = true;
    const other = spawn('other');
    expect(fill(other, map(other, 16 * MIB), 16 * MIB)).toBe(16 * MIB);
    expect(killed()).toEqual(['asleep']);
    expect(clock.now).toBeGreaterThanOrEqual(2e9);
    expect(clock.now).toBeLessThan(2.1e9);
    const reaped = kernel.log.lines.filter((line) => line.startsWith('oom_reaper:'));
    expect(reaped).toEqual(['oom_reaper: reaped process 2 (asleep), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB']);
    expect(endingOf(asleep)).toBeUndefined();
    expect(checkInvariants(kernel)).toEqual([]);
    kernel.processes.wake(asleep.process);
    expect(endingOf(asleep)).toEqual({ signal: SIGKILL });
    expect(checkInvariants(kernel)).toEqual([]);
  });

  test('is it reaped also on a machine that was saved and restored in between?', () => {
    const { machine, spawn, map, fill } = boot();
    const asleep = spawn('asleep');
    fill(asleep, map(asleep, 20 * MIB), 20 * MIB);
    asleep.process.uninterruptible = true;
    const { kernel } = machine;
    kernel.oom.machine(spawn('other'), 'fault');
    const restored = Machine.restore(machine.save());
    restored.clock.sleep(3e9);
    expect(restored.kernel.log.lines.at(-1)).toMatch(/^oom_reaper: reaped process 2/);
    expect(restored.kernel.processes.all.get(2)?.mm.rssPages).toBe(0);
  });
});

test('whatever is loaded on it, does a machine with a killer go on, and is every frame found again at the end?', () => {
  const step = fc.record({
    who: fc.nat(4),
    pages: fc.integer({ min: 1, max: 3000 }),
    shared: fc.boolean(),
    adj: fc.integer({ min: -999, max: 1000 }),
    fork: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 25 }), fc.boolean(), (steps, withSwap) => {
      const { machine, spawn, map, fill } = boot({ memory: 8 << 20, swap: withSwap ? 4 << 20 : 0 });
      const { kernel } = machine;
      const before = kernel.allocator.free;
      const tasks = new Map<number, Task>();
      for (const { who, pages, shared, adj, fork } of steps) {
        let task = tasks.get(who);
        if (task === undefined || endingOf(task) !== undefined) task = spawn(`p${who}`, adj);
        tasks.set(who, task);
        fill(task, map(task, pages, shared ? MAP_SHARED : MAP_PRIVATE), pages);
        if (!fork || endingOf(task) !== undefined) continue;
        kernel.processes.fork(task);
      }
      expect(checkInvariants(kernel)).toEqual([]);
      for (const process of [...kernel.processes.all.values()]) kernel.processes.exit(process, { exit: 0 });
      kernel.lru.drain();
      expect(checkInvariants(kernel)).toEqual([]);
      expect(kernel.allocator.free).toBe(before);
    }),
    { numRuns: 15 },
  );
}, 60_000);

test('does a bomb of forks end in kills, and never in a machine without a frame?', () => {
  const { machine, spawn, map, fill, killed } = boot({ memory: 8 << 20 });
  const { kernel } = machine;
  const first = spawn('bomb');
  fill(first, map(first, 400), 400);
  for (let i = 0; i < 3000; i++) {
    const living = [...kernel.processes.all.values()];
    const parent = living[(i * 7) % living.length]?.tasks[0];
    if (parent === undefined) break;
    machine.runOn(0, parent);
    const child = kernel.processes.fork(parent);
    if (typeof child === 'number') expect([-ENOMEM, -EINTR]).toContain(child);
  }
  expect(killed().length).toBeGreaterThan(0);
  expect(checkInvariants(kernel)).toEqual([]);
});
