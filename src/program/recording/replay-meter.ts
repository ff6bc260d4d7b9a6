/** What a replay measures on its way: simulated time by cause, faults by mapping, sizes over time. */

import { costs } from '../../hardware/costs.ts';
import type { Cpu } from '../../hardware/cpu.ts';
import { PAGE_SIZE } from '../../hardware/units.ts';
import type { Mm } from '../../kernel/address-space/mm.ts';
import { gatherSmaps } from '../../kernel/proc/smaps.ts';
import type { Task } from '../../kernel/process/process.ts';
import { CAUSE_INSTRUCTIONS, CAUSE_MINOR_FAULT, CAUSE_SYSCALL } from '../../kernel/time/clock.ts';
import { NR_ANON_PAGES, NR_MAPPED } from '../../kernel/vmstat.ts';
import { CpuTime, markFaults, passFaultTime } from '../../machine/cpu-time.ts';
import type { Machine } from '../../machine/machine.ts';
import { FaultLedger, mappingName } from './fault-ledger.ts';
import { TimeSeries, type TimeSeriesState } from './time-series.ts';
import { WalkLedger, type WalkLedgerState } from './walk-ledger.ts';

/** Sampled values, all in bytes but the simulated time in nanoseconds. */
export const SERIES = ['rss', 'pss', 'pageTables', 'free', 'simulatedNs'] as const;
export type SeriesName = (typeof SERIES)[number];
/** Instructions between two samples at the beginning. */
const FIRST_INTERVAL = 10_000;

export class ReplayMeter {
  readonly ledger = new FaultLedger();
  /** Page walks and faults by mapping, where the replay counts them. */
  readonly walks = new WalkLedger();
  readonly series = new TimeSeries<SeriesName>(SERIES, FIRST_INTERVAL);
  /** The largest resident set that one process had, in bytes (ru_maxrss). */
  peakRss = 0;
  /** Faults that raised a signal. */
  invalid = 0;
  /** Instructions of all processes whose time has passed. */
  instructions = 0;

  readonly #machine: Machine;
  readonly #cpuTime: CpuTime;

  constructor(machine: Machine) {
    this.#machine = machine;
    this.#cpuTime = new CpuTime(machine.clock, machine.cpus.length);
  }

  /** Lets the time of `count` more instructions pass, and that of the TLB misses since the last call. */
  execute(cpu: Cpu, count: number): void {
    const { clock } = this.#machine;
    this.instructions += count;
    clock.spend(count * costs.instruction, CAUSE_INSTRUCTIONS);
    this.#cpuTime.pass(cpu);
  }

  systemCall(): void {
    this.#machine.clock.spend(costs.systemCall, CAUSE_SYSCALL);
  }

  /**
   * Does something that may fault at `page` and books the faults under the mapping there.
   * @returns what `work` returned
   */
  book<T>(task: Task, page: number, work: () => T): T {
    const since = markFaults(task);
    const answer = work();
    const { minor, major } = passFaultTime(this.#machine.clock, task, since);
    if (minor + major === 0) return answer;
    const { mm } = task;
    const vma = mm.vmas.find(page);
    this.ledger.add(mappingName(mm, vma !== undefined && vma.start <= page ? vma : undefined), minor, major);
    this.notePeak(mm);
    return answer;
  }

  /** Books the faults of exec, of which only the pages that it left tell where they were. */
  bookExec(task: Task, work: () => void): void {
    const { minFlt, majFlt } = task;
    work();
    const { mm } = task;
    let left = task.minFlt - minFlt;
    for (const vma of mm.vmas) {
      const pages = Math.min(left, gatherSmaps(this.#machine.kernel, vma).anonymous / PAGE_SIZE);
      if (pages > 0) this.ledger.add(mappingName(mm, vma), pages, 0);
      left -= pages;
    }
    if (left + task.majFlt - majFlt > 0) this.ledger.add('[exec]', left, task.majFlt - majFlt);
    this.#machine.clock.spend((task.minFlt - minFlt) * costs.minorFault, CAUSE_MINOR_FAULT);
    this.notePeak(mm);
  }

  notePeak(mm: Mm): void {
    this.peakRss = Math.max(this.peakRss, mm.rssPages * PAGE_SIZE);
  }

  /** Takes a sample if one is due, or in any case with `now`. */
  sample(now = false): void {
    if (!now && !this.series.due(this.instructions)) return;
    const { kernel, clock } = this.#machine;
    const spaces = new Set([...kernel.processes.all.values()].map(({ mm }) => mm));
    let rss = 0;
    let pageTables = 0;
    for (const mm of spaces) {
      rss += mm.rssPages * PAGE_SIZE;
      pageTables += mm.pgtablesBytes;
    }
    // The shares of all processes together are every mapped page once.
    const mapped = kernel.vmstat.value(NR_ANON_PAGES) + kernel.vmstat.value(NR_MAPPED);
    const pss = spaces.size === 1 ? rss : mapped * PAGE_SIZE;
    this.series.take(this.instructions, {
      rss,
      pss,
      pageTables,
      free: kernel.allocator.free * PAGE_SIZE,
      simulatedNs: clock.now,
    });
  }

  save(): ReplayMeterState {
    const { peakRss, invalid, instructions } = this;
    return {
      ledger: this.ledger.save(),
      walks: this.walks.save(),
      series: this.series.save(),
      peakRss,
      invalid,
      instructions,
      paid: this.#cpuTime.save(),
    };
  }

  restore(state: ReplayMeterState): void {
    this.ledger.restore(state.ledger);
    this.walks.restore(state.walks);
    this.series.restore(state.series);
    this.peakRss = state.peakRss;
    this.invalid = state.invalid;
    this.instructions = state.instructions;
    this.#cpuTime.restore(state.paid);
  }
}

export interface ReplayMeterState {
  readonly ledger: [string, { minor: number; major: number }][];
  readonly walks: WalkLedgerState;
  readonly series: TimeSeriesState;
  readonly peakRss: number;
  readonly invalid: number;
  readonly instructions: number;
  readonly paid: readonly number[];
}
