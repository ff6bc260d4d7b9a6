/** What gives way when memory runs short: linux-facts 12 and linux-formulas 6, on a machine of 32 MiB. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LOAD, STORE } from '../hardware/cpu.ts';
import { vpn } from '../hardware/units.ts';
import { MM_ANONPAGES } from '../kernel/address-space/mm.ts';
import { checkInvariants } from '../kernel/invariants.ts';
import { emptyBacking } from '../kernel/page-cache/backing.ts';
import type { Task } from '../kernel/process/process.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, O_RDWR, PROT_EXEC, PROT_READ, PROT_WRITE } from '../kernel/uapi.ts';
import { PGSCAN_KSWAPD, PGSTEAL_KSWAPD } from '../kernel/vmstat.ts';
import { Machine } from './machine.ts';

const PAGE = 4096;
const RW = PROT_READ | PROT_WRITE;

interface Box {
  machine: Machine;
  task: Task;
  buffer: number;
  /** Opens a file of this many pages. */
  open: (name: string, pages: number) => number;
  cached: (fd: number) => number;
}

function boot(contents: 'bytes' | 'none' = 'none'): Box {
  const machine = new Machine({ memory: 32 << 20, contents, transparentHugePages: 'never' });
  const { kernel } = machine;
  const task = kernel.processes.spawn('a', vpn(0x7ffff7fff));
  machine.runOn(0, task);
  const buffer = kernel.addressSpaces.mmap(task, 0, 64 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, undefined, 0);
  const open = (name: string, pages: number): number => {
    const backing = contents === 'bytes' ? { backing: emptyBacking() } : {};
    kernel.files.create(name, { size: pages * PAGE, ...backing });
    return kernel.files.open(task, name, O_RDWR);
  };
  const cached = (fd: number): number => task.process.files.get(fd)?.inode.pages.present ?? -1;
  return { machine, task, buffer, open, cached };
}

function readAll({ machine, task, buffer }: Box, fd: number, pages: number): void {
  for (let page = 0; page < pages; page += 16) machine.kernel.files.pread(task, fd, buffer, 16 * PAGE, page * PAGE);
}

describe('a stream of reads larger than memory', () => {
  test('does it leave alone what was read twice, and push out what was read once?', () => {
    const box = boot();
    const once = box.open('/once', 1024);
    const twice = box.open('/twice', 1024);
    const stream = box.open('/stream', 20_000);
    readAll(box, once, 1024);
    readAll(box, twice, 1024);
    readAll(box, twice, 1024);
    readAll(box, stream, 20_000);
    expect(box.cached(twice)).toBe(1024);
    expect(box.cached(once)).toBe(0);
    expect(checkInvariants(box.machine.kernel)).toEqual([]);
  });

  test('do anonymous pages stay where there is no swap?', () => {
    const box = boot();
    const { kernel } = box.machine;
    const at = kernel.addressSpaces.mmap(box.task, 0, 2000 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, undefined, 0);
    for (let page = 0; page < 2000; page++) box.machine.touch(box.task, at + page * PAGE, STORE);
    readAll(box, box.open('/stream', 20_000), 20_000);
    expect(box.task.mm.rss[MM_ANONPAGES]).toBeGreaterThanOrEqual(2000);
  });

  test('does a program that ran stay, and a file that was only looked at through a mapping go?', () => {
    const box = boot();
    const { kernel } = box.machine;
    const map = (name: string, prot: number): { at: number; fd: number } => {
      const fd = box.open(name, 512);
      const file = box.task.process.files.get(fd);
      return { fd, at: kernel.addressSpaces.mmap(box.task, 0, 512 * PAGE, prot, MAP_PRIVATE, file, 0) };
    };
    const program = map('/program', PROT_READ | PROT_EXEC);
    const data = map('/data', PROT_READ);
    for (let page = 0; page < 512; page++) {
      box.machine.touch(box.task, program.at + page * PAGE, LOAD);
      box.machine.touch(box.task, data.at + page * PAGE, LOAD);
    }
    readAll(box, box.open('/stream', 30_000), 30_000);
    expect(box.cached(program.fd)).toBe(512);
    expect(box.cached(data.fd)).toBeLessThan(64);
  });

  test('does reclaim look at few more pages than it frees?', () => {
    const box = boot();
    readAll(box, box.open('/stream', 40_000), 40_000);
    const { vmstat } = box.machine.kernel;
    expect(vmstat.value(PGSTEAL_KSWAPD)).toBeGreaterThan(20_000);
    expect(vmstat.value(PGSCAN_KSWAPD)).toBeLessThan(1.1 * vmstat.value(PGSTEAL_KSWAPD));
  });
});

test('does every byte survive writes, mapped writes and reads of files that do not fit into memory?', () => {
  const step = fc.record({
    file: fc.nat(2),
    page: fc.nat(5999),
    how: fc.constantFrom('write', 'store', 'read', 'load', 'stream'),
    value: fc.integer({ min: 1, max: 255 }),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 60 }), (steps) => {
      const box = boot('bytes');
      const { machine, task, buffer } = box;
      const { files, addressSpaces } = machine.kernel;
      const fds = [0, 1, 2].map((n) => box.open(`/f${n}`, 6000));
      const maps = fds.map((fd) => {
        const file = task.process.files.get(fd);
        return addressSpaces.mmap(task, 0, 6000 * PAGE, RW, MAP_SHARED, file, 0);
      });
      const model = new Map<number, number>();
      for (const { file, page, how, value } of steps) {
        const fd = fds[file] as number;
        const at = (maps[file] as number) + page * PAGE;
        const key = file * 6000 + page;
        if (how === 'stream') readAll(box, fd, 6000);
        else if (how === 'write') {
          expect(machine.writeBytes(task, buffer, Uint8Array.of(value))).toBeUndefined();
          expect(files.pwrite(task, fd, buffer, 1, page * PAGE)).toBe(1);
          model.set(key, value);
        } else if (how === 'store') {
          expect(machine.writeBytes(task, at, Uint8Array.of(value))).toBeUndefined();
          model.set(key, value);
        } else if (how === 'load') {
          expect(machine.readBytes(task, at, 1)).toEqual(Uint8Array.of(model.get(key) ?? 0));
        } else {
          expect(files.pread(task, fd, buffer, 1, page * PAGE)).toBe(1);
          expect(machine.readBytes(task, buffer, 1)).toEqual(Uint8Array.of(model.get(key) ?? 0));
        }
      }
      for (const [key, value] of model) {
        const at = (maps[Math.floor(key / 6000)] as number) + (key % 6000) * PAGE;
        expect(machine.readBytes(task, at, 1)).toEqual(Uint8Array.of(value));
      }
      expect(checkInvariants(machine.kernel)).toEqual([]);
    }),
    { numRuns: 12 },
  );
});
