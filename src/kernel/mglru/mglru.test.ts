import { expect, test } from 'vitest';
import { LOAD, STORE } from '../../hardware/cpu.ts';
import { vpn } from '../../hardware/units.ts';
import { Machine } from '../../machine/machine.ts';
import { checkInvariants } from '../invariants.ts';
import type { Task } from '../process/process.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, O_RDWR, PROT_READ, PROT_WRITE } from '../uapi.ts';
import { PSWPIN } from '../vmstat.ts';
import { lruGenText, parseEnabled } from './lru-gen-files.ts';
import { Tiers } from './tiers.ts';

const PAGE = 4096;

interface Box {
  readonly machine: Machine;
  readonly task: Task;
  readonly buffer: number;
  map(pages: number): number;
  file(name: string, pages: number): number;
  read(fd: number, pages: number): void;
  touch(at: number, pages: number, kind: number): void;
  cached(fd: number): number;
}

function boot(mglru: number, swap = 0): Box {
  const machine = new Machine({ memory: 32 << 20, transparentHugePages: 'never', mglru, swap });
  const { kernel } = machine;
  const task = kernel.processes.spawn('a', vpn(0x7ffff7fff));
  machine.runOn(0, task);
  const flags = MAP_PRIVATE | MAP_ANONYMOUS;
  const map = (pages: number): number =>
    kernel.addressSpaces.mmap(task, 0, pages * PAGE, PROT_READ | PROT_WRITE, flags, undefined, 0);
  const buffer = map(16);
  return {
    machine,
    task,
    buffer,
    map,
    file: (name, pages) => {
      kernel.files.create(name, { size: pages * PAGE });
      return kernel.files.open(task, name, O_RDWR);
    },
    read: (fd, pages) => {
      for (let page = 0; page < pages; page += 16) kernel.files.pread(task, fd, buffer, 16 * PAGE, page * PAGE);
    },
    touch: (at, pages, kind) => {
      for (let page = 0; page < pages; page++) machine.touch(task, at + page * PAGE, kind);
    },
    cached: (fd) => task.process.files.get(fd)?.inode.pages.present ?? -1,
  };
}

test('does a program that keeps using its pages keep them beside a stream, by walks of its page tables?', () => {
  const swapsIn = [0, 7].map((mglru) => {
    const box = boot(mglru, 64 << 20);
    const hot = box.map(3000);
    const stream = box.file('/stream', 20_000);
    box.touch(hot, 3000, STORE);
    for (let from = 0; from < 20_000; from += 2000) {
      box.touch(hot, 3000, LOAD);
      for (let page = from; page < from + 2000; page += 16)
        box.machine.kernel.files.pread(box.task, stream, box.buffer, 16 * PAGE, page * PAGE);
    }
    expect(checkInvariants(box.machine.kernel)).toEqual([]);
    return box.machine.kernel.vmstat.value(PSWPIN);
  });
  expect(swapsIn[1]).toBeLessThanOrEqual(300);
});

test.each([
  [1, false],
  [4, false],
  [5, true],
])('does a file that was read %i times outlive a stream: %s, as in the kernel (mg_02, mg_06)?', (times, outlives) => {
  const box = boot(7);
  const hot = box.file('/hot', 1500);
  for (let n = 0; n < times; n++) box.read(hot, 1500);
  box.read(box.file('/stream', 12_000), 12_000);
  expect(box.cached(hot) > 1200).toBe(outlives);
  expect(box.cached(hot) < 300).toBe(!outlives);
  expect(checkInvariants(box.machine.kernel)).toEqual([]);
});

test('do all pages stay what they are when it is switched on and off, and in a snapshot?', () => {
  const box = boot(0, 64 << 20);
  const { kernel } = box.machine;
  const at = box.map(5000);
  box.touch(at, 5000, STORE);
  box.read(box.file('/f', 3000), 3000);
  const before = kernel.lru.sizes.reduce((sum, size) => sum + size, 0);
  expect(kernel.systemFiles.file('/sys/kernel/mm/lru_gen/enabled')?.write?.('y\n')).toBe(0);
  expect(kernel.systemFiles.file('/sys/kernel/mm/lru_gen/enabled')?.read?.()).toBe('0x0007\n');
  expect(kernel.lru.sizes.reduce((sum, size) => sum + size, 0)).toBeGreaterThanOrEqual(before);
  expect(checkInvariants(kernel)).toEqual([]);
  box.touch(at, 5000, LOAD);
  box.read(box.file('/g', 9000), 9000);
  const copy = Machine.restore(box.machine.save());
  expect(copy.save()).toEqual(box.machine.save());
  expect(checkInvariants(copy.kernel)).toEqual([]);
  kernel.setLruGen(0);
  expect(checkInvariants(kernel)).toEqual([]);
  expect([parseEnabled('0x0003'), parseEnabled('n'), parseEnabled('what')]).toEqual([3, 0, undefined]);
});

test('does /sys/kernel/debug/lru_gen list generations whose pages add up to the lists?', () => {
  const box = boot(7);
  const { kernel } = box.machine;
  box.touch(box.map(2000), 2000, STORE);
  box.read(box.file('/f', 9000), 9000);
  kernel.lru.drain();
  const lines = lruGenText(kernel.lru, kernel.cgroups.all).split('\n');
  expect(lines[0]).toBe('memcg     0 /');
  expect(lines[1]).toBe(' node     0');
  const rows = lines.slice(2).filter((line) => line !== '');
  expect(rows.length).toBeGreaterThanOrEqual(2);
  expect(rows.length).toBeLessThanOrEqual(4);
  const pages = rows.flatMap((row) => row.match(/\d+/g)?.slice(2).map(Number) ?? []);
  const { sizes } = kernel.lru;
  const listed = [0, 1, 2, 3].reduce((sum, list) => sum + (sizes[list] ?? 0), 0);
  expect(pages.reduce((sum, count) => sum + count, 0)).toBe(listed);
});

test('is a kind of pages that comes back more often than the other spared, and a tier likewise?', () => {
  const tiers = new Tiers();
  for (let n = 0; n < 1000; n++) {
    tiers.evicted(0, 0);
    tiers.evicted(1, 0);
    if (n % 2 === 0) tiers.refaulted(1, 0);
  }
  // Half of the files came back, no anonymous page did: swappiness 100 treats both alike.
  expect(tiers.typeToScan(100)).toBe(0);
  // With a few of those back, a swappiness of 1 makes files the cheaper kind all the same.
  for (let n = 0; n < 10; n++) tiers.refaulted(0, 0);
  expect(tiers.typeToScan(100)).toBe(0);
  expect(tiers.typeToScan(1)).toBe(1);
  for (let n = 0; n < 1000; n++) {
    tiers.evicted(1, 2);
    tiers.refaulted(1, 2);
    tiers.refaulted(1, 2);
  }
  expect(tiers.lastTier(1)).toBe(1);
  expect(tiers.lastTier(0)).toBe(3);
});
