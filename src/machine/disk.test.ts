import { expect, test } from 'vitest';
import { type BlockDeviceModel, hdd, nvme } from '../hardware/block-device.ts';
import { vpn } from '../hardware/units.ts';
import { CAUSE_DISK } from '../kernel/time/clock.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, O_RDONLY, PROT_READ, PROT_WRITE } from '../kernel/uapi.ts';
import { Machine } from './machine.ts';

const FILE_BYTES = 1 << 20;

/** A machine whose only process has opened a file of 1 MiB, and a buffer to read it into. */
function reader(disk: BlockDeviceModel | undefined): { machine: Machine; readAt: (offset: number) => number } {
  const machine = new Machine({ memory: 64 << 20, disk });
  const { kernel } = machine;
  const inode = kernel.files.create('/data', { size: FILE_BYTES });
  const task = kernel.processes.spawn('reader', vpn(2 ** 34));
  machine.runOn(0, task);
  const prot = PROT_READ | PROT_WRITE;
  const buffer = kernel.addressSpaces.mmap(task, 0, 4096, prot, MAP_PRIVATE | MAP_ANONYMOUS, undefined, 0);
  const file = kernel.files.openInode(inode, O_RDONLY);
  file.random = true;
  const readAt = (offset: number): number => {
    const before = machine.clock.spent[CAUSE_DISK] as number;
    kernel.files.reader.read(task, file, offset, 4096, buffer);
    return (machine.clock.spent[CAUSE_DISK] as number) - before;
  };
  return { machine, readAt };
}

test('does a read wait for the disk, and a cached one not?', () => {
  const { readAt } = reader(nvme);
  const cold = readAt(0);
  expect(cold).toBeGreaterThanOrEqual(nvme.readLatency);
  expect(cold).toBeLessThan(nvme.readLatency * 1.1);
  expect(readAt(0)).toBe(0);
});

test('does an arm that moves take longer than flash, and longer than one that is in place?', () => {
  const { readAt } = reader(hdd);
  readAt(0);
  const next = readAt(4096);
  const far = readAt(FILE_BYTES / 2);
  expect(next).toBeLessThan(hdd.halfTurn);
  expect(far).toBeGreaterThan(hdd.halfTurn);
});

test('does a machine without a disk model answer at once?', () => {
  expect(reader(undefined).readAt(0)).toBe(0);
});

test('does a restored machine have its disk, with the arm where it was?', () => {
  const { machine, readAt } = reader(hdd);
  readAt(8192);
  const restored = Machine.restore(structuredClone(machine.save()));
  expect(restored.options.disk).toBe(hdd);
  expect(restored.disk?.save()).toEqual(machine.disk?.save());
});
