/** System V shared memory as LTP's hugeshm* tests assert it; Linux 6.18's answers are those of scripts/native/shm.c. */
import { expect, test } from 'vitest';
import { vpn } from '../hardware/units.ts';
import { checkInvariants } from '../kernel/invariants.ts';
import {
  IPC_CREAT,
  IPC_EXCL,
  IPC_PRIVATE,
  type Segment,
  SHM_HUGETLB,
  SHM_NORESERVE,
  SHM_RDONLY,
  SHM_REMAP,
  SHM_RND,
} from '../kernel/ipc/shm.ts';
import { nameOf } from '../kernel/proc/maps.ts';
import type { Task } from '../kernel/process/process.ts';
import { RLIMIT_MEMLOCK, SIGSEGV } from '../kernel/uapi.ts';
import { Machine, type MachineState } from './machine.ts';
import { decodeSnapshot, encodeSnapshot } from './snapshot.ts';

const M2 = 2 ** 21;
const KEY = 0x1234;
const [EPERM, ENOENT, ENOMEM, EACCES, EEXIST, EINVAL] = [-1, -2, -12, -13, -17, -22];

function boot(): { machine: Machine; task: Task } {
  const machine = new Machine({ memory: 64 << 20, contents: 'bytes', sysctls: { 'vm.nr_hugepages': 5 } });
  const task = machine.kernel.processes.spawn('a', vpn(0x7ffff7fff));
  machine.runOn(0, task);
  return { machine, task };
}

for (const [name, kind, unit] of [
  ['small pages', 0, 4096],
  ['huge pages', SHM_HUGETLB, M2],
] as const) {
  test(`are segments of ${name} made, found and refused as shmget says?`, () => {
    const { machine, task } = boot();
    const { shm } = machine.kernel;
    expect(shm.get(task, KEY, unit, kind | 0o600)).toBe(ENOENT);
    expect(shm.get(task, KEY, 0, IPC_CREAT | kind | 0o600)).toBe(EINVAL);
    const id = shm.get(task, KEY, 2 * unit, IPC_CREAT | kind | 0o640);
    expect(shm.get(task, KEY, unit, IPC_CREAT | IPC_EXCL | kind | 0o600)).toBe(EEXIST);
    expect(shm.get(task, KEY, 3 * unit, kind)).toBe(EINVAL);
    expect(shm.get(task, KEY, unit, kind)).toBe(id);
    expect(shm.stat(task, id)).toMatchObject({ size: 2 * unit, mode: 0o640, creator: task.process.pid });
    task.process.credentials.uid = 65534;
    expect(shm.get(task, KEY, unit, kind | 0o600)).toBe(EACCES);
    expect(shm.attach(task, id, 0, 0)).toBe(EACCES);
    expect(shm.remove(task, id)).toBe(EPERM);
  });

  test(`are segments of ${name} attached, seen by children, and gone with the last one?`, () => {
    const { machine, task } = boot();
    const { shm, processes } = machine.kernel;
    const id = shm.get(task, IPC_PRIVATE, 2 * unit, kind | 0o600);
    const at = shm.attach(task, id, 0, 0);
    expect(at % unit).toBe(0);
    expect(machine.writeBytes(task, at + unit, Uint8Array.of(42))).toBeUndefined();
    expect(shm.attach(task, id, at, 0)).toBe(EINVAL);
    const free = at - 64 * M2;
    expect(shm.attach(task, id, free + 4095, 0)).toBe(EINVAL);
    expect(shm.attach(task, id, free + 4095, SHM_RND | SHM_RDONLY)).toBe(free);
    expect(machine.readBytes(task, free + unit, 1)).toEqual(Uint8Array.of(42));
    expect(machine.writeBytes(task, free, Uint8Array.of(1))).toMatchObject({ signo: SIGSEGV });
    const child = processes.fork(task);
    if (typeof child === 'number') throw new Error('no fork');
    expect(shm.attached(shm.stat(task, id) as Segment)).toBe(4);
    expect(shm.attach(task, id, 0, SHM_REMAP)).toBe(EINVAL);
    expect(shm.remove(task, id)).toBe(0);
    expect(shm.detach(task, at + 4096)).toBe(EINVAL);
    expect([shm.detach(task, at), shm.detach(task, free), shm.detach(task, at)]).toEqual([0, 0, EINVAL]);
    expect(machine.writeBytes(task, at, Uint8Array.of(1))).toMatchObject({ signo: SIGSEGV });
    machine.runOn(0, child);
    expect(machine.readBytes(child, at + unit, 1)).toEqual(Uint8Array.of(42));
    expect(shm.stat(child, id)).toMatchObject({ key: IPC_PRIVATE, size: 2 * unit });
    processes.exit(child.process, { exit: 0 });
    machine.runOn(0, task);
    expect([machine.kernel.hugetlb.default.free.length, machine.kernel.hugetlb.default.reserved]).toEqual([5, 0]);
    expect(shm.stat(task, id)).toBe(EINVAL);
    expect(checkInvariants(machine.kernel)).toEqual([]);
  });
}

test('are huge pages of a segment reserved when it is made, and never again by its attachments?', () => {
  const { machine, task } = boot();
  const { shm, hugetlb } = machine.kernel;
  const pool = hugetlb.default;
  const id = shm.get(task, KEY, 3 * M2 + 1, IPC_CREAT | SHM_HUGETLB | 0o600);
  expect([pool.reserved, shm.get(task, KEY + 1, 2 * M2, IPC_CREAT | SHM_HUGETLB)]).toEqual([4, ENOMEM]);
  const at = shm.attach(task, id, 0, 0);
  expect([at > 0, pool.reserved]).toEqual([true, 4]);
  const vma = task.mm.vmas.lookup(at / 4096);
  expect([vma && nameOf(vma), vma?.pages]).toEqual(['/SYSV00001234 (deleted)', 4 * 512]);
  machine.writeBytes(task, at + 3 * M2, Uint8Array.of(1));
  expect([pool.free.length, pool.reserved]).toEqual([4, 3]);
  expect(shm.get(task, KEY + 2, 9 * M2, IPC_CREAT | SHM_HUGETLB | SHM_NORESERVE)).toBeGreaterThan(id);
  const { credentials, rlimits } = task.process;
  credentials.ipcLock = false;
  rlimits.soft[RLIMIT_MEMLOCK] = 65536;
  expect(shm.get(task, IPC_PRIVATE, M2, SHM_HUGETLB)).toBe(EPERM);
  const bytes = encodeSnapshot(machine.save());
  const again = Machine.restore(decodeSnapshot(bytes) as MachineState);
  expect(encodeSnapshot(again.save())).toEqual(bytes);
  expect(again.kernel.shm.stat(again.kernel.processes.all.get(task.process.pid)?.tasks[0] as Task, id)).toMatchObject({
    size: 3 * M2 + 1,
  });
});
