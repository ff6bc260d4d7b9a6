/** Files of a machine from the outside: descriptors, sharing, errors, what stays of a file that nobody has any more. */
import { expect, test } from 'vitest';
import { EBADF, EEXIST, EFAULT, EFBIG, EINVAL, EMFILE, ENOENT } from '../kernel/errno.ts';
import { POSIX_FADV_RANDOM } from '../kernel/page-cache/advice.ts';
import { patternBacking } from '../kernel/page-cache/backing.ts';
import { SEEK_CUR, SEEK_END } from '../kernel/page-cache/files.ts';
import type { Task } from '../kernel/process/process.ts';
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  O_APPEND,
  O_CREAT,
  O_EXCL,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  PROT_READ,
  PROT_WRITE,
  RLIMIT_FSIZE,
  RLIMIT_NOFILE,
} from '../kernel/uapi.ts';
import { Machine } from './machine.ts';

const BUFFER = 0x100000000000;
const PAGE = 4096;

function start(contents: 'bytes' | 'none' = 'bytes'): { machine: Machine; task: Task } {
  const machine = new Machine({ memory: 128 << 20, contents });
  const task = machine.kernel.processes.spawn('test', (2 ** 35 - 2 ** 20) as never);
  machine.runOn(0, task);
  const prot = PROT_READ | PROT_WRITE;
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  machine.kernel.addressSpaces.mmap(task, BUFFER, 16 * PAGE, prot, flags, undefined, 0);
  return { machine, task };
}

test('which errors do open, read, write and their like give?', () => {
  const { machine, task } = start();
  const { files } = machine.kernel;
  expect(files.open(task, '/none', O_RDONLY)).toBe(-ENOENT);
  const fd = files.open(task, '/new', O_RDWR | O_CREAT);
  expect(files.open(task, '/new', O_RDWR | O_CREAT | O_EXCL)).toBe(-EEXIST);
  const readOnly = files.open(task, '/new', O_RDONLY);
  const writeOnly = files.open(task, '/new', O_WRONLY);
  expect(files.write(task, readOnly, BUFFER, 1)).toBe(-EBADF);
  expect(files.read(task, writeOnly, BUFFER, 1)).toBe(-EBADF);
  expect(files.read(task, 77, BUFFER, 1)).toBe(-EBADF);
  expect(files.pread(task, fd, BUFFER, 1, -1)).toBe(-EINVAL);
  expect(files.lseek(task, fd, -1)).toBe(-EINVAL);
  expect(files.ftruncate(task, readOnly, 0)).toBe(-EINVAL);
  expect(files.fadvise(task, fd, 0, 0, 9)).toBe(-EINVAL);
  expect(files.write(task, fd, 0x300000000000, 10)).toBe(-EFAULT);
  task.process.rlimits.soft[RLIMIT_FSIZE] = 5000;
  expect(files.pwrite(task, fd, BUFFER, PAGE, 4000)).toBe(1000);
  expect(files.pwrite(task, fd, BUFFER, PAGE, 5000)).toBe(-EFBIG);
  task.process.rlimits.soft[RLIMIT_NOFILE] = 3;
  expect(files.open(task, '/new', O_RDONLY)).toBe(-EMFILE);
});

test('do copies of a descriptor share the position, and other openings not?', () => {
  const { machine, task } = start();
  const { files } = machine.kernel;
  files.create('/f', { size: 10 * PAGE, backing: patternBacking(10 * PAGE) });
  const fd = files.open(task, '/f', O_RDWR);
  const copy = files.dup(task, fd);
  const other = files.open(task, '/f', O_RDWR);
  expect(files.dup2(task, fd, 20)).toBe(20);
  expect(files.read(task, fd, BUFFER, 100)).toBe(100);
  expect(files.read(task, copy, BUFFER, 100)).toBe(100);
  expect(files.lseek(task, 20, 0, SEEK_CUR)).toBe(200);
  expect(files.lseek(task, other, 0, SEEK_CUR)).toBe(0);
  expect(files.lseek(task, other, -10, SEEK_END)).toBe(10 * PAGE - 10);
  expect(files.read(task, other, BUFFER, 100)).toBe(10);
  const append = files.open(task, '/f', O_WRONLY | O_APPEND);
  expect(files.write(task, append, BUFFER, 5)).toBe(5);
  expect(files.lseek(task, append, 0, SEEK_CUR)).toBe(10 * PAGE + 5);
  expect(files.close(task, files.open(task, '/f', O_RDWR | O_TRUNC))).toBe(0);
  expect(files.lseek(task, fd, 0, SEEK_END)).toBe(0);
});

test('does an unlinked file live until its last descriptor is closed, and are its frames free then?', () => {
  const { machine, task } = start();
  const { files, allocator, lru } = machine.kernel;
  machine.touch(task, BUFFER, 1);
  files.create('/f', { size: 100 * PAGE, backing: patternBacking(100 * PAGE) });
  lru.drain();
  const before = allocator.free;
  const fd = files.open(task, '/f', O_RDWR);
  expect(files.read(task, fd, BUFFER, PAGE)).toBe(PAGE);
  expect(files.unlink('/f')).toBe(true);
  expect(files.open(task, '/f', O_RDWR)).toBe(-ENOENT);
  expect(files.read(task, fd, BUFFER, PAGE)).toBe(PAGE);
  expect(allocator.free).toBeLessThan(before);
  files.close(task, fd);
  expect(allocator.free).toBe(before);
  expect([...files.inodes].length).toBe(0);
});

test('does a snapshot bring files back with what was written, cached and open?', () => {
  const { machine, task } = start();
  const { files } = machine.kernel;
  files.create('/f', { size: 8 * PAGE, backing: patternBacking(8 * PAGE) });
  const fd = files.open(task, '/f', O_RDWR);
  machine.writeBytes(task, BUFFER, Uint8Array.of(1, 2, 3));
  files.pwrite(task, fd, BUFFER, 3, 5000);
  files.fsync(task, fd);
  files.dropAll();
  files.pwrite(task, fd, BUFFER, 3, 9000);
  files.lseek(task, fd, 5000);
  const again = Machine.restore(machine.save());
  const twin = again.kernel.processes.all.get(task.process.pid)?.tasks[0] as Task;
  again.runOn(0, twin);
  const restored = again.kernel.files;
  expect(restored.read(twin, fd, BUFFER, 3)).toBe(3);
  expect(again.readBytes(twin, BUFFER, 3)).toEqual(Uint8Array.of(1, 2, 3));
  restored.pread(twin, fd, BUFFER, 3, 9000);
  expect(again.readBytes(twin, BUFFER, 3)).toEqual(Uint8Array.of(1, 2, 3));
  expect(restored.cachestat(twin, fd, 0, 0)).toEqual(restored.cachestat(twin, fd, 0, 8 * PAGE));
});

test('does a cached page cost at most 48 bytes, frame and index together?', () => {
  const { machine, task } = start('none');
  const { files, table } = machine.kernel;
  const inode = files.create('/f', { size: 64 << 20 });
  const fd = files.open(task, '/f', O_RDWR);
  for (let at = 0; at < 64 << 20; at += 16 * PAGE) files.pread(task, fd, BUFFER, 16 * PAGE, at);
  expect(inode.pages.present).toBe((64 << 20) / PAGE);
  const columns = Object.values(table).filter(ArrayBuffer.isView);
  const frameBytes = columns.reduce((sum, column) => sum + column.byteLength, 0) / table.frames + 4;
  expect(frameBytes + inode.pages.bytes / inode.pages.present).toBeLessThanOrEqual(48);
});

test('does a descriptor that promised random reads get exactly what it asks for?', () => {
  const { machine, task } = start('none');
  const { files } = machine.kernel;
  const inode = files.create('/f', { size: 1 << 20 });
  const fd = files.open(task, '/f', O_RDWR);
  files.fadvise(task, fd, 0, 0, POSIX_FADV_RANDOM);
  files.pread(task, fd, BUFFER, 3 * PAGE, 0);
  expect(inode.pages.present).toBe(3);
  expect(task.process.readBytes).toBe(3 * PAGE);
});
