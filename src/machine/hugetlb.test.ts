/** Pools of huge pages where scenarios do not reach: surplus limits, mounts, 1 GiB pages, snapshots. */
import { expect, test } from 'vitest';
import { vpn } from '../hardware/units.ts';
import { checkInvariants } from '../kernel/invariants.ts';
import { smapsText } from '../kernel/proc/smaps-text.ts';
import type { Task } from '../kernel/process/process.ts';
import {
  MAP_ANONYMOUS,
  MAP_HUGETLB,
  MAP_PRIVATE,
  MAP_SHARED,
  O_CREAT,
  O_RDWR,
  PROT_READ,
  PROT_WRITE,
  SIGBUS,
} from '../kernel/uapi.ts';
import { Machine, type MachineState } from './machine.ts';
import { decodeSnapshot, encodeSnapshot } from './snapshot.ts';

const M2 = 2 ** 21;
const G1 = 2 ** 30;
const RW = PROT_READ | PROT_WRITE;
const ANON = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB;
const GIGANTIC = 30 << 26;
const ENOMEM = -12;
const EINVAL = -22;

function boot(memory: number, pages: number, contents: 'bytes' | 'none' = 'bytes'): { machine: Machine; task: Task } {
  const machine = new Machine({ memory, contents });
  machine.kernel.sysctl('vm.nr_hugepages', pages);
  const task = machine.kernel.processes.spawn('a', vpn(0x7ffff7fff));
  machine.runOn(0, task);
  return { machine, task };
}

test('does a mount hold its files to size= and keep min_size= for them?', () => {
  const { machine, task } = boot(64 << 20, 6);
  const { files, addressSpaces, hugetlb } = machine.kernel;
  const pool = hugetlb.default;
  expect(files.mountHugetlbfs('/small', { size: 2 * M2 })).toBe(0);
  expect(files.mountHugetlbfs('/kept', { minSize: 3 * M2, size: 4 * M2 })).toBe(0);
  expect(files.mountHugetlbfs('/greedy', { minSize: 4 * M2 })).toBe(EINVAL);
  expect([pool.free.length, pool.reserved]).toEqual([6, 3]);
  const open = (path: string) => task.process.files.get(files.open(task, path, O_CREAT | O_RDWR));
  const small = open('/small/f');
  expect(addressSpaces.mmap(task, 0, 3 * M2, RW, MAP_SHARED, small, 0)).toBe(ENOMEM);
  const at = addressSpaces.mmap(task, 0, 2 * M2, RW, MAP_SHARED, small, 0);
  expect(pool.reserved).toBe(5);
  // The mount with min_size has three of its own, and takes the fourth from what nobody was promised.
  const kept = addressSpaces.mmap(task, 0, 4 * M2, RW, MAP_SHARED, open('/kept/f'), 0);
  expect([kept > 0, pool.reserved]).toEqual([true, 6]);
  for (let i = 0; i < 4; i++) expect(machine.writeBytes(task, kept + i * M2, Uint8Array.of(i))).toBeUndefined();
  expect([pool.free.length, pool.reserved]).toEqual([2, 2]);
  expect(checkInvariants(machine.kernel)).toEqual([]);
  expect(addressSpaces.munmap(task, kept, 4 * M2)).toBe(0);
  files.unlink('/kept/f');
  for (const [fd] of task.process.files.entries()) files.close(task, fd);
  // What the file gave back stays reserved for the mount.
  expect([pool.free.length, pool.reserved]).toEqual([6, 5]);
  expect(addressSpaces.munmap(task, at, 2 * M2)).toBe(0);
  expect(checkInvariants(machine.kernel)).toEqual([]);
});

test('are pages of 1 GiB made of free memory, mapped by one entry, and given back whole?', () => {
  const { machine, task } = boot(4 * G1, 0, 'none');
  const { kernel } = machine;
  const gigantic = kernel.hugetlb.hstates[1];
  if (gigantic === undefined) throw new Error('no pool of 1 GiB pages');
  const free = kernel.allocator.free;
  gigantic.resize(9);
  // Four aligned pieces of 1 GiB; the lowest one holds the kernel's own frames.
  expect(gigantic.total).toBe(3);
  expect(free - kernel.allocator.free).toBe(3 * 2 ** 18);
  const at = kernel.addressSpaces.mmap(task, 0, 2 * G1, RW, ANON | GIGANTIC, undefined, 0);
  expect([at % G1, gigantic.reserved]).toEqual([0, 2]);
  const tables = task.mm.pgtablesBytes;
  expect(machine.writeBytes(task, at + 5 * M2, Uint8Array.of(1))).toBeUndefined();
  expect(task.mm.pgtablesBytes - tables).toBe(0x1000);
  expect(task.mm.hugetlbPages).toBe(2 ** 18);
  expect(smapsText(kernel, task.mm)).toContain('KernelPageSize:  1048576 kB');
  expect(kernel.addressSpaces.munmap(task, at + M2, M2)).toBe(EINVAL);
  expect(kernel.addressSpaces.munmap(task, at, 2 * G1)).toBe(0);
  gigantic.resize(0);
  expect(kernel.allocator.free).toBe(free);
  expect(checkInvariants(kernel)).toEqual([]);
});

test('does a pool that grows take no more than memory has, and never below the reserve?', () => {
  const { machine } = boot(64 << 20, 1000);
  const { hugetlb, allocator } = machine.kernel;
  expect(hugetlb.default.total).toBeGreaterThan(20);
  expect(hugetlb.default.total).toBeLessThan(32);
  expect(allocator.free).toBeGreaterThan(allocator.zones.reduce((sum, zone) => sum + zone.min, 0));
  expect(machine.kernel.sysctl('vm.nr_hugepages', 0)).toBe('set');
  expect(hugetlb.default.total).toBe(0);
});

test('is a machine that was saved in the middle of its huge pages the same machine?', () => {
  const { machine, task } = boot(64 << 20, 5);
  const { kernel } = machine;
  kernel.sysctl('vm.nr_overcommit_hugepages', 2);
  kernel.files.mountHugetlbfs('/mnt', { size: 4 * M2, minSize: M2 });
  const file = task.process.files.get(kernel.files.open(task, '/mnt/f', O_CREAT | O_RDWR));
  const shared = kernel.addressSpaces.mmap(task, 0, 2 * M2, RW, MAP_SHARED, file, 0);
  const own = kernel.addressSpaces.mmap(task, 0, 2 * M2, RW, ANON, undefined, 0);
  for (const at of [shared, own]) machine.writeBytes(task, at, Uint8Array.of(7));
  const child = kernel.processes.fork(task);
  if (typeof child === 'number') throw new Error('no fork');
  machine.runOn(0, child);
  machine.writeBytes(child, own, Uint8Array.of(9));
  const bytes = encodeSnapshot(machine.save());
  const again = Machine.restore(decodeSnapshot(bytes) as MachineState);
  expect(encodeSnapshot(again.save())).toEqual(bytes);
  for (const one of [machine, again]) {
    const tasks = [...one.kernel.processes.all.values()].flatMap(({ tasks }) => tasks);
    const [parent, second] = tasks as [Task, Task];
    one.runOn(0, parent);
    expect(one.readBytes(parent, own, 1)).toEqual(Uint8Array.of(7));
    one.runOn(0, second);
    expect(one.readBytes(second, own, 1)).toEqual(Uint8Array.of(9));
    expect(one.readBytes(second, own + M2, 1)).toEqual(Uint8Array.of(0));
    for (const process of [...one.kernel.processes.all.values()]) one.kernel.processes.exit(process, { exit: 0 });
    const pool = one.kernel.hugetlb.default;
    expect([pool.total, pool.free.length, pool.surplus]).toEqual([5, 4, 0]);
    one.kernel.files.unlink('/mnt/f');
    expect([pool.free.length, pool.reserved]).toEqual([5, 1]);
  }
});

test('does a child get SIGBUS when the pool is empty, and its parent never?', () => {
  const { machine, task } = boot(64 << 20, 1);
  const { kernel } = machine;
  const at = kernel.addressSpaces.mmap(task, 0, M2, RW, ANON, undefined, 0);
  machine.writeBytes(task, at, Uint8Array.of(1));
  const child = kernel.processes.fork(task);
  if (typeof child === 'number') throw new Error('no fork');
  machine.runOn(0, child);
  expect(machine.writeBytes(child, at + 0x1234, Uint8Array.of(2))).toMatchObject({
    signo: SIGBUS,
    address: at + 0x1234,
  });
  expect(machine.readBytes(child, at, 1)).toEqual(Uint8Array.of(1));
  machine.runOn(0, task);
  expect(machine.writeBytes(task, at, Uint8Array.of(3))).toBeUndefined();
  machine.runOn(0, child);
  expect(machine.readBytes(child, at, 1)).toMatchObject({ signo: SIGBUS });
  expect(kernel.log.lines.at(-1)).toContain('killed due to inadequate hugepage pool');
});
