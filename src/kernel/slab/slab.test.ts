import { expect, test } from 'vitest';
import { vpn } from '../../hardware/units.ts';
import { Machine } from '../../machine/machine.ts';
import { checkInvariants } from '../invariants.ts';
import { O_RDWR } from '../uapi.ts';
import { NR_SLAB_RECLAIMABLE, SLABS_SCANNED } from '../vmstat.ts';
import { type Shrinker, shrinkSlab } from './shrinker.ts';

/** A shrinker with so many objects, which frees all that it looks at. */
function shrinkerOf(objects: number, seeks = 2): Shrinker & { left: number } {
  const shrinker = {
    left: objects,
    seeks,
    batch: 128,
    count: () => shrinker.left,
    scan: (_group: number, wanted: number) => {
      shrinker.left -= wanted;
      return wanted;
    },
  };
  return shrinker;
}

test('is what is too little for a batch put off, and done when it has grown to one?', () => {
  const shrinker = shrinkerOf(100_000);
  // 100000 >> 12 is 24, twice that is 48: less than a batch.
  const first = shrinkSlab(shrinker, 0, 12, 0);
  expect(first).toEqual({ freed: 0, scanned: 0, deferred: 48 });
  // What was put off counts by the priority, too: 4096 of it make 1 at the lightest pressure.
  expect(shrinkSlab(shrinker, 0, 12, 4096 * 100)).toMatchObject({ scanned: 128, freed: 128 });
  expect(shrinkSlab(shrinker, 0, 0, 0).freed).toBeGreaterThan(99_000);
});

test('does a shrinker without seeks give up half of its objects, whatever the priority?', () => {
  expect(shrinkSlab(shrinkerOf(1000, 0), 0, 12, 0)).toEqual({ freed: 384, scanned: 384, deferred: 116 });
});

test('do names and inodes of files take frames, and does drop_caches give back those of files that nobody has open?', () => {
  const machine = new Machine({ memory: 64 << 20 });
  const { kernel } = machine;
  const task = kernel.processes.spawn('a', vpn(0x7ffff7fff));
  machine.runOn(0, task);
  const before = kernel.vmstat.value(NR_SLAB_RECLAIMABLE);
  const free = kernel.allocator.free;
  for (let n = 0; n < 300; n++) {
    kernel.files.create(`/f${n}`, { size: 4096 });
    const fd = kernel.files.open(task, `/f${n}`, O_RDWR);
    if (n > 0) kernel.files.close(task, fd);
  }
  // 300 names are 15 slabs of a page, 300 inodes 22 slabs of four.
  expect(kernel.vmstat.value(NR_SLAB_RECLAIMABLE) - before).toBe(15 + 22 * 4);
  expect(free - kernel.allocator.free).toBe(15 + 22 * 4);
  expect(checkInvariants(kernel)).toEqual([]);
  kernel.slab.drop();
  // The one that is open stays.
  expect(kernel.vmstat.value(NR_SLAB_RECLAIMABLE) - before).toBe(1 + 4);
  expect(checkInvariants(kernel)).toEqual([]);
});

test('does reclaim take them, and does vfs_cache_pressure 0 spare them?', () => {
  const scanned = [100, 0].map((pressure) => {
    const machine = new Machine({ memory: 32 << 20, sysctls: { 'vm.vfs_cache_pressure': pressure } });
    const { kernel } = machine;
    const task = kernel.processes.spawn('a', vpn(0x7ffff7fff));
    machine.runOn(0, task);
    for (let n = 0; n < 5000; n++) kernel.files.create(`/f${n}`, { size: 4096 });
    for (let n = 0; n < 5000; n++) kernel.files.close(task, kernel.files.open(task, `/f${n}`, O_RDWR));
    for (let n = 0; n < 40; n++) kernel.reclaim.direct();
    return kernel.vmstat.value(SLABS_SCANNED);
  });
  expect(scanned[0]).toBeGreaterThan(1000);
  expect(scanned[1]).toBe(0);
});
