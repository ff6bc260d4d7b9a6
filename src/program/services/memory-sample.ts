import { PAGE_SIZE } from '../../hardware/units.ts';
import {
  NR_ANON_PAGES,
  NR_DIRTY,
  NR_FILE_PAGES,
  PGSCAN_DIRECT,
  PGSCAN_KSWAPD,
  PGSTEAL_DIRECT,
  PGSTEAL_KSWAPD,
  WORKINGSET_REFAULT_FILE,
} from '../../kernel/vmstat.ts';
import type { Machine } from '../../machine/machine.ts';

/** The machine's memory at an instant: sizes in bytes, and the counters of /proc/vmstat since boot, in pages. */
export interface MemorySample {
  readonly seconds: number;
  readonly freeBytes: number;
  readonly cachedBytes: number;
  readonly anonymousBytes: number;
  readonly dirtyBytes: number;
  readonly scannedPages: number;
  readonly reclaimedPages: number;
  /** Pages that were read again soon after they had been evicted. */
  readonly refaultedPages: number;
}

/** @param start when the run began, in nanoseconds since boot */
export function memorySample(machine: Machine, start: number): MemorySample {
  const { vmstat, allocator } = machine.kernel;
  return {
    seconds: (machine.clock.now - start) / 1e9,
    freeBytes: allocator.free * PAGE_SIZE,
    cachedBytes: vmstat.value(NR_FILE_PAGES) * PAGE_SIZE,
    anonymousBytes: vmstat.value(NR_ANON_PAGES) * PAGE_SIZE,
    dirtyBytes: vmstat.value(NR_DIRTY) * PAGE_SIZE,
    scannedPages: vmstat.value(PGSCAN_KSWAPD) + vmstat.value(PGSCAN_DIRECT),
    reclaimedPages: vmstat.value(PGSTEAL_KSWAPD) + vmstat.value(PGSTEAL_DIRECT),
    refaultedPages: vmstat.value(WORKINGSET_REFAULT_FILE),
  };
}
