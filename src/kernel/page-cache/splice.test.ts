/** sendfile and copy_file_range from the outside: what they read, what they mark, what arrives. */

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { vpn } from '../../hardware/units.ts';
import { Machine } from '../../machine/machine.ts';
import { EBADF, EINVAL } from '../errno.ts';
import { PG_ACTIVE, PG_REFERENCED } from '../frames/frame-table.ts';
import { checkInvariants } from '../invariants.ts';
import type { Task } from '../process/process.ts';
import { O_APPEND, O_CREAT, O_RDONLY, O_RDWR, O_WRONLY } from '../uapi.ts';
import { patternBacking } from './backing.ts';
import { ext4FileSystem } from './file-system.ts';
import type { Socket } from './splice.ts';

const PAGE = 4096;
const BYTES = 100 * PAGE + 100;

interface Box {
  readonly machine: Machine;
  readonly task: Task;
  readonly fd: number;
}

function start(memory = 32 << 20): Box {
  const machine = new Machine({ memory, contents: 'bytes' });
  const { files, processes } = machine.kernel;
  const task = processes.spawn('test', vpn(0x7ffff7fff));
  machine.runOn(0, task);
  files.create('/data', { size: BYTES, backing: patternBacking(BYTES) });
  return { machine, task, fd: files.open(task, '/data', O_RDWR) };
}

/** What the file holds, page by page, as the disk does. */
function contents(): Uint8Array {
  const backing = patternBacking(BYTES);
  const all = new Uint8Array(101 * PAGE);
  for (let page = 0; page < 101; page++) backing.readPage(page, all.subarray(page * PAGE, (page + 1) * PAGE));
  return all.subarray(0, BYTES);
}

/** A socket that keeps what it gets. */
class Receiver implements Socket {
  readonly fd = 99;
  readonly pieces: number[] = [];
  readonly got: number[] = [];
  readonly #machine: Machine;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  receive(frame: number, offset: number, bytes: number): void {
    this.pieces.push(bytes);
    const view = this.#machine.memory.view(frame as never);
    for (let i = 0; i < bytes; i++) this.got.push(view[offset + i] as number);
  }
}

test('does a socket get exactly the bytes of the range, at whatever positions it begins and ends?', () => {
  const expected = contents();
  fc.assert(
    fc.property(fc.nat(BYTES + 10), fc.nat(BYTES + 10), (offset, count) => {
      const { machine, task, fd } = start();
      const socket = new Receiver(machine);
      const there = Math.max(0, Math.min(count, BYTES - offset));
      expect(machine.kernel.files.sendfile(task, socket, fd, offset, count)).toBe(there);
      expect(Uint8Array.from(socket.got)).toEqual(expected.slice(offset, offset + there));
      expect(machine.kernel.files.lseek(task, fd, 0, 1)).toBe(0);
      expect(checkInvariants(machine.kernel)).toEqual([]);
    }),
    { numRuns: 15 },
  );
});

test('does it read ahead as far as a pipe asks, and touch no memory of the program?', () => {
  const { machine, task, fd } = start();
  const socket = new Receiver(machine);
  const { files } = machine.kernel;
  files.sendfile(task, socket, fd, 0, 64 * 1024);
  // 16 pages asked for: a window of 32, whose second half carries the mark.
  expect(files.cachestat(task, fd, 0, 0)).toMatchObject({ cache: 32 });
  files.sendfile(task, socket, fd, 64 * 1024, 4096);
  expect(files.cachestat(task, fd, 0, 0)).toMatchObject({ cache: 64 });
  expect(socket.pieces).toEqual(Array(17).fill(PAGE));
  expect([task.minFlt, task.majFlt, task.mm.rssPages]).toEqual([0, 0, 0]);
});

/** What the real kernel answered, a line a call. */
const recordedCalls = (name: string): string[] =>
  readFileSync(new URL(`./fixtures/${name}.txt`, import.meta.url), 'utf8')
    .trim()
    .split('\n');

/** A cold file of 64 MiB on ext4 with read_ahead_kb 8192 and max_sectors_kb 4096, as where the fixtures were recorded. */
function startOnDisk(): Box & { cached: (fd: number) => number } {
  const { machine, task } = start(256 << 20);
  const { files } = machine.kernel;
  files.names.mount('/disk', ext4FileSystem(5 << 20, { raPages: 2048, ioPages: 1024 }));
  files.create('/disk/file', { size: 64 << 20 });
  const cached = (fd: number): number => task.process.files.get(fd)?.inode.pages.present ?? -1;
  return { machine, task, fd: files.open(task, '/disk/file', O_RDONLY), cached };
}

/** Linux 6.18.44; a line: offset, count, what sendfile to a socket returned, pages that mincore found afterwards. */
test('are as many pages cached after each of 150 calls of sendfile as on the real kernel?', () => {
  const { machine, task, fd, cached } = startOnDisk();
  const socket: Socket = { fd: 99, receive: () => undefined };
  const answers = recordedCalls('sendfile').map((line) => {
    const [offset, count] = line.split(' ').map(Number) as [number, number];
    const sent = machine.kernel.files.sendfile(task, socket, fd, offset, count);
    return `${offset} ${count} ${sent} ${cached(fd)}`;
  });
  expect(answers).toEqual(recordedCalls('sendfile'));
});

/** The same with copy_file_range to a third of the offset in a file of holes, whose cached pages are the last number. */
test('are as many pages of both files cached after each of 60 copies as on the real kernel?', () => {
  const { machine, task, fd, cached } = startOnDisk();
  const { files } = machine.kernel;
  const out = files.open(task, '/disk/out', O_RDWR | O_CREAT);
  files.ftruncate(task, out, 64 << 20);
  const answers = recordedCalls('copy-file-range').map((line) => {
    const [offset, count] = line.split(' ').map(Number) as [number, number];
    const copied = files.copyFileRange(task, fd, offset, out, Math.floor(offset / 3), count);
    return `${offset} ${count} ${copied} ${cached(fd)} ${cached(out)}`;
  });
  expect(answers).toEqual(recordedCalls('copy-file-range'));
});

test('does each pipe that a page goes through count as a use of it?', () => {
  const { machine, task, fd } = start();
  const { files, table } = machine.kernel;
  const frame = (): number => task.process.files.get(fd)?.inode.pages.get(0) ?? 0;
  const socket = new Receiver(machine);
  files.sendfile(task, socket, fd, 0, 100);
  expect(table.has(frame() as never, PG_REFERENCED)).toBe(true);
  // read(2) would take the second one, which begins where the first ended, for the same use.
  files.sendfile(task, socket, fd, 100, 100);
  machine.kernel.lru.drain();
  expect(table.has(frame() as never, PG_ACTIVE)).toBe(true);
});

test('do a copy by sendfile and one by copy_file_range hold what the source held, and whose position moves?', () => {
  const { machine, task, fd } = start();
  const { files } = machine.kernel;
  const sent = files.open(task, '/sent', O_RDWR | O_CREAT);
  expect(files.sendfile(task, sent, fd, undefined, 300_000)).toBe(300_000);
  expect(files.sendfile(task, sent, fd, undefined, 300_000)).toBe(BYTES - 300_000);
  expect(files.sendfile(task, sent, fd, undefined, 300_000)).toBe(0);
  expect([files.lseek(task, sent, 0, 1), files.lseek(task, fd, 0, 1)]).toEqual([BYTES, BYTES]);
  const copied = files.open(task, '/copied', O_RDWR | O_CREAT);
  expect(files.copyFileRange(task, sent, 1000, copied, 5000, BYTES)).toBe(BYTES - 1000);
  const socket = new Receiver(machine);
  files.sendfile(task, socket, copied, 0, BYTES * 2);
  const expected = new Uint8Array(BYTES + 4000);
  expected.set(contents().subarray(1000), 5000);
  expect(Uint8Array.from(socket.got)).toEqual(expected);
});

test('do copies survive when neither file fits into memory?', () => {
  const { machine, task } = start();
  const { files } = machine.kernel;
  const size = 48 << 20;
  files.create('/large', { size, backing: patternBacking(size) });
  const from = files.open(task, '/large', O_RDONLY);
  const to = files.open(task, '/copy', O_RDWR | O_CREAT);
  expect(files.copyFileRange(task, from, 0, to, 0, size)).toBe(size);
  const page = new Uint8Array(PAGE);
  for (const index of [0, 1, 5000, 12_287]) {
    patternBacking(size).readPage(index, page.fill(0));
    const socket = new Receiver(machine);
    files.sendfile(task, socket, to, index * PAGE, PAGE);
    expect(Uint8Array.from(socket.got), `page ${index}`).toEqual(page);
  }
});

test('are a hole of a memory file and its end sent as zeros, without making pages?', () => {
  const { machine, task } = start();
  const { files } = machine.kernel;
  const memfd = files.memfdCreate(task, 'hole');
  files.ftruncate(task, memfd, 5000);
  const socket = new Receiver(machine);
  expect(files.sendfile(task, socket, memfd, 0, 9000)).toBe(5000);
  expect(socket.got.every((byte) => byte === 0)).toBe(true);
  expect(files.cachestat(task, memfd, 0, 0)).toMatchObject({ cache: 0 });
});

test('which errors do they give?', () => {
  const { machine, task, fd } = start();
  const { files } = machine.kernel;
  const readOnly = files.open(task, '/data', O_RDONLY);
  const writeOnly = files.open(task, '/data', O_WRONLY);
  const append = files.open(task, '/log', O_RDWR | O_CREAT | O_APPEND);
  expect(files.sendfile(task, readOnly, fd, 0, 1)).toBe(-EBADF);
  expect(files.sendfile(task, fd, writeOnly, 0, 1)).toBe(-EBADF);
  expect(files.sendfile(task, fd, 77, 0, 1)).toBe(-EBADF);
  expect(files.sendfile(task, 77, fd, 0, 1)).toBe(-EBADF);
  expect(files.sendfile(task, append, fd, 0, 1)).toBe(-EINVAL);
  expect(files.sendfile(task, writeOnly, fd, -1, 1)).toBe(-EINVAL);
  expect(files.copyFileRange(task, fd, 0, append, 0, 1)).toBe(-EBADF);
  expect(files.copyFileRange(task, fd, 0, readOnly, 0, 1)).toBe(-EBADF);
  expect(files.copyFileRange(task, fd, 0, writeOnly, 50, 100)).toBe(-EINVAL);
  expect(files.copyFileRange(task, fd, 0, writeOnly, 100, 100)).toBe(100);
});
