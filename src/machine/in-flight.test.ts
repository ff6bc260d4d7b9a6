/** Pages that a disk has been given and not answered yet: who sees them, who waits for them. */
import { expect, test } from 'vitest';
import { hdd, nvme } from '../hardware/block-device.ts';
import { PG_ACTIVE, PG_RECLAIM } from '../kernel/frames/frame-table.ts';
import { LRU_INACTIVE_FILE } from '../kernel/frames/lru.ts';
import { checkInvariants } from '../kernel/invariants.ts';
import { ext4FileSystem } from '../kernel/page-cache/file-system.ts';
import type { CacheStat } from '../kernel/page-cache/residency.ts';
import { meminfoOf } from '../kernel/proc/meminfo.ts';
import type { Task } from '../kernel/process/process.ts';
import { CAUSE_DISK } from '../kernel/time/clock.ts';
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
  O_CREAT,
  O_RDWR,
  PROT_READ,
  PROT_WRITE,
} from '../kernel/uapi.ts';
import { Machine } from './machine.ts';
import type { MachineOptions } from './options.ts';

const PAGE = 4096;
const MIB = 1 << 20;
const SECOND = 1e9;
const BUFFER = 0x100000000000;
const SHARED = 0x200000000000;
const SYNC_FILE_RANGE_WRITE = 2;
const SYNC_FILE_RANGE_WAIT_AFTER = 4;
const POSIX_FADV_DONTNEED = 4;

interface Scene {
  readonly machine: Machine;
  readonly task: Task;
  readonly fd: number;
}

/** A machine with one process that has an empty file open and a buffer of 1 MiB. */
function writer(options: MachineOptions = {}): Scene {
  const machine = new Machine({ memory: 256 * MIB, disk: nvme, ...options });
  const { processes, addressSpaces, files } = machine.kernel;
  const task = processes.spawn('writer', (2 ** 35 - 2 ** 20) as never);
  machine.runOn(0, task);
  const prot = PROT_READ | PROT_WRITE;
  addressSpaces.mmap(task, BUFFER, MIB, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, undefined, 0);
  return { machine, task, fd: files.open(task, '/f', O_CREAT | O_RDWR) };
}

/** Three dirty pages of which the disk has been given all. */
function started(options: MachineOptions = {}): Scene {
  const scene = writer(options);
  const { files } = scene.machine.kernel;
  files.pwrite(scene.task, scene.fd, BUFFER, 3 * PAGE, 0);
  expect(files.syncFileRange(scene.task, scene.fd, 0, 0, SYNC_FILE_RANGE_WRITE)).toBe(0);
  return scene;
}

const numbers = ({ kernel }: Machine): { dirty: number; writeback: number } => {
  const { Dirty, Writeback } = meminfoOf(kernel, kernel.commitments) as { Dirty: number; Writeback: number };
  return { dirty: Dirty / 4, writeback: Writeback / 4 };
};
const cacheStat = ({ machine, task, fd }: Scene): CacheStat =>
  machine.kernel.files.cachestat(task, fd, 0, 0) as CacheStat;

test('are pages between submission and answer under write-back and no longer dirty, for meminfo and cachestat?', () => {
  const scene = started();
  const { machine } = scene;
  expect(numbers(machine)).toEqual({ dirty: 0, writeback: 3 });
  expect(cacheStat(scene)).toMatchObject({ cache: 3, dirty: 0, writeback: 3 });
  expect(checkInvariants(machine.kernel)).toEqual([]);
  machine.clock.sleep(SECOND / 1000);
  expect(numbers(machine)).toEqual({ dirty: 0, writeback: 0 });
  expect(cacheStat(scene)).toMatchObject({ cache: 3, dirty: 0, writeback: 0 });
});

test('can a page in flight become dirty again, and does fsync write it once more behind the first answer?', () => {
  const scene = started({ disk: hdd });
  const { machine, task, fd } = scene;
  const { files } = machine.kernel;
  files.pwrite(task, fd, BUFFER, PAGE, 2 * PAGE);
  expect(cacheStat(scene)).toMatchObject({ dirty: 1, writeback: 3 });
  // Another start passes it by: it is on its way already.
  files.syncFileRange(task, fd, 0, 0, SYNC_FILE_RANGE_WRITE);
  expect(cacheStat(scene)).toMatchObject({ dirty: 1, writeback: 3 });
  const before = machine.clock.spent[CAUSE_DISK] as number;
  expect(files.fsync(task, fd)).toBe(0);
  expect(cacheStat(scene)).toMatchObject({ dirty: 0, writeback: 0 });
  expect((machine.clock.spent[CAUSE_DISK] as number) - before).toBeGreaterThan(0);
});

test('do waits without a write last until the disk has answered, and no longer?', () => {
  const { machine, task, fd } = started({ disk: hdd });
  const { files } = machine.kernel;
  const due = files.writeBack.inFlight.requests[0]?.due as number;
  files.pwrite(task, fd, BUFFER, PAGE, 7 * PAGE);
  files.syncFileRange(task, fd, 0, 0, SYNC_FILE_RANGE_WAIT_AFTER);
  expect(machine.clock.now).toBeCloseTo(due, -3);
  expect(numbers(machine)).toEqual({ dirty: 1, writeback: 0 });
});

test('does truncation wait for the pages that it drops, and only for those?', () => {
  const cut = started({ disk: hdd });
  cut.machine.kernel.files.ftruncate(cut.task, cut.fd, 0);
  expect(numbers(cut.machine)).toEqual({ dirty: 0, writeback: 0 });
  const grown = started({ disk: hdd });
  const before = grown.machine.clock.now;
  grown.machine.kernel.files.ftruncate(grown.task, grown.fd, 10 * PAGE);
  expect(grown.machine.clock.now - before).toBeLessThan(1e6);
  expect(numbers(grown.machine).writeback).toBe(3);
});

test('do drop_caches and POSIX_FADV_DONTNEED leave pages in flight, and give dirty ones to the disk?', () => {
  const scene = started({ disk: hdd });
  const { machine, task, fd } = scene;
  const { files } = machine.kernel;
  expect(files.dropAll()).toBe(0);
  files.pwrite(task, fd, BUFFER, PAGE, 3 * PAGE);
  files.fadvise(task, fd, 0, 0, POSIX_FADV_DONTNEED);
  expect(cacheStat(scene)).toMatchObject({ cache: 4, dirty: 0, writeback: 4 });
  machine.clock.sleep(SECOND);
  files.fadvise(task, fd, 0, 0, POSIX_FADV_DONTNEED);
  expect(cacheStat(scene).cache).toBe(0);
});

for (const stableWrites of [false, true])
  test(`does a write to a page in flight wait for the disk only if pages must be stable (${stableWrites})?`, () => {
    const { machine, task } = writer({ disk: hdd });
    const { files, addressSpaces } = machine.kernel;
    const root = files.names.fileSystemOf('/');
    files.names.mount('/data', ext4FileSystem(77 << 20, { requestTime: root.requestTime, stableWrites }));
    const fd = files.open(task, '/data/f', O_CREAT | O_RDWR);
    const file = task.process.files.get(fd);
    for (const write of [() => files.pwrite(task, fd, BUFFER, 1, 0), () => machine.touch(task, SHARED, 1)]) {
      files.pwrite(task, fd, BUFFER, PAGE, 0);
      addressSpaces.mmap(task, SHARED, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0);
      machine.clock.sleep(SECOND);
      files.syncFileRange(task, fd, 0, 0, SYNC_FILE_RANGE_WRITE);
      write();
      expect(numbers(machine)).toEqual({ dirty: 1, writeback: stableWrites ? 0 : 1 });
      files.fsync(task, fd);
    }
  });

test('is a page that reclaim came across the next to go when the disk has it?', () => {
  const { machine, task, fd } = started({ disk: hdd });
  const { files, lru, table } = machine.kernel;
  lru.drain();
  const frame = task.process.files.get(fd)?.inode.pages.get(2) as never;
  lru.activate(frame);
  lru.drain();
  table.set(frame, PG_RECLAIM);
  machine.clock.sleep(SECOND);
  expect(table.has(frame, PG_RECLAIM | PG_ACTIVE)).toBe(false);
  expect([...lru.frames(LRU_INACTIVE_FILE)].at(-1)).toBe(frame);
  expect(files.flusher.isBusy).toBe(false);
});

test('do files take turns when the flusher writes much?', () => {
  const { machine, task, fd } = writer({ disk: { ...nvme, writeBandwidth: 0.1 } });
  const { files } = machine.kernel;
  machine.kernel.sysctl('vm.dirty_background_ratio', 50);
  machine.kernel.sysctl('vm.dirty_ratio', 60);
  machine.kernel.sysctl('vm.dirty_expire_centisecs', 100);
  for (let at = 0; at < 40 * MIB; at += MIB) files.pwrite(task, fd, BUFFER, MIB, at);
  const small = files.open(task, '/small', O_CREAT | O_RDWR);
  files.pwrite(task, small, BUFFER, PAGE, 0);
  const dirtyOf = (one: number) => task.process.files.get(one)?.inode.dirtyPages as number;
  while (dirtyOf(small) > 0) machine.clock.sleep(1e6);
  // The small file came second: the large one had its share and waits for its next turn.
  expect(dirtyOf(fd)).toBeGreaterThan(0);
  machine.clock.sleep(SECOND);
  expect(dirtyOf(fd)).toBe(0);
});

test('does a machine that was saved with requests in flight go on as the other?', () => {
  const { machine } = started({ disk: hdd, contents: 'bytes' });
  const restored = Machine.restore(machine.save());
  expect(numbers(restored)).toEqual({ dirty: 0, writeback: 3 });
  expect(checkInvariants(restored.kernel)).toEqual([]);
  for (const one of [machine, restored]) one.clock.sleep(SECOND);
  expect(numbers(restored)).toEqual({ dirty: 0, writeback: 0 });
  expect(restored.kernel.vmstat.save()).toEqual(machine.kernel.vmstat.save());
});
