/** What must hold whatever several processes do on a machine that is too small for them. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkInvariants } from '../kernel/invariants.ts';
import { PGSCAN_ANON, PGSCAN_FILE, PGSTEAL_ANON, PGSTEAL_FILE, PSWPOUT, type VmStat } from '../kernel/vmstat.ts';
import {
  ARENA_PAGES,
  checkContents,
  type Load,
  loadStep,
  runStep,
  spareFrames,
  startLoad,
} from './testing/swap-load.ts';

const RUNS = 10;

/** Processes that together want more than there is, before the random part begins. */
function press(load: Load): void {
  const step = { who: 0, at: 0, pages: ARENA_PAGES, to: 0, shared: false, value: 7 };
  runStep(load, { ...step, what: 'map' });
  runStep(load, { ...step, what: 'map', pages: 300, shared: true });
  runStep(load, { ...step, what: 'fill' });
  runStep(load, { ...step, what: 'fork' });
  runStep(load, { ...step, who: 1, what: 'fill', value: 5000 });
}

/**
 * Reclaim is never busy for nothing: a page is looked at once or twice before it goes, one that was used of late more often,
 * and what is hot at the beginning is looked at in vain first.
 */
function expectFewScans(vmstat: VmStat, frames: number): void {
  const scanned = vmstat.value(PGSCAN_ANON) + vmstat.value(PGSCAN_FILE);
  const freed = vmstat.value(PGSTEAL_ANON) + vmstat.value(PGSTEAL_FILE);
  expect(scanned).toBeLessThanOrEqual(4 * freed + 2 * frames);
}

function endAll({ machine, actors }: Load): void {
  for (const { task } of actors) machine.kernel.processes.exit(task.process, { exit: 0 });
}

test.each([
  ['on the whole machine', false, false, 100],
  ['in a memory cgroup', true, false, 100],
  ['with huge pages', false, true, 50],
  ['with huge pages in a memory cgroup', true, true, 100],
])(
  'whatever they do %s: does every byte survive, and is every frame, slot and charge accounted for, without needless scans?',
  (_where, inGroup, hugePages, leastSwapped) => {
    let swappedOut = 0;
    fc.assert(
      fc.property(fc.array(loadStep, { minLength: 5, maxLength: 20 }), (steps) => {
        const load = startLoad(inGroup, hugePages);
        const { kernel } = load.machine;
        press(load);
        for (const step of steps) runStep(load, step);
        checkContents(load);
        // Slots in use = entries of page tables and of memory files and the swap cache; usage = charges: see invariants.ts.
        expect(checkInvariants(kernel)).toEqual([]);
        swappedOut += kernel.vmstat.value(PSWPOUT);
        expectFewScans(kernel.vmstat, kernel.table.frames);
        endAll(load);
        expect(checkInvariants(kernel)).toEqual([]);
        expect([spareFrames(load.machine), kernel.swap.free]).toEqual([load.freeAtStart, kernel.swap.total]);
        for (const group of kernel.cgroups.all) expect(group.swapped).toBe(0);
      }),
      { numRuns: RUNS },
    );
    expect(swappedOut).toBeGreaterThan(RUNS * leastSwapped);
  },
);
