import { describe, expect, test } from 'vitest';
import { STORE } from '../hardware/cpu.ts';
import { vpn } from '../hardware/units.ts';
import type { MemCgroup } from '../kernel/cgroup/mem-cgroup.ts';
import { MEMCG_HIGH, MEMCG_OOM_KILL, MEMCG_SWAP_FAIL, MEMCG_SWAP_MAX } from '../kernel/cgroup/memory-events.ts';
import { EBUSY, EINVAL, ENOENT, ERANGE } from '../kernel/errno.ts';
import { checkInvariants } from '../kernel/invariants.ts';
import type { Task } from '../kernel/process/process.ts';
import { zram } from '../kernel/swap/swap-devices.ts';
import { SWAP_FLAG_PREFER } from '../kernel/swap/swapon.ts';
import { CAUSE_IDLE } from '../kernel/time/clock.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE } from '../kernel/uapi.ts';
import { Machine } from './machine.ts';

interface Box {
  readonly machine: Machine;
  readonly task: Task;
  readonly group: MemCgroup;
  /** Writes to pages [from, to) of the process's mapping. */
  use(from: number, to: number): void;
  read(file: string, of?: MemCgroup): string | number;
  write(file: string, text: string, of?: MemCgroup): number;
}

/** A process in a group, with a mapping of 2000 pages. */
function box(cgroups: 1 | 2 = 2, swapSlots = 0): Box {
  const machine = new Machine({ memory: 64 << 20, contents: 'none', cgroups });
  const { kernel } = machine;
  if (swapSlots > 0) kernel.swapon({ path: '/dev/zram0', device: zram, slots: swapSlots, flags: SWAP_FLAG_PREFER | 3 });
  const tree = kernel.cgroupTree;
  const group = tree.mkdir('g', kernel.cgroups.root) as MemCgroup;
  const task = kernel.processes.spawn('a', vpn(0x7ffff7fff));
  tree.attach(task.process, group);
  machine.runOn(0, task);
  const flags = MAP_PRIVATE | MAP_ANONYMOUS;
  const at = kernel.addressSpaces.mmap(task, 0, 2000 * 4096, PROT_READ | PROT_WRITE, flags, undefined, 0);
  return {
    machine,
    task,
    group,
    use: (from, to) => {
      for (let page = from; page < to && task.process.ending === undefined; page++)
        machine.touch(task, at + page * 4096, STORE);
    },
    read: (file, of = group) => tree.read(of, file),
    write: (file, text, of = group) => tree.write(of, file, text),
  };
}

describe('memory.high', () => {
  test('Is who goes above it slow, and by the square of how far? He sleeps, and nobody is killed', () => {
    const slow = (pages: number): number => {
      const { machine, task, group, use, write } = box();
      write('memory.high', '4M');
      use(0, pages);
      expect(task.process.ending).toBeUndefined();
      expect(group.memory.usage).toBeGreaterThan(1024);
      expect(group.events[MEMCG_HIGH]).toBeGreaterThan(0);
      return machine.clock.spent[CAUSE_IDLE] as number;
    };
    // 64 pages are charged at once, and each such charge waits (overage)^2 * 64 s, 2 s at most: 1088 pages are 6.25 % above,
    // 1152 are 12.5 %, 1216 are 18.75 %. Ticks are 4 ms.
    expect(Math.abs(slow(1100) - 1.25e9)).toBeLessThanOrEqual(0.008e9);
    expect(Math.abs(slow(1200) - 3.25e9)).toBeLessThanOrEqual(0.008e9);
  });

  test('Does lowering it take pages at once, and stop when no more can be had?', () => {
    const { group, use, write, machine } = box(2, 300);
    use(0, 1000);
    expect(write('memory.high', '3M')).toBe(0);
    expect(group.memory.usage).toBeLessThanOrEqual(768);
    expect(write('memory.high', '0')).toBe(0);
    expect(group.swap.usage).toBe(299);
    expect(checkInvariants(machine.kernel)).toEqual([]);
  });
});

test('Is memory.max below what is in use made true at once? Pages go, then the process', () => {
  const { task, group, use, write, read } = box(2, 200);
  use(0, 600);
  expect(write('memory.max', '2M')).toBe(0);
  expect(group.memory.usage).toBeLessThanOrEqual(512);
  expect(task.process.ending).toBeUndefined();
  expect(write('memory.max', '1M')).toBe(0);
  expect(task.process.ending).toEqual({ signal: 9 });
  expect(group.events[MEMCG_OOM_KILL]).toBe(1);
  expect(read('memory.events')).toContain('oom_kill 1\n');
});

test('May a group have only so much of swap? The rest stays in memory, and the refusals are counted', () => {
  const { group, task, use, write } = box(2, 1000);
  write('memory.swap.max', '400k');
  write('memory.max', '3M');
  use(0, 840);
  expect(task.process.ending).toBeUndefined();
  expect(group.swap.usage).toBeLessThanOrEqual(100);
  use(840, 1200);
  expect(task.process.ending).toEqual({ signal: 9 });
  expect(group.events[MEMCG_SWAP_MAX]).toBeGreaterThan(0);
  expect(group.events[MEMCG_SWAP_FAIL]).toBe(group.events[MEMCG_SWAP_MAX]);
});

test('Does a removed group stay while it has pages, and leave its counts to its parent?', () => {
  const { machine, task, group, use, read } = box();
  const { cgroups, cgroupTree, processes } = machine.kernel;
  use(0, 100);
  expect(cgroupTree.rmdir(group)).toBe(-EBUSY);
  cgroupTree.attach(task.process, cgroups.root);
  expect(cgroupTree.rmdir(group)).toBe(0);
  expect([cgroupTree.find('/g'), cgroups.all.includes(group)]).toEqual([undefined, true]);
  processes.exit(task.process, { exit: 0 });
  expect(cgroups.all).toEqual([cgroups.root]);
  expect(read('memory.stat', cgroups.root)).toContain('pgfault 100\n');
});

test('Does a sibling stay when a group goes that has nothing but kernel objects left?', () => {
  const { machine, task, group, use } = box();
  const { cgroups, cgroupTree } = machine.kernel;
  use(0, 10);
  machine.kernel.processes.exit(task.process, { exit: 0 });
  const sibling = cgroupTree.mkdir('s', cgroups.root) as MemCgroup;
  expect(cgroupTree.rmdir(group)).toBe(0);
  expect(cgroups.root.children).toEqual([sibling]);
  expect(cgroups.all).toEqual([cgroups.root, sibling]);
});

test('Does an open memory.peak have a peak of its own from its first write on?', () => {
  const { machine, task, group, use, write, read } = box(2, 900);
  const [first, second] = [0, 0].map(() => machine.kernel.cgroupTree.open(group, 'memory.peak'));
  if (typeof first !== 'object' || typeof second !== 'object') throw new Error('not opened');
  use(0, 800);
  const all = read('memory.peak');
  expect([first.read(), second.read()]).toEqual([all, all]);
  write('memory.reclaim', '2M');
  first.write();
  expect(Number(first.read())).toBe(group.memory.usage * 4096);
  expect([second.read(), read('memory.peak')]).toEqual([all, all]);
  use(800, 900);
  expect(Number(first.read())).toBeGreaterThan(group.memory.usage * 4096 - 1);
  expect(Number(first.read())).toBeLessThan(Number(all));
  machine.kernel.processes.exit(task.process, { exit: 0 });
});

test('Where may processes be in version 2? In leaves, and in the root', () => {
  const { machine, task, group, write } = box();
  const tree = machine.kernel.cgroupTree;
  expect(write('cgroup.subtree_control', '+memory')).toBe(-EBUSY);
  const child = tree.mkdir('c', group) as MemCgroup;
  expect(tree.read(child, 'memory.max')).toBe(-ENOENT);
  tree.attach(task.process, child);
  expect(write('cgroup.subtree_control', '+memory')).toBe(0);
  expect(tree.read(child, 'memory.max')).toBe('max\n');
  expect(tree.attach(task.process, group)).toBe(-EBUSY);
  expect(tree.attach(task.process, machine.kernel.cgroups.root)).toBe(0);
});

test('Has the root the files of a group? Only those that count for the machine', () => {
  const { machine, read } = box();
  const { root } = machine.kernel.cgroups;
  expect(machine.kernel.cgroupTree.fileNames(root)).toEqual([
    'cgroup.controllers',
    'cgroup.procs',
    'cgroup.stat',
    'cgroup.subtree_control',
    'memory.numa_stat',
    'memory.pressure',
    'memory.reclaim',
    'memory.stat',
  ]);
  expect(read('memory.max', root)).toBe(-ENOENT);
});

test('Does cgroup.kill end all of a group and of those below, and is a number but 1 refused?', () => {
  const { machine, task, group, write, read } = box();
  const { cgroupTree, cgroups } = machine.kernel;
  const child = cgroupTree.mkdir('c', group) as MemCgroup;
  cgroupTree.attach(task.process, child);
  expect([write('cgroup.kill', '2'), write('cgroup.kill', 'x')]).toEqual([-ERANGE, -EINVAL]);
  expect(read('cgroup.events')).toBe('populated 1\nfrozen 0\n');
  expect(write('cgroup.kill', '1')).toBe(0);
  expect(task.process.ending).toEqual({ signal: 9 });
  expect(read('cgroup.events')).toBe('populated 0\nfrozen 0\n');
  expect(read('cgroup.stat', cgroups.root)).toContain('nr_descendants 2\n');
});

test('What do the files of version 1 take? Counters are reset, what is gone is refused or forgotten', () => {
  const { group, use, read, write } = box(1);
  use(0, 200);
  write('memory.limit_in_bytes', '1M');
  use(200, 300);
  expect(group.memory.failcnt).toBeGreaterThan(0);
  expect([write('memory.failcnt', '0'), read('memory.failcnt')]).toEqual([0, '0\n']);
  expect(write('memory.max_usage_in_bytes', '0')).toBe(0);
  expect(read('memory.max_usage_in_bytes')).toBe(read('memory.usage_in_bytes'));
  expect([write('memory.soft_limit_in_bytes', '10M'), read('memory.soft_limit_in_bytes')]).toEqual([0, '10485760\n']);
  expect([write('memory.use_hierarchy', '0'), write('memory.use_hierarchy', '1')]).toEqual([-EINVAL, 0]);
  expect([write('memory.move_charge_at_immigrate', '1'), write('memory.move_charge_at_immigrate', '0')]).toEqual([
    -EINVAL,
    0,
  ]);
  expect([write('memory.kmem.limit_in_bytes', '4096'), read('memory.kmem.limit_in_bytes')]).toEqual([
    0,
    '9223372036854771712\n',
  ]);
  expect([
    write('memory.limit_in_bytes', '1.0'),
    write('memory.usage_in_bytes', '1'),
    write('memory.max', '1'),
  ]).toEqual([-EINVAL, -EINVAL, -ENOENT]);
  expect(read('memory.stat')).toContain('\nhierarchical_memory_limit 1048576\nhierarchical_memsw_limit ');
});
