/**
 * Two processes write, read, map, cut and sync one file at random, in every way that Linux has, and what they see must be
 * what an array of bytes holds. At the end nothing may be left of the file but free frames.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkInvariants } from '../kernel/invariants.ts';
import { patternBacking } from '../kernel/page-cache/backing.ts';
import { ext4FileSystem } from '../kernel/page-cache/file-system.ts';
import type { Task } from '../kernel/process/process.ts';
import {
  MADV_DONTNEED,
  MADV_PAGEOUT,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
  O_RDWR,
  PROT_READ,
  PROT_WRITE,
  SIGBUS,
} from '../kernel/uapi.ts';
import { Machine } from './machine.ts';

const PAGE = 4096;
const PAGES = 24;
const BUFFER = 0x100000000000;
const SHARED = 0x200000000000;
const PUNCH_HOLE_KEEP_SIZE = 3;

const offset = fc.oneof(
  fc.nat(PAGES - 1).map((page) => page * PAGE),
  fc.nat(PAGES * PAGE - 1),
);
const length = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.constantFrom(PAGE, 3 * PAGE, 7 * PAGE));
const step = fc.record({
  who: fc.nat(1),
  what: fc.constantFrom(
    'pwrite',
    'pwrite',
    'pread',
    'pread',
    'store',
    'store',
    'load',
    'load',
    'cut',
    'punch',
    'sync',
    'drop',
    'pageout',
  ),
  offset,
  length,
  value: fc.integer({ min: 1, max: 255 }),
});

class Actors {
  readonly machine: Machine;
  readonly tasks: Task[];
  readonly fds: number[];
  /** What the file holds. */
  readonly bytes = new Uint8Array(PAGES * PAGE);
  size: number;

  constructor(kind: 'small' | 'large' | 'memfd', size: number) {
    this.machine = new Machine({ memory: 64 << 20, contents: 'bytes', cpus: 1 });
    const { files, processes, addressSpaces } = this.machine.kernel;
    this.size = size;
    this.tasks = ['a', 'b'].map((name) => processes.spawn(name, (2 ** 35 - 2 ** 20) as never));
    const pattern = patternBacking(size);
    for (let page = 0; page * PAGE < size && kind !== 'memfd'; page++)
      pattern.readPage(page, this.bytes.subarray(page * PAGE, (page + 1) * PAGE));
    const fs = ext4FileSystem(1 << 20, { largeFolios: kind === 'large' });
    const inode = kind === 'memfd' ? undefined : files.create('/f', { size, backing: pattern, fs });
    const memfd = kind === 'memfd' ? files.memfd('f', O_RDWR) : undefined;
    this.fds = this.tasks.map((task) => {
      if (inode !== undefined) return files.install(task, files.openInode(inode, O_RDWR));
      files.get(memfd as never);
      return files.install(task, memfd as never);
    });
    if (memfd !== undefined) files.put(memfd);
    this.tasks.forEach((task, i) => {
      this.machine.runOn(0, task);
      if (kind === 'memfd' && i === 0) files.ftruncate(task, this.fds[i] as number, size);
      const file = task.process.files.get(this.fds[i] as number);
      const prot = PROT_READ | PROT_WRITE;
      addressSpaces.mmap(task, SHARED, PAGES * PAGE, prot, MAP_SHARED | MAP_FIXED, file, 0);
      addressSpaces.mmap(task, BUFFER, 8 * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, undefined, 0);
    });
  }

  do({
    who,
    what,
    offset: at,
    length: wanted,
    value,
  }: typeof step extends fc.Arbitrary<infer Step> ? Step : never): void {
    const task = this.tasks[who] as Task;
    const fd = this.fds[who] as number;
    const { files, addressSpaces } = this.machine.kernel;
    const bytes = Math.min(wanted, PAGES * PAGE - at);
    this.machine.runOn(0, task);
    if (what === 'pwrite') {
      const data = new Uint8Array(bytes).map((_, i) => (value + i) & 255);
      expect(this.machine.writeBytes(task, BUFFER, data)).toBeUndefined();
      expect(files.pwrite(task, fd, BUFFER, bytes, at)).toBe(bytes);
      this.bytes.set(data, at);
      this.size = Math.max(this.size, at + bytes);
    } else if (what === 'pread') {
      const expected = this.bytes.subarray(at, Math.max(at, Math.min(this.size, at + bytes)));
      expect(files.pread(task, fd, BUFFER, bytes, at)).toBe(expected.length);
      expect(this.machine.readBytes(task, BUFFER, expected.length)).toEqual(expected.slice());
    } else if (what === 'store' || what === 'load') this.#access(task, at, what === 'store' ? value : undefined);
    else if (what === 'cut') {
      expect(files.ftruncate(task, fd, at)).toBe(0);
      this.bytes.fill(0, at);
      this.size = at;
    } else if (what === 'punch') {
      expect(files.fallocate(task, fd, PUNCH_HOLE_KEEP_SIZE, at, bytes)).toBe(0);
      this.bytes.fill(0, at, Math.min(this.size, at + bytes));
    } else if (what === 'sync') expect(files.fsync(task, fd)).toBe(0);
    else if (what === 'drop') {
      addressSpaces.madvise(task, SHARED, PAGES * PAGE, MADV_DONTNEED);
      files.dropAll();
    } else addressSpaces.madvise(task, SHARED, PAGES * PAGE, MADV_PAGEOUT);
  }

  /** One access through the mapping, which ends in SIGBUS behind the file's last page. */
  #access(task: Task, at: number, value: number | undefined): void {
    const beyond = at >= Math.ceil(this.size / PAGE) * PAGE;
    const result =
      value === undefined
        ? this.machine.readBytes(task, SHARED + at, 1)
        : this.machine.writeBytes(task, SHARED + at, Uint8Array.of(value));
    if (beyond) expect(result).toMatchObject({ signo: SIGBUS, address: SHARED + at });
    else if (value === undefined) expect(result).toEqual(this.bytes.slice(at, at + 1));
    // What is stored behind the end of the file in its last page is gone when the file grows; nobody may rely on it.
    else if (at < this.size) this.bytes[at] = value;
    else this.machine.writeBytes(task, SHARED + at, Uint8Array.of(0));
  }
}

for (const kind of ['small', 'large', 'memfd'] as const)
  test(`does every reader of a file see what was written last (${kind})?`, () => {
    const size = fc.constantFrom(0, 5000, PAGES * PAGE - 100, PAGES * PAGE);
    fc.assert(
      fc.property(size, fc.array(step, { maxLength: 60 }), (bytes, steps) => {
        const actors = new Actors(kind, bytes);
        const { kernel } = actors.machine;
        for (const one of steps) actors.do(one);
        checkInvariants(kernel);
        for (const task of actors.tasks) kernel.processes.exit(task.process, { exit: 0 });
        kernel.files.unlink('/f');
        expect([...kernel.files.inodes].length).toBe(0);
        checkInvariants(kernel);
      }),
      { numRuns: 60 },
    );
  });
