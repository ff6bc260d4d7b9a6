/**
 * Two processes write, map, cut and sync a file at random on a machine whose flusher works beside them, and then the power
 * goes. A machine that boots with the same disk finds every page as it was when it was last synced, or as it was at
 * some moment since.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hdd } from '../hardware/block-device.ts';
import { checkInvariants } from '../kernel/invariants.ts';
import { patternBacking } from '../kernel/page-cache/backing.ts';
import { ext4FileSystem } from '../kernel/page-cache/file-system.ts';
import type { Inode } from '../kernel/page-cache/inode.ts';
import type { Task } from '../kernel/process/process.ts';
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
  MS_SYNC,
  O_RDWR,
  PROT_READ,
  PROT_WRITE,
} from '../kernel/uapi.ts';
import { Machine } from './machine.ts';

const PAGE = 4096;
const PAGES = 12;
const BUFFER = 0x100000000000;
const SHARED = 0x200000000000;
const PUNCH_HOLE_KEEP_SIZE = 3;

const step = fc.record({
  who: fc.nat(1),
  what: fc.constantFrom(
    ...([
      'write',
      'write',
      'store',
      'store',
      'cut',
      'punch',
      'fsync',
      'fsync',
      'msync',
      'sync',
      'syncfs',
      'start',
      'start',
      'pause',
      'sleep',
      'drop',
      'load',
    ] as const),
  ),
  offset: fc.oneof(
    fc.nat(PAGES - 1).map((page) => page * PAGE),
    fc.nat(PAGES * PAGE - 1),
  ),
  length: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.constantFrom(PAGE, 3 * PAGE)),
  value: fc.integer({ min: 1, max: 255 }),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** What the file may hold after a power cut: the sizes and the contents of each page that it had since it was last synced. */
class Model {
  size: number;
  readonly bytes = new Uint8Array(PAGES * PAGE);
  sizes: Set<number>;
  readonly versions: Set<string>[];

  constructor(size: number) {
    this.size = size;
    const pattern = patternBacking(size);
    for (let page = 0; page * PAGE < size; page++) pattern.readPage(page, this.page(page));
    this.sizes = new Set([size]);
    this.versions = Array.from({ length: PAGES }, (_, page) => new Set([this.version(page)]));
  }

  page(index: number): Uint8Array {
    return this.bytes.subarray(index * PAGE, (index + 1) * PAGE);
  }

  version(index: number): string {
    return String.fromCharCode(...this.page(index));
  }

  put(at: number, data: Uint8Array): void {
    this.bytes.set(data, at);
    this.size = Math.max(this.size, at + data.length);
    this.changed();
  }

  zero(from: number, to: number): void {
    this.bytes.fill(0, from, to);
    this.changed();
  }

  changed(): void {
    this.sizes.add(this.size);
    for (let page = 0; page < PAGES; page++) this.versions[page]?.add(this.version(page));
  }

  /** Pages [first, end) are on the disk, and the file's size and blocks. */
  synced(first = 0, end = PAGES): void {
    this.sizes = new Set([this.size]);
    for (let page = first; page < end; page++) this.versions[page] = new Set([this.version(page)]);
  }
}

class Actors {
  readonly machine: Machine;
  readonly inode: Inode;
  readonly tasks: Task[];
  readonly model: Model;

  constructor(largeFolios: boolean, size: number) {
    this.machine = new Machine({ memory: 64 << 20, contents: 'bytes', disk: hdd });
    const { files, processes, addressSpaces } = this.machine.kernel;
    const root = files.names.fileSystemOf('/');
    const fs = ext4FileSystem(root.dev, { largeFolios, requestTime: root.requestTime });
    this.inode = files.create('/f', { size, backing: patternBacking(size), fs });
    this.model = new Model(size);
    this.tasks = ['a', 'b'].map((name) => {
      const task = processes.spawn(name, (2 ** 35 - 2 ** 20) as never);
      this.machine.runOn(0, task);
      const file = files.openInode(this.inode, O_RDWR);
      files.install(task, file);
      const prot = PROT_READ | PROT_WRITE;
      addressSpaces.mmap(task, SHARED, PAGES * PAGE, prot, MAP_SHARED | MAP_FIXED, file, 0);
      addressSpaces.mmap(task, BUFFER, 4 * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, undefined, 0);
      return task;
    });
  }

  do({ who, what, offset: at, length, value }: Step): void {
    const { machine, model } = this;
    const { files, addressSpaces } = machine.kernel;
    const task = this.tasks[who] as Task;
    const bytes = Math.min(length, PAGES * PAGE - at);
    const page = Math.floor(at / PAGE);
    machine.runOn(0, task);
    switch (what) {
      case 'write': {
        const data = new Uint8Array(bytes).map((_, i) => (value + i) & 255);
        machine.writeBytes(task, BUFFER, data);
        expect(files.pwrite(task, 0, BUFFER, bytes, at)).toBe(bytes);
        model.put(at, data);
        break;
      }
      case 'store':
        if (at >= model.size) break;
        machine.writeBytes(task, SHARED + at, Uint8Array.of(value));
        model.put(at, Uint8Array.of(value));
        break;
      case 'load':
        if (at < model.size) expect(machine.readBytes(task, SHARED + at, 1)).toEqual(model.bytes.slice(at, at + 1));
        break;
      case 'cut':
        files.ftruncate(task, 0, at);
        model.size = at;
        model.zero(at, PAGES * PAGE);
        break;
      case 'punch':
        files.fallocate(task, 0, PUNCH_HOLE_KEEP_SIZE, at, bytes);
        model.zero(at, Math.min(model.size, at + bytes));
        break;
      case 'fsync':
        expect(value & 1 ? files.fsync(task, 0) : files.fdatasync(task, 0)).toBe(0);
        model.synced();
        break;
      case 'msync':
        expect(addressSpaces.msync(task, SHARED + page * PAGE, PAGE, MS_SYNC)).toBe(0);
        model.synced(page, page + 1);
        break;
      case 'sync':
      case 'syncfs':
        expect(what === 'sync' ? files.syncEverything(task) : files.syncfs(task, 0)).toBe(0);
        model.synced();
        break;
      case 'start':
        expect(files.syncFileRange(task, 0, at, bytes, 2)).toBe(0);
        break;
      case 'sleep':
        machine.clock.sleep(value * 2e8);
        break;
      case 'pause':
        // As long as a few requests take: some are answered, some in flight.
        machine.clock.sleep(value * 1e5);
        break;
      case 'drop':
        files.dropAll();
        break;
    }
  }

  /** Boots another machine with what the disk holds, and reads the file there. */
  afterPowerCut(): { size: number; pages: Uint8Array[] } {
    const { durable, backing } = this.inode;
    const machine = new Machine({ memory: 64 << 20, contents: 'bytes' });
    const { files, processes, addressSpaces } = machine.kernel;
    const inode = files.create('/f', { size: durable.size, extents: durable.extents, ...(backing && { backing }) });
    const task = processes.spawn('reader', (2 ** 35 - 2 ** 20) as never);
    machine.runOn(0, task);
    const prot = PROT_READ | PROT_WRITE;
    addressSpaces.mmap(task, BUFFER, PAGES * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, undefined, 0);
    const fd = files.install(task, files.openInode(inode, O_RDWR));
    expect(files.pread(task, fd, BUFFER, PAGES * PAGE, 0)).toBe(durable.size);
    const bytes = machine.readBytes(task, BUFFER, PAGES * PAGE) as Uint8Array;
    const pages = Array.from({ length: PAGES }, (_, page) => bytes.slice(page * PAGE, (page + 1) * PAGE));
    return { size: durable.size, pages };
  }
}

for (const largeFolios of [false, true])
  test(`is everything that was synced there after a power cut, and nothing that never was (${largeFolios ? 'large' : 'small'} folios)?`, () => {
    const size = fc.constantFrom(0, 5000, PAGES * PAGE);
    fc.assert(
      fc.property(size, fc.array(step, { maxLength: 40 }), (bytes, steps) => {
        const actors = new Actors(largeFolios, bytes);
        for (const one of steps) actors.do(one);
        expect(checkInvariants(actors.machine.kernel)).toEqual([]);
        const found = actors.afterPowerCut();
        const { model } = actors;
        expect(model.sizes).toContain(found.size);
        found.pages.forEach((page, index) => {
          // The file ends where its size says; what of a version lies behind is not to be seen.
          const seen = Math.max(0, Math.min(PAGE, found.size - index * PAGE));
          const text = String.fromCharCode(...page.subarray(0, seen));
          const possible = [...(model.versions[index] as Set<string>)].map((version) => version.slice(0, seen));
          if (!possible.includes(text)) throw new Error(`page ${index} holds what it never held since it was synced`);
        });
      }),
      { numRuns: 150 },
    );
  });
