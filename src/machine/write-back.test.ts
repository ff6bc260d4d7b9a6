/** When dirty pages go to the disk, who waits for it, and who hears of errors. */
import { expect, test } from 'vitest';
import { hdd, nvme } from '../hardware/block-device.ts';
import { EBADF, EINVAL, EIO } from '../kernel/errno.ts';
import { emptyBacking } from '../kernel/page-cache/backing.ts';
import { dirtyLimits } from '../kernel/page-cache/dirty-limits.ts';
import type { Backing } from '../kernel/page-cache/inode.ts';
import { defaultParams } from '../kernel/params.ts';
import { ioText } from '../kernel/proc/io.ts';
import { vmstatText } from '../kernel/proc/vmstat-text.ts';
import type { Task } from '../kernel/process/process.ts';
import { CAUSE_WRITE_THROTTLE } from '../kernel/time/clock.ts';
import { printEvent } from '../kernel/trace/print.ts';
import { tracepointsNamed } from '../kernel/tracepoints.ts';
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
  MS_SYNC,
  O_CREAT,
  O_RDWR,
  PROT_READ,
  PROT_WRITE,
} from '../kernel/uapi.ts';
import { Machine } from './machine.ts';
import type { MachineOptions } from './options.ts';

const PAGE = 4096;
const SECOND = 1e9;
const BUFFER = 0x100000000000;
const SHARED = 0x200000000000;
const MIB = 1 << 20;

/** A machine with one process that has an empty file open and a buffer of 1 MiB. */
function writer(options: MachineOptions = {}, backing?: Backing): { machine: Machine; task: Task; fd: number } {
  const machine = new Machine({ memory: 256 * MIB, ...options });
  const { processes, addressSpaces, files } = machine.kernel;
  const task = processes.spawn('writer', (2 ** 35 - 2 ** 20) as never);
  machine.runOn(0, task);
  const prot = PROT_READ | PROT_WRITE;
  addressSpaces.mmap(task, BUFFER, MIB, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, undefined, 0);
  if (backing !== undefined) files.create('/f', { backing });
  return { machine, task, fd: files.open(task, '/f', O_CREAT | O_RDWR) };
}

const dirtyPages = ({ kernel }: Machine): number => kernel.files.flusher.dirty;
const vmstat = (machine: Machine, name: string): number =>
  Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(vmstatText(machine.kernel))?.[1]);

for (const disk of [undefined, nvme])
  test(`is a page dirty for 30 seconds and no longer than 35 (${disk?.name ?? 'a disk that answers at once'})?`, () => {
    const { machine, task, fd } = writer({ disk });
    machine.clock.sleep(7 * SECOND);
    machine.kernel.files.pwrite(task, fd, BUFFER, 3 * PAGE, 0);
    machine.clock.sleep(26 * SECOND);
    expect(dirtyPages(machine)).toBe(3);
    machine.clock.sleep(9 * SECOND);
    expect(dirtyPages(machine)).toBe(0);
  });

test('does the age of a file count from its first dirty page, and do younger files wait?', () => {
  const { machine, task, fd } = writer();
  const { files } = machine.kernel;
  files.pwrite(task, fd, BUFFER, PAGE, 0);
  machine.clock.sleep(20 * SECOND);
  files.pwrite(task, fd, BUFFER, PAGE, PAGE);
  const young = files.open(task, '/young', O_CREAT | O_RDWR);
  files.pwrite(task, young, BUFFER, 5 * PAGE, 0);
  machine.clock.sleep(16 * SECOND);
  expect(dirtyPages(machine)).toBe(5);
});

test('do the sysctls set age and period, and does a period of 0 stop the flusher?', () => {
  const { machine, task, fd } = writer();
  const { kernel } = machine;
  expect(kernel.sysctl('vm.dirty_expire_centisecs', 200)).toBe('set');
  expect(kernel.sysctl('vm.dirty_writeback_centisecs', 100)).toBe('set');
  kernel.files.pwrite(task, fd, BUFFER, PAGE, 0);
  machine.clock.sleep(1.9 * SECOND);
  expect(dirtyPages(machine)).toBe(1);
  machine.clock.sleep(0.2 * SECOND);
  expect(dirtyPages(machine)).toBe(0);
  kernel.sysctl('vm.dirty_writeback_centisecs', 0);
  kernel.files.pwrite(task, fd, BUFFER, PAGE, 0);
  machine.clock.sleep(1000 * SECOND);
  expect(dirtyPages(machine)).toBe(1);
  kernel.sysctl('vm.dirty_writeback_centisecs', 500);
  expect(dirtyPages(machine)).toBe(0);
});

test('are the limits those of the kernel: ratios in parts of a page, bytes instead of them, background below?', () => {
  const params = defaultParams();
  // Measured: 819/4096 and 409/4096 of what is dirtyable.
  expect(dirtyLimits(params, 100_000)).toEqual({ hard: 19_995, background: 9985 });
  expect(dirtyLimits({ ...params, dirtyBytes: 8193 }, 100_000)).toEqual({ hard: 3, background: 1 });
  expect(dirtyLimits({ ...params, dirtyBackgroundBytes: 1 }, 100_000).background).toBe(1);
  const { machine } = writer();
  const { free, totalReserve } = machine.kernel.allocator;
  expect(vmstat(machine, 'nr_dirty_threshold')).toBe(Math.floor((819 * (free - totalReserve + 1)) / 4096));
  expect(vmstat(machine, 'nr_dirty_background_threshold')).toBe(Math.floor((409 * (free - totalReserve + 1)) / 4096));
  machine.kernel.sysctl('vm.dirty_bytes', 1 << 20);
  expect(vmstat(machine, 'nr_dirty_threshold')).toBe(256);
  expect(machine.kernel.params.dirtyRatio).toBe(0);
  expect(machine.kernel.sysctl('vm.dirty_bytes', 4096)).toBe('invalid');
});

test('does the flusher write in the background as soon as the limit is passed, and stop below it?', () => {
  const { machine, task, fd } = writer();
  const { files } = machine.kernel;
  const { background } = files.flusher.limits();
  for (let at = 0; at < 64 * MIB; at += MIB) files.pwrite(task, fd, BUFFER, MIB, at);
  expect(dirtyPages(machine)).toBeLessThanOrEqual(background + 256);
  // A file's share is an eighth of the hard limit and 4 MiB, in whole pieces of 4 MiB (writeback_chunk_size).
  const share = Math.floor((files.flusher.limits().hard / 8 + 1024) / 1024) * 1024;
  expect(dirtyPages(machine)).toBeGreaterThan(background - share - 256);
  expect(machine.clock.spent[CAUSE_WRITE_THROTTLE]).toBe(0);
});

test('is a writer that is faster than the disk held up between the two limits, at the speed of the disk?', () => {
  const slow = { ...nvme, writeBandwidth: 0.1 };
  const { machine, task, fd } = writer({ disk: slow });
  const { files } = machine.kernel;
  let most = 0;
  const write = (from: number, to: number): void => {
    for (let at = from; at < to; at += MIB) {
      files.pwrite(task, fd, BUFFER, MIB, at % (100 * MIB));
      most = Math.max(most, dirtyPages(machine));
    }
  };
  write(0, 100 * MIB);
  const start = machine.clock.now;
  write(0, 200 * MIB);
  expect(machine.clock.spent[CAUSE_WRITE_THROTTLE]).toBeGreaterThan(0);
  expect(most).toBeLessThanOrEqual(files.flusher.limits().hard);
  const bytesPerNs = (200 * MIB) / (machine.clock.now - start);
  expect(bytesPerNs).toBeGreaterThan(0.08);
  expect(bytesPerNs).toBeLessThan(0.125);
});

test('are stores through a mapping held up too?', () => {
  const { machine, task, fd } = writer({ disk: { ...nvme, writeBandwidth: 0.01 } });
  const { kernel } = machine;
  kernel.files.ftruncate(task, fd, 100 * MIB);
  const file = task.process.files.get(fd);
  kernel.addressSpaces.mmap(task, SHARED, 100 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0);
  for (let at = 0; at < 100 * MIB; at += PAGE) machine.touch(task, SHARED + at, 1);
  expect(machine.clock.spent[CAUSE_WRITE_THROTTLE]).toBeGreaterThan(SECOND);
});

/** A disk that refuses what `broken` says. */
function failing(broken: { fails: boolean }): Backing {
  const inner = emptyBacking();
  return {
    readPage: (index, into) => inner.readPage(index, into),
    writePage: (index, from) => (broken.fails ? -EIO : inner.writePage(index, from)),
  };
}

test('does each open file hear once of a write that failed, whoever wrote it back?', () => {
  const broken = { fails: true };
  const { machine, task, fd } = writer({ contents: 'bytes' }, failing(broken));
  const { files, addressSpaces } = machine.kernel;
  const other = files.open(task, '/f', O_RDWR);
  files.pwrite(task, fd, BUFFER, PAGE, 0);
  machine.clock.sleep(40 * SECOND);
  expect(dirtyPages(machine)).toBe(0);
  broken.fails = false;
  // Nobody has seen it: one who opens the file now hears of it as well.
  const late = files.open(task, '/f', O_RDWR);
  expect(files.fsync(task, fd)).toBe(-EIO);
  expect(files.fsync(task, fd)).toBe(0);
  const file = task.process.files.get(other);
  addressSpaces.mmap(task, SHARED, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, file, 0);
  expect(addressSpaces.msync(task, SHARED, PAGE, MS_SYNC)).toBe(-EIO);
  expect(files.fdatasync(task, other)).toBe(0);
  expect(files.syncFileRange(task, late, 0, 0, 2)).toBe(0);
  expect(files.syncFileRange(task, late, 0, 0, 7)).toBe(-EIO);
  expect(files.fsync(task, files.open(task, '/f', O_RDWR))).toBe(0);
  expect(files.syncfs(task, fd)).toBe(-EIO);
  expect(files.syncfs(task, fd)).toBe(0);
});

test('does sync_file_range write the pages of its range only, and refuse what it does not know?', () => {
  const { machine, task, fd } = writer();
  const { files } = machine.kernel;
  for (const page of [0, 2, 5]) files.pwrite(task, fd, BUFFER, 1, page * PAGE);
  expect(dirtyPages(machine)).toBe(3);
  expect(files.syncFileRange(task, fd, 0, 3 * PAGE, 2)).toBe(0);
  expect(dirtyPages(machine)).toBe(1);
  // Waiting alone writes nothing.
  expect(files.syncFileRange(task, fd, 0, 0, 5)).toBe(0);
  expect(dirtyPages(machine)).toBe(1);
  expect(files.syncFileRange(task, fd, 0, 0, 7)).toBe(0);
  expect(dirtyPages(machine)).toBe(0);
  expect(files.syncFileRange(task, fd, 0, 0, 8)).toBe(-EINVAL);
  expect(files.syncFileRange(task, fd, -1, 0, 2)).toBe(-EINVAL);
  expect(files.syncFileRange(task, 99, 0, 0, 2)).toBe(-EBADF);
});

test('does /proc/PID/io tell calls, characters, and what never had to be written?', () => {
  const { machine, task, fd } = writer();
  const { files } = machine.kernel;
  files.pwrite(task, fd, BUFFER, 3 * PAGE, 0);
  files.pread(task, fd, BUFFER, 100, 0);
  files.pread(task, fd, BUFFER, 100, 1 << 30);
  files.ftruncate(task, fd, 0);
  expect(ioText(task.process)).toBe(
    'rchar: 100\nwchar: 12288\nsyscr: 2\nsyscw: 1\nread_bytes: 0\nwrite_bytes: 12288\ncancelled_write_bytes: 12288\n',
  );
});

test('does a restored machine write at the same instant as the one it was saved from?', () => {
  const { machine, task, fd } = writer({ disk: hdd });
  for (let at = 0; at < 40 * MIB; at += MIB) machine.kernel.files.pwrite(task, fd, BUFFER, MIB, at);
  const restored = Machine.restore(machine.save());
  expect(dirtyPages(restored)).toBe(dirtyPages(machine));
  for (let i = 0; i < 50; i++) {
    for (const one of [machine, restored]) one.clock.sleep(SECOND);
    expect(dirtyPages(restored)).toBe(dirtyPages(machine));
  }
  expect(dirtyPages(machine)).toBe(0);
});

test('are the events of write-back printed as the kernel prints them?', () => {
  const text = (): string => '254:1';
  const print = (name: string, ...args: number[]): string =>
    printEvent(tracepointsNamed(`writeback:${name}`)[0] as number, args, text);
  expect(print('writeback_dirty_folio', 0, 12, 3)).toBe('writeback_dirty_folio: bdi 254:1: ino=12 index=3');
  expect(print('writeback_start', 0, 40, 0, 1, 0, 3)).toBe(
    'writeback_start: bdi 254:1: nr_pages=40 sync_mode=0 kupdate=1 background=0 reason=periodic',
  );
});

test('do the tracepoints of write-back say why and how much?', () => {
  const { machine, task, fd } = writer();
  const { trace } = machine.kernel;
  const seen: [point: number, reason: number][] = [];
  const [start, dirtied] = ['writeback_start', 'writeback_dirty_folio'].map(
    (name) => tracepointsNamed(`writeback:${name}`)[0] as number,
  ) as [number, number];
  trace.start(
    (rows) => {
      for (let i = 0; i < rows.count; i++)
        seen.push([rows.point[i] as number, (rows.args[5] as Float64Array)[i] as number]);
    },
    [start, dirtied],
  );
  machine.kernel.files.pwrite(task, fd, BUFFER, PAGE, 0);
  machine.clock.sleep(31 * SECOND);
  trace.stop();
  expect(seen.filter(([point]) => point === dirtied)).toHaveLength(1);
  // A look every 5 s, the last of which found something.
  expect(seen.filter(([point]) => point === start).map(([, reason]) => reason)).toEqual([3, 3, 3, 3, 3, 3]);
});
