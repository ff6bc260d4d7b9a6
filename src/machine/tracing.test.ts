import { expect, test } from 'vitest';
import { STORE } from '../hardware/cpu.ts';
import { vpn } from '../hardware/units.ts';
import { TRACEPOINTS } from '../kernel/tracepoints.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE } from '../kernel/uapi.ts';
import { Machine } from './machine.ts';

/** The events of a run, each as `name(argument, ...)` in the order in which they happened. */
function eventsOf(drive: (machine: Machine) => void): { name: string; pid: number; args: number[] }[] {
  const machine = new Machine({ memory: 64 << 20 });
  const seen: { name: string; pid: number; args: number[] }[] = [];
  machine.kernel.trace.start((rows) => {
    rows.point.forEach((point, i) => {
      const { name, fields } = TRACEPOINTS[point] as (typeof TRACEPOINTS)[number];
      seen.push({ name, pid: rows.pid[i] as number, args: fields.map((_, c) => rows.args[c]?.[i] as number) });
    });
  });
  drive(machine);
  machine.kernel.trace.stop();
  return seen;
}

const TOP = vpn(0x7ffff7fff);

test('does a page touched for the first time pass the tracepoints of the real kernel in their order?', () => {
  let address = 0;
  const events = eventsOf((machine) => {
    const task = machine.kernel.processes.spawn('a', TOP);
    machine.runOn(0, task);
    address = machine.kernel.addressSpaces.mmap(
      task,
      0,
      8192,
      PROT_READ | PROT_WRITE,
      MAP_PRIVATE | MAP_ANONYMOUS,
      undefined,
      0,
    );
    machine.touch(task, address, STORE);
    machine.kernel.addressSpaces.munmap(task, address, 8192);
  });
  const names = events.map(({ name }) => name);
  const from = names.indexOf('sys_enter_mmap');
  expect(names.slice(from, from + 4)).toEqual(['sys_enter_mmap', 'sys_exit_mmap', 'page_fault_user', 'mm_page_alloc']);
  expect(events[from + 1]?.args).toEqual([address]);
  expect(events[from + 2]?.args).toEqual([address, 0, 6]);
  const grown = events.find(({ name, args }) => name === 'rss_stat' && args[2] === 1);
  expect(grown?.args[3]).toBe(4096);
  expect(names.slice(names.indexOf('sys_enter_munmap'))).toEqual(
    expect.arrayContaining(['tlb_flush', 'mm_page_free', 'sys_exit_munmap']),
  );
});

test('are frames that were given out and not freed those that the machine still uses?', () => {
  let used = 0;
  const events = eventsOf((machine) => {
    const before = machine.kernel.allocator.free;
    const parent = machine.kernel.processes.spawn('a', TOP);
    machine.runOn(0, parent);
    const flags = MAP_PRIVATE | MAP_ANONYMOUS;
    const address = machine.kernel.addressSpaces.mmap(
      parent,
      0,
      64 * 4096,
      PROT_READ | PROT_WRITE,
      flags,
      undefined,
      0,
    );
    for (let i = 0; i < 64; i++) machine.touch(parent, address + i * 4096, STORE);
    const child = machine.kernel.processes.fork(parent);
    if (typeof child === 'number') throw new Error(`fork: ${child}`);
    machine.runOn(0, child);
    for (let i = 0; i < 10; i++) machine.touch(child, address + i * 4096, STORE);
    machine.kernel.processes.exit(child.process, { exit: 0 });
    used = before - machine.kernel.allocator.free;
  });
  const count = (wanted: string) => events.filter(({ name }) => name === wanted).length;
  expect(count('mm_page_alloc') - count('mm_page_free')).toBe(used);
  expect(count('sched_process_fork')).toBe(1);
  expect(count('sched_process_exit')).toBe(1);
  expect(count('sched_switch')).toBe(2);
  expect(events.findLast(({ name }) => name === 'sched_switch')?.args.slice(1, 2)).toEqual([2]);
});
