import { expect, test } from 'vitest';
import { nvme } from '../../hardware/block-device.ts';
import { STORE } from '../../hardware/cpu.ts';
import { vpn } from '../../hardware/units.ts';
import { Machine } from '../../machine/machine.ts';
import { CAUSE_RECLAIM } from '../time/clock.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, O_RDWR, PROT_READ, PROT_WRITE } from '../uapi.ts';
import {
  ALLOCSTALL_DMA32,
  KSWAPD_LOW_WMARK_HIT_QUICKLY,
  PAGEOUTRUN,
  PGSCAN_DIRECT,
  PGSCAN_KSWAPD,
  PGSTEAL_DIRECT,
  PGSTEAL_KSWAPD,
} from '../vmstat.ts';

const PAGE = 4096;

/** A machine of 64 MiB with a disk, on which work takes time, and a program that reads a file of 200 MiB. */
function stream(pause: number): Machine {
  const machine = new Machine({ memory: 64 << 20, disk: nvme, transparentHugePages: 'never' });
  const { kernel } = machine;
  const task = kernel.processes.spawn('a', vpn(0x7ffff7fff));
  machine.runOn(0, task);
  const flags = MAP_PRIVATE | MAP_ANONYMOUS;
  const buffer = kernel.addressSpaces.mmap(task, 0, 16 * PAGE, PROT_READ | PROT_WRITE, flags, undefined, 0);
  machine.touch(task, buffer, STORE);
  kernel.files.create('/f', { size: 50_000 * PAGE });
  const fd = kernel.files.open(task, '/f', O_RDWR);
  for (let page = 0; page < 50_000; page += 16) {
    kernel.files.pread(task, fd, buffer, 16 * PAGE, page * PAGE);
    if (pause > 0) machine.clock.sleep(pause);
    else machine.clock.settle();
  }
  return machine;
}

test('does kswapd keep up with a program that gives it time, so that nobody reclaims for himself?', () => {
  const { kernel, clock } = stream(20_000);
  const { vmstat } = kernel;
  expect(vmstat.value(PGSTEAL_KSWAPD)).toBeGreaterThan(30_000);
  expect(vmstat.value(PGSTEAL_DIRECT)).toBe(0);
  expect(vmstat.value(ALLOCSTALL_DMA32)).toBe(0);
  expect(clock.spent[CAUSE_RECLAIM]).toBe(0);
  expect(vmstat.value(PAGEOUTRUN)).toBeGreaterThan(5);
  // Woken out of its nap again and again.
  expect(vmstat.value(KSWAPD_LOW_WMARK_HIT_QUICKLY)).toBeGreaterThan(5);
  // A page is looked at once: the stream is used once.
  expect(vmstat.value(PGSCAN_KSWAPD)).toBeLessThan(1.2 * vmstat.value(PGSTEAL_KSWAPD));
});

test('does it stop between its marks, and does what is free stay above the minimum?', () => {
  const { kernel } = stream(20_000);
  const zone = kernel.allocator.zones.at(-1);
  expect(zone?.free).toBeGreaterThan(zone?.min ?? Number.NaN);
  expect(zone?.free).toBeLessThan(4 * (zone?.high ?? 0));
});

test('do higher watermarks make it begin sooner and leave more free?', () => {
  const free = [10, 500].map((factor) => {
    const machine = new Machine({ memory: 64 << 20, sysctls: { 'vm.watermark_scale_factor': factor } });
    const { kernel } = machine;
    const task = kernel.processes.spawn('a', vpn(0x7ffff7fff));
    machine.runOn(0, task);
    const flags = MAP_PRIVATE | MAP_ANONYMOUS;
    const buffer = kernel.addressSpaces.mmap(task, 0, 16 * PAGE, PROT_READ | PROT_WRITE, flags, undefined, 0);
    kernel.files.create('/f', { size: 30_000 * PAGE });
    const fd = kernel.files.open(task, '/f', O_RDWR);
    for (let page = 0; page < 30_000; page += 16) kernel.files.pread(task, fd, buffer, 16 * PAGE, page * PAGE);
    return kernel.allocator.free;
  });
  expect(free[1]).toBeGreaterThan(2 * (free[0] ?? 0));
});

test('does a task that must reclaim for itself pay with its time?', () => {
  const machine = new Machine({ memory: 64 << 20, disk: nvme, transparentHugePages: 'never' });
  const { kernel, clock } = machine;
  const task = kernel.processes.spawn('a', vpn(0x7ffff7fff));
  machine.runOn(0, task);
  const flags = MAP_PRIVATE | MAP_ANONYMOUS;
  const buffer = kernel.addressSpaces.mmap(task, 0, 16 * PAGE, PROT_READ | PROT_WRITE, flags, undefined, 0);
  kernel.files.create('/f', { size: 10_000 * PAGE });
  const fd = kernel.files.open(task, '/f', O_RDWR);
  for (let page = 0; page < 10_000; page += 16) kernel.files.pread(task, fd, buffer, 16 * PAGE, page * PAGE);
  const before = clock.spent[CAUSE_RECLAIM] ?? 0;
  const scanned = kernel.vmstat.value(PGSCAN_DIRECT);
  expect(kernel.reclaim.direct()).toBeGreaterThanOrEqual(32);
  expect(kernel.vmstat.value(PGSCAN_DIRECT)).toBeGreaterThan(scanned);
  expect((clock.spent[CAUSE_RECLAIM] ?? 0) - before).toBeGreaterThanOrEqual(32 * 350);
});
