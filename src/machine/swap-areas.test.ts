/** Several swap areas: who is used first, what swapon(2) and swapoff(2) refuse, what /proc/swaps says. */
import { describe, expect, test } from 'vitest';
import { STORE } from '../hardware/cpu.ts';
import { MM_SWAPENTS } from '../kernel/address-space/mm.ts';
import { EBUSY, EINVAL, ENOMEM, EPERM } from '../kernel/errno.ts';
import { checkInvariants } from '../kernel/invariants.ts';
import { swapsText } from '../kernel/proc/swaps.ts';
import { loop, zram } from '../kernel/swap/swap-devices.ts';
import { SWAP_FLAG_DISCARD, SWAP_FLAG_PREFER } from '../kernel/swap/swapon.ts';
import { MADV_PAGEOUT } from '../kernel/uapi.ts';
import { PSWPOUT, SWPIN_ZERO, SWPOUT_ZERO } from '../kernel/vmstat.ts';
import { Machine } from './machine.ts';
import { PAGE, swapBox } from './testing/swap-box.ts';

const PRIORITY = (value: number) => ({ flags: SWAP_FLAG_PREFER | value });

function fill(box: ReturnType<typeof swapBox>, pages: number): number {
  const at = box.mmap(pages, 'private');
  for (let i = 0; i < pages; i++) box.poke(box.task, at + i * PAGE, i + 1);
  return at;
}

describe('several areas', () => {
  test('is the best one filled first, and then the next?', () => {
    const box = swapBox();
    const low = box.swapon(zram, 101, PRIORITY(1));
    const high = box.swapon(zram, 51, PRIORITY(9));
    const at = fill(box, 80);
    box.pageOut(box.task, at, 80);
    expect([high.used, low.used]).toEqual([50, 30]);
    expect(checkInvariants(box.machine.kernel)).toEqual([]);
  });

  test('do equal ones take turns, a cluster of 512 slots each?', () => {
    const box = swapBox();
    const [a, b] = [box.swapon(zram, 4096, PRIORITY(3)), box.swapon(zram, 4096, PRIORITY(3))];
    const at = fill(box, 1200);
    box.pageOut(box.task, at, 1200);
    // The header takes a slot of each first cluster.
    expect([a.used, b.used]).toEqual([511 + 178, 511]);
  });

  test('do two CPUs take their slots from clusters of their own?', () => {
    const box = swapBox(16 << 20, 2);
    const area = box.swapon(zram, 4096);
    const first = fill(box, 2);
    const child = box.fork(box.task);
    const second = box.mmap(2, 'private', child);
    for (let i = 0; i < 2; i++) {
      box.poke(child, second + i * PAGE, 5);
      // After the fork, so that it is the parent's own.
      box.poke(box.task, first + i * PAGE, 9);
    }
    for (let i = 0; i < 2; i++)
      for (const [cpu, task, at] of [
        [0, box.task, first],
        [1, child, second],
      ] as const) {
        box.machine.runOn(cpu, task);
        box.machine.kernel.addressSpaces.madvise(task, at + i * PAGE, PAGE, MADV_PAGEOUT);
      }
    expect([...area.references.keys()].filter((slot) => area.references[slot] !== 0)).toEqual([1, 2, 512, 513]);
  });

  test('without priorities, does each come behind those before it, and move up when one of them goes?', () => {
    const box = swapBox();
    const areas = [0, 1, 2].map(() => box.swapon(zram, 64));
    expect(areas.map((area) => area.priority)).toEqual([-2, -3, -4]);
    expect(box.machine.kernel.swapoff((areas[1] as (typeof areas)[0]).path)).toBe(0);
    expect(box.machine.kernel.swap.areas.map((area) => area.priority)).toEqual([-2, -3]);
    expect(box.swapon(zram, 64, { path: '/again' })).toMatchObject({ priority: -4, number: 1 });
  });

  test('does /proc/swaps list them by number, whatever their priority?', () => {
    const box = swapBox();
    box.swapon(zram, 1024, { path: '/dev/zram0', ...PRIORITY(1) });
    box.swapon(loop, 1024, { path: '/dev/loop0', ...PRIORITY(7) });
    box.pageOut(box.task, fill(box, 3), 3);
    expect(swapsText(box.machine.kernel.swap.areas).split('\n').slice(1)).toEqual([
      '/dev/zram0                              partition\t4092\t\t0\t\t1',
      '/dev/loop0                              partition\t4092\t\t12\t\t7',
      '',
    ]);
  });
});

describe('what swapon(2) and swapoff(2) refuse', () => {
  test('is it what the kernel refuses?', () => {
    const box = swapBox();
    const { kernel } = box.machine;
    const request = { path: '/dev/zram0', device: zram, slots: 64 };
    expect(kernel.swapon({ ...request, flags: 0x80000 })).toBe(-EINVAL);
    expect(kernel.swapon({ ...request, slots: 1 })).toBe(-EINVAL);
    expect(kernel.swapon(request)).toBe(0);
    expect(kernel.log.lines.at(-1)).toMatch(
      /Adding 252k swap on \/dev\/zram0\. {2}Priority:-2 extents:1 across:252k SS$/,
    );
    expect(kernel.swapon(request)).toBe(-EBUSY);
    expect(kernel.swapoff('/dev/other')).toBe(-EINVAL);
    box.task.process.credentials.sysAdmin = false;
    expect(kernel.swapon({ ...request, path: '/dev/zram1' }, box.task.process)).toBe(-EPERM);
    expect(kernel.swapoff('/dev/zram0', box.task.process)).toBe(-EPERM);
    expect(kernel.swapoff('/dev/zram0')).toBe(0);
  });

  test('how many areas can there be?', () => {
    const { machine } = swapBox();
    const results = Array.from({ length: 25 }, (_, i) =>
      machine.kernel.swapon({ path: `/dev/zram${i}`, device: zram, slots: 64 }),
    );
    expect(results.filter((error) => error === 0)).toHaveLength(24);
    expect(results[24]).toBe(-EPERM);
  });

  test('does swapoff leave the area in use when memory cannot hold what is in it?', () => {
    const box = swapBox(16 << 20);
    const { kernel } = box.machine;
    const area = box.swapon(loop, 8192);
    const at = fill(box, 5000);
    expect(kernel.swapoff(area.path)).toBe(-ENOMEM);
    expect([kernel.swap.areas, kernel.swap.total, kernel.swap.free]).toEqual([[area], 8191, 8191 - area.used]);
    for (let i = 0; i < 5000; i += 97) expect(box.peek(box.task, at + i * PAGE)).toBe(i + 1);
    expect(checkInvariants(kernel)).toEqual([]);
  });
});

test('does swapoff let reclaim make room: what memory cannot hold moves to the other area?', () => {
  const box = swapBox(16 << 20);
  const { kernel } = box.machine;
  const first = box.swapon(loop, 8192, PRIORITY(9));
  const at = fill(box, 5000);
  expect(first.used).toBeGreaterThan(900);
  const second = box.swapon(loop, 8192, PRIORITY(1));
  expect(kernel.swapoff(first.path)).toBe(0);
  expect([kernel.swap.areas, second.used > 800]).toEqual([[second], true]);
  for (let i = 0; i < 5000; i++) expect(box.peek(box.task, at + i * PAGE)).toBe(i + 1);
  expect(checkInvariants(kernel)).toEqual([]);
});

test('does zram take frames for what it holds, pages of zeros none, and are all back after swapoff?', () => {
  const box = swapBox();
  const { kernel } = box.machine;
  const area = box.swapon(zram, 4096, { compression: 4, flags: SWAP_FLAG_DISCARD });
  const at = fill(box, 400);
  const zeros = box.mmap(50, 'private');
  for (let i = 0; i < 50; i++) box.poke(box.task, zeros + i * PAGE, 0);
  const before = kernel.allocator.free;
  box.pageOut(box.task, at, 400);
  box.pageOut(box.task, zeros, 50);
  // 1024 bytes and their handle are class 1040: 63 of them lie in 16 frames.
  const pool = 450 - (kernel.allocator.free - before);
  expect(pool).toBe(Number(area.zram?.mmStat.trim().split(/\s+/)[2]) / PAGE);
  expect(pool).toBeGreaterThan(400 / 4);
  expect(pool).toBeLessThan(400 / 3);
  expect([kernel.vmstat.value(SWPOUT_ZERO), kernel.vmstat.value(PSWPOUT)]).toEqual([50, 400]);
  for (let i = 0; i < 400; i++) expect(box.peek(box.task, at + i * PAGE)).toBe(i + 1);
  expect(box.peek(box.task, zeros)).toBe(0);
  expect(kernel.vmstat.value(SWPIN_ZERO)).toBe(1);
  expect(kernel.swapoff(area.path)).toBe(0);
  expect(kernel.allocator.free).toBe(before);
  expect(checkInvariants(kernel)).toEqual([]);
});

test('is a page that a child fetched from swap first found from its parent too, who maps it after the child?', () => {
  const box = swapBox();
  box.swapon(loop, 256);
  const at = fill(box, 4);
  box.pageOut(box.task, at, 4);
  const child = box.fork(box.task);
  for (let i = 0; i < 4; i++)
    expect([box.peek(child, at + i * PAGE), box.peek(box.task, at + i * PAGE)]).toEqual([i + 1, i + 1]);
  expect(checkInvariants(box.machine.kernel)).toEqual([]);
});

test('does a process that ends take its pages of the swap cache with it, slots and all?', () => {
  const box = swapBox();
  box.swapon(loop, 256);
  const child = box.fork(box.task);
  box.machine.runOn(0, child);
  const at = box.mmap(8, 'private', child);
  for (let i = 0; i < 8; i++) box.poke(child, at + i * PAGE, i);
  box.pageOut(child, at, 8);
  // Read, they are mapped and in swap at once.
  for (let i = 0; i < 8; i++) box.peek(child, at + i * PAGE);
  expect(box.machine.kernel.swap.free).toBe(247);
  box.machine.kernel.processes.exit(child.process, { exit: 0 });
  expect(box.machine.kernel.swap.free).toBe(255);
});

test('does a program that wants 1.3 times the memory twice swap about the excess, not all (LTP swapping01)?', () => {
  const box = swapBox(32 << 20);
  const { kernel } = box.machine;
  box.swapon(loop, 16_384);
  const available = kernel.allocator.free;
  const pages = Math.floor(available * 1.3);
  for (const _round of [1, 2]) {
    const at = box.mmap(pages, 'private');
    for (let i = 0; i < pages; i++) box.machine.touch(box.task, at + i * PAGE, STORE);
    const swapped = box.task.mm.rss[MM_SWAPENTS] as number;
    expect(swapped).toBeGreaterThan(pages - available);
    // LTP allows as much as there was memory.
    expect(swapped).toBeLessThan(1.5 * (pages - available));
    expect(kernel.addressSpaces.munmap(box.task, at, pages * PAGE)).toBe(0);
    expect(kernel.swap.free).toBe(kernel.swap.total);
  }
});

test('has a machine the areas that its options ask for, each kind numbered by itself?', () => {
  const swap = [
    { bytes: 4 << 20 },
    { bytes: 2 << 20, kind: 'zram' as const, priority: 7, compression: 3 },
    { bytes: 1 << 20 },
  ];
  const { kernel } = new Machine({ memory: 16 << 20, swap });
  expect(kernel.swap.areas.map(({ path, kilobytes, priority }) => [path, kilobytes, priority])).toEqual([
    ['/swapfile', 4092, -2],
    ['/dev/zram0', 2044, 7],
    ['/swapfile1', 1020, -3],
  ]);
  for (const wrong of [[{ bytes: 100 }], [{ bytes: 1 << 20, priority: -1 }], [{ bytes: 1 << 20, compression: 0 }]])
    expect(() => new Machine({ swap: wrong })).toThrow(RangeError);
});
