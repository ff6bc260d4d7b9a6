import { expect, test } from 'vitest';
import { vpn } from '../hardware/units.ts';
import { isError } from '../kernel/errno.ts';
import { checkInvariants } from '../kernel/invariants.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, O_RDONLY, PROT_READ, PROT_WRITE } from '../kernel/uapi.ts';
import { Machine } from './machine.ts';

const MIB = 2 ** 20;
const LIMIT = 12 * MIB;

test('a file read in large folios by a group that has less room than it: is the limit kept all the time?', () => {
  const machine = new Machine({ memory: 256 * MIB, readAhead: 8 * MIB });
  const { kernel } = machine;
  const group = kernel.cgroups.create('reader');
  if (group === undefined) throw new Error('no place for a cgroup');
  group.memory.max = LIMIT / 4096;
  const task = kernel.processes.spawn('reader', vpn(0x7ffff7fff));
  task.mm.memcg = group.id;
  machine.runOn(0, task);
  const rights = PROT_READ | PROT_WRITE;
  const buffer = kernel.addressSpaces.mmap(task, 0, MIB, rights, MAP_PRIVATE | MAP_ANONYMOUS, undefined, 0);
  kernel.files.create('/big', { size: 48 * MIB });
  const fd = kernel.files.open(task, '/big', O_RDONLY);
  expect(isError(fd)).toBe(false);
  for (let read = 0; read < 96 * MIB; read += MIB) kernel.files.pread(task, fd, buffer, MIB, read % (48 * MIB));
  expect(group.memory.watermark * 4096).toBe(LIMIT);
  expect(checkInvariants(kernel)).toEqual([]);
});
