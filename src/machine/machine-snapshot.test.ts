import { expect, test } from 'vitest';
import { STORE } from '../hardware/cpu.ts';
import { vpn } from '../hardware/units.ts';
import { MM_SWAPENTS } from '../kernel/address-space/mm.ts';
import type { MemCgroup } from '../kernel/cgroup/mem-cgroup.ts';
import { checkInvariants } from '../kernel/invariants.ts';
import type { Task } from '../kernel/process/process.ts';
import { zram } from '../kernel/swap/swap-devices.ts';
import { SWAP_FLAG_PREFER } from '../kernel/swap/swapon.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE } from '../kernel/uapi.ts';
import { Machine, type MachineState } from './machine.ts';
import { decodeSnapshot, encodeSnapshot } from './snapshot.ts';

const PAGES = 600;

/** A process with anonymous memory, a memory file and a forked child that has copied a page. */
function busyMachine(): { machine: Machine; address: number } {
  const machine = new Machine({ memory: 64 << 20, contents: 'bytes' });
  const { processes, addressSpaces, files } = machine.kernel;
  const parent = processes.spawn('a', vpn(0x7ffff7fff));
  machine.runOn(0, parent);
  const flags = MAP_PRIVATE | MAP_ANONYMOUS;
  const address = addressSpaces.mmap(parent, 0, PAGES * 4096, PROT_READ | PROT_WRITE, flags, undefined, 0);
  for (let i = 0; i < PAGES; i += 3) machine.writeBytes(parent, address + i * 4096, Uint8Array.of(i & 255, 1, 2));
  const fd = files.memfdCreate(parent, 'x');
  files.write(parent, fd, address, 3 * 4096);
  const child = processes.fork(parent) as Task;
  machine.runOn(0, child);
  machine.touch(child, address, STORE);
  return { machine, address };
}

/** The rest of the run: what the child does after the snapshot. */
function goOn(machine: Machine, address: number): Uint8Array {
  const child = machine.kernel.processes.all.get(2)?.tasks[0] as Task;
  machine.runOn(0, child);
  for (let i = 0; i < PAGES; i += 2) machine.touch(child, address + i * 4096, STORE);
  machine.kernel.processes.exit(child.process, { exit: 0 });
  return encodeSnapshot(machine.save());
}

test('does a machine that was bytes for a while go on to the same state, byte for byte?', () => {
  const { machine, address } = busyMachine();
  const bytes = encodeSnapshot(machine.save());
  const restored = Machine.restore(decodeSnapshot(bytes) as MachineState);
  expect(encodeSnapshot(restored.save())).toEqual(bytes);
  const end = goOn(machine, address);
  expect(goOn(restored, address)).toEqual(end);
  expect(end).not.toEqual(bytes);
});

test('does a machine that is short of memory, with swap and a cgroup at its limit, go on to the same state?', () => {
  const machine = new Machine({ memory: 64 << 20, contents: 'bytes' });
  const { kernel } = machine;
  kernel.swapon({ path: '/dev/zram0', device: zram, slots: 4096, flags: SWAP_FLAG_PREFER | 3 });
  const group = kernel.cgroups.create('g') as MemCgroup;
  group.memory.max = 500;
  const task = kernel.processes.spawn('a', vpn(0x7ffff7fff));
  task.mm.memcg = group.id;
  machine.runOn(0, task);
  const flags = MAP_PRIVATE | MAP_ANONYMOUS;
  const address = kernel.addressSpaces.mmap(task, 0, 900 * 4096, PROT_READ | PROT_WRITE, flags, undefined, 0);
  for (let i = 0; i < 900; i++) machine.writeBytes(task, address + i * 4096, Uint8Array.of(i & 255, 7));
  expect(task.mm.rss[MM_SWAPENTS]).toBeGreaterThan(300);
  expect(checkInvariants(kernel)).toEqual([]);
  const bytes = encodeSnapshot(machine.save());
  const restored = Machine.restore(decodeSnapshot(bytes) as MachineState);
  expect(encodeSnapshot(restored.save())).toEqual(bytes);
  const ends = [machine, restored].map((one) => {
    const again = one.kernel.processes.all.get(task.process.pid)?.tasks[0] as Task;
    one.runOn(0, again);
    for (let i = 0; i < 900; i++)
      expect(one.readBytes(again, address + i * 4096, 2)).toEqual(Uint8Array.of(i & 255, 7));
    return encodeSnapshot(one.save());
  });
  expect(ends[1]).toEqual(ends[0]);
});
