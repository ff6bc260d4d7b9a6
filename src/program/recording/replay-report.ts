/** What a replay found, as plain data: the keys of `faultline replay --json` (docs/replay.md). */
import { TlbCounters, type TlbCountersJson } from '../../hardware/tlb/counters.ts';
import { PAGE_SIZE } from '../../hardware/units.ts';
import type { MemCgroup } from '../../kernel/cgroup/mem-cgroup.ts';
import { CAUSES } from '../../kernel/time/clock.ts';
import { PSWPIN, PSWPOUT } from '../../kernel/vmstat.ts';
import type { RecordingMode } from './header.ts';
import type { Mismatch } from './mismatches.ts';
import type { Replay } from './replay.ts';
import { type ProcessRow, rowOf } from './replay-events.ts';
import type { SeriesName } from './replay-meter.ts';

export interface ReplayReport {
  readonly recording: {
    readonly command: readonly string[];
    readonly mode: RecordingMode;
    readonly source: string;
    /** Blocks replayed, of so many in the file. */
    readonly blocks: number;
    /** What is missing, as a sentence; null when the recording is whole. */
    readonly damage: string | null;
  };
  readonly machine: {
    readonly memory: number;
    readonly processor: string;
    readonly cpus: number;
    /** Seed of address-space randomisation, null without. */
    readonly aslrSeed: number | null;
    readonly coldCache: boolean;
    /** Bytes of swap. */
    readonly swap: number;
  };
  readonly instructions: number;
  readonly accesses: { readonly loads: number; readonly stores: number; readonly fetches: number };
  readonly faults: {
    readonly minor: number;
    readonly major: number;
    /** Faults that raised a signal. */
    readonly invalid: number;
    /** Most first. */
    readonly byMapping: readonly { readonly mapping: string; readonly minor: number; readonly major: number }[];
  };
  /** Of all CPUs together, the kernel's accesses to user memory included. */
  readonly tlb: TlbCountersJson;
  /** The largest resident set of one process, in bytes. */
  readonly peakRss: number;
  /** The memory cgroup of the programs; null without a limit. */
  readonly cgroup: GroupReport | null;
  /** Pages that went to swap and came back. */
  readonly swap: { readonly out: number; readonly in: number };
  /** What the kernel logged: the OOM killer's reports. */
  readonly log: readonly string[];
  readonly simulatedNs: number;
  /** Simulated nanoseconds by cause. */
  readonly time: Readonly<Record<string, number>>;
  /** Samples: `at` in instructions, sizes in bytes. */
  readonly series: { readonly at: readonly number[] } & Readonly<Record<SeriesName, readonly number[]>>;
  /** In the order of their beginnings. */
  readonly processes: readonly ProcessRow[];
  /** Runs that the recording does not explain and that were left out. */
  readonly strayRuns: number;
  /** System calls that the simulated kernel answered otherwise, by name. */
  readonly mismatches: Readonly<Record<string, Mismatch>>;
  /** The replay alone, without reading the file's index and writing the report. */
  readonly wallSeconds: number;
}

/** A memory cgroup at the end: sizes in bytes. */
export interface GroupReport {
  /** Of memory cgroups: 1 or 2. */
  readonly version: 1 | 2;
  readonly limit: number;
  /** The most that was in use at once, the page cache included. */
  readonly peak: number;
  readonly usage: number;
  /** Charges that found no room, and so had to reclaim. */
  readonly failcnt: number;
  /** Pages that came back after reclaim had taken them. */
  readonly refaults: { readonly anon: number; readonly file: number };
  readonly oomKills: number;
}

function groupReport({ memory, refaultAnon, refaultFile, oomKills }: MemCgroup, version: 1 | 2): GroupReport {
  return {
    version,
    limit: memory.max * PAGE_SIZE,
    peak: memory.watermark * PAGE_SIZE,
    usage: memory.usage * PAGE_SIZE,
    failcnt: memory.failcnt,
    refaults: { anon: refaultAnon, file: refaultFile },
    oomKills,
  };
}

/** Sums up a replay, finished or not. @param wallSeconds how long it took, by the caller's clock */
export function reportOf(replay: Replay, wallSeconds: number, coldCache = false): ReplayReport {
  const { machine, reader, meter, events, totals } = replay;
  const { header } = reader;
  const { group } = replay;
  const { vmstat } = machine.kernel;
  const tlb = new TlbCounters();
  for (const cpu of machine.cpus) tlb.add(cpu.counters);
  const byMapping = meter.ledger.rows.map(([mapping, counts]) => ({ mapping, ...counts }));
  const sum = (kind: 'minor' | 'major'): number => byMapping.reduce((total, row) => total + row[kind], 0);
  const living = [...machine.kernel.processes.all.values()].map(rowOf);
  return {
    recording: {
      command: header.command,
      mode: header.mode,
      source: header.source,
      blocks: reader.rows.length,
      damage: reader.damage ?? null,
    },
    machine: {
      memory: machine.options.memory,
      processor: machine.options.processor.name,
      cpus: machine.options.cpus,
      aslrSeed: machine.options.aslrSeed ?? null,
      coldCache,
      swap: machine.options.swap.reduce((sum, { bytes }) => sum + bytes, 0),
    },
    instructions: totals.instructions,
    accesses: { loads: totals.loads, stores: totals.stores, fetches: totals.instructions },
    faults: { minor: sum('minor'), major: sum('major'), invalid: meter.invalid, byMapping },
    tlb: tlb.toJSON(),
    peakRss: meter.peakRss,
    cgroup: group === undefined ? null : groupReport(group, machine.kernel.cgroups.version),
    swap: { out: vmstat.value(PSWPOUT), in: vmstat.value(PSWPIN) },
    log: [...machine.kernel.log.lines],
    simulatedNs: machine.clock.now,
    time: Object.fromEntries(CAUSES.map((cause, i) => [cause, machine.clock.spent[i]])),
    series: meter.series.toJSON(),
    processes: [...events.ended, ...living].sort((a, b) => a.pid - b.pid),
    strayRuns: replay.strays,
    mismatches: Object.fromEntries(events.mismatches.rows),
    wallSeconds,
  };
}
