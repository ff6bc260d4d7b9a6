/** What a recorded program does with pages of 4 KiB, with transparent huge pages, and with huge pages of a pool. */
import { costs } from '../../hardware/costs.ts';
import { walkLoads } from '../../hardware/paging/nested.ts';
import {
  L1_DATA_MISSES,
  L1_INSTRUCTION_MISSES,
  L2_DATA_MISSES,
  L2_INSTRUCTION_MISSES,
  WALKS,
} from '../../hardware/tlb/counters.ts';
import { PAGE_SIZE } from '../../hardware/units.ts';
import { CAUSE_MAJOR_FAULT, CAUSE_MINOR_FAULT, CAUSE_WALK } from '../../kernel/time/clock.ts';
import { Machine } from '../../machine/machine.ts';
import type { MachineOptions } from '../../machine/options.ts';
import type { RecordingReader } from '../../program/recording/reader.ts';
import { Replay } from '../../program/recording/replay.ts';
import { reportOf } from '../../program/recording/replay-report.ts';

export const SETTINGS = ['4k', 'thp', 'hugetlb'] as const;
export type Setting = (typeof SETTINGS)[number];

/** A mapping, or all anonymous mappings of one size: page walks for it, and page faults on it. */
export interface MappingCounts {
  readonly mapping: string;
  readonly walks: number;
  readonly faults: number;
}

/** One replay. Times are simulated nanoseconds, sizes bytes. */
export interface Measured {
  readonly setting: Setting;
  /** Misses of the first and of the second level, of data and of instructions together. */
  readonly l1Misses: number;
  readonly l2Misses: number;
  readonly walks: number;
  /** Entries that walks read: on the machine itself, and were it a guest. */
  readonly walkLoads: number;
  readonly walkLoadsAsGuest: number;
  readonly walkNs: number;
  readonly walkNsAsGuest: number;
  readonly faults: { readonly minor: number; readonly major: number };
  readonly faultNs: number;
  /** All of the run, the walks of a guest in the second. */
  readonly ns: number;
  readonly nsAsGuest: number;
  /** The largest resident set of one process, and beside it the pool's pages, which are in no resident set. */
  readonly peakRss: number;
  readonly poolBytes: number;
  /** System calls that the simulated kernel answered otherwise than the recorded one. */
  readonly mismatches: number;
  /** Runs on pages that were not there. */
  readonly strayRuns: number;
  readonly mappings: readonly MappingCounts[];
}

const POOL_PAGES = 1 << 20;
/** Records between two calls of `onProgress`. */
const STRIDE = 1 << 20;

/** What each setting changes about a machine. The pool makes its pages as they are asked for, so its size is what was needed. */
const SETTING_OPTIONS: Readonly<Record<Setting, MachineOptions>> = {
  '4k': { transparentHugePages: 'never' },
  thp: { transparentHugePages: 'always' },
  hugetlb: { transparentHugePages: 'never', sysctls: { 'vm.nr_overcommit_hugepages': POOL_PAGES } },
};

/**
 * Replays a recording under one setting.
 * @param onProgress receives the share that is done
 */
export function measure(
  reader: RecordingReader,
  setting: Setting,
  options: MachineOptions,
  onProgress: (share: number) => void,
): Measured {
  const own = SETTING_OPTIONS[setting];
  const machine = new Machine({ ...options, ...own, nested: false, sysctls: { ...options.sysctls, ...own.sysctls } });
  const replay = Replay.start(machine, reader, { pooled: setting === 'hugetlb', walksByMapping: true });
  for (let played = 0; !replay.done; played += STRIDE) {
    replay.advance(STRIDE);
    onProgress(Math.min(1, played / Math.max(1, reader.totals.records)));
  }
  replay.finish();
  return summary(replay, setting);
}

function summary(replay: Replay, setting: Setting): Measured {
  const { machine } = replay;
  const { cpus, clock, kernel } = machine;
  const sum = (of: (cpu: (typeof cpus)[number]) => number): number => cpus.reduce((total, cpu) => total + of(cpu), 0);
  const report = reportOf(replay, 0);
  const guestLoads = sum(({ counters, model }) => walkLoads({ counters, model, nested: true }));
  const walkNs = clock.spent[CAUSE_WALK] as number;
  const walkNsAsGuest = guestLoads * costs.walkStep;
  const pool = kernel.hugetlb.default;
  return {
    setting,
    l1Misses: sum(({ counters }) => counters.sum(L1_DATA_MISSES) + counters.sum(L1_INSTRUCTION_MISSES)),
    l2Misses: sum(({ counters }) => counters.sum(L2_DATA_MISSES) + counters.sum(L2_INSTRUCTION_MISSES)),
    walks: sum(({ counters }) => counters.values[WALKS] as number),
    walkLoads: sum((cpu) => walkLoads(cpu)),
    walkLoadsAsGuest: guestLoads,
    walkNs,
    walkNsAsGuest,
    faults: { minor: report.faults.minor, major: report.faults.major },
    faultNs: (clock.spent[CAUSE_MINOR_FAULT] as number) + (clock.spent[CAUSE_MAJOR_FAULT] as number),
    ns: clock.now,
    nsAsGuest: clock.now - walkNs + walkNsAsGuest,
    peakRss: report.peakRss,
    poolBytes: pool.mostWanted * pool.pages * PAGE_SIZE,
    mismatches: Object.values(report.mismatches).reduce((total, { count }) => total + count, 0),
    strayRuns: report.strayRuns,
    mappings: replay.meter.walks.rows.map(([mapping, counts]) => ({ mapping, ...counts })),
  };
}
