/** What a replay measures on its way: simulated time by cause, faults by mapping, sizes over time. */

import { costs } from '../../hardware/costs.ts';
import type { Cpu } from '../../hardware/cpu.ts';
import {
  FLUSHES,
  INVLPGS,
  L2_DATA_HITS,
  L2_INSTRUCTION_HITS,
  SHOOTDOWNS,
  type TlbCounters,
  WALK_STEPS,
} from '../../hardware/tlb/counters.ts';
import { PAGE_SIZE } from '../../hardware/units.ts';
import { MM_ANONPAGES, MM_FILEPAGES, type Mm } from '../../kernel/address-space/mm.ts';
import { gatherSmaps } from '../../kernel/proc/smaps.ts';
import type { Task } from '../../kernel/process/process.ts';
import {
  CAUSE_INSTRUCTIONS,
  CAUSE_MAJOR_FAULT,
  CAUSE_MINOR_FAULT,
  CAUSE_SHOOTDOWN,
  CAUSE_SYSCALL,
  CAUSE_TLB,
  CAUSE_WALK,
} from '../../kernel/time/clock.ts';
import type { Machine } from '../../machine/machine.ts';
import { FaultLedger, mappingName } from './fault-ledger.ts';
import { TimeSeries, type TimeSeriesState } from './time-series.ts';

/** Sampled values, all in bytes but the simulated time in nanoseconds. */
export const SERIES = ['rss', 'pss', 'pageTables', 'free', 'simulatedNs'] as const;
export type SeriesName = (typeof SERIES)[number];
/** Instructions between two samples at the beginning. */
const FIRST_INTERVAL = 10_000;
/** A page's share in smaps is counted in 1/4096 bytes. */
const PSS_ONE = 4096;

/** What a CPU's TLBs have cost so far, by cause, in nanoseconds. */
const tlbCost = (counters: TlbCounters): number =>
  (counters.sum(L2_DATA_HITS) + counters.sum(L2_INSTRUCTION_HITS)) * costs.l2TlbHit +
  counters.values[FLUSHES] * costs.tlbFlush +
  counters.values[INVLPGS] * costs.invlpg;
const walkCost = (counters: TlbCounters): number => counters.values[WALK_STEPS] * costs.walkStep;
const shootdownCost = (counters: TlbCounters): number => counters.values[SHOOTDOWNS] * costs.shootdown;

const HARDWARE_COSTS = [
  [CAUSE_TLB, tlbCost],
  [CAUSE_WALK, walkCost],
  [CAUSE_SHOOTDOWN, shootdownCost],
] as const;

export class ReplayMeter {
  readonly ledger = new FaultLedger();
  readonly series = new TimeSeries<SeriesName>(SERIES, FIRST_INTERVAL);
  /** The largest resident set that one process had, in bytes (ru_maxrss). */
  peakRss = 0;
  /** Faults that raised a signal. */
  invalid = 0;
  /** Instructions of all processes whose time has passed. */
  instructions = 0;

  readonly #machine: Machine;
  /** What the CPUs' TLBs had cost when it was last paid, by CPU, in the order of HARDWARE_COSTS. */
  readonly #paid: Float64Array;

  constructor(machine: Machine) {
    this.#machine = machine;
    this.#paid = new Float64Array(machine.cpus.length * HARDWARE_COSTS.length);
  }

  /** Lets the time of `count` more instructions pass, and that of the TLB misses since the last call. */
  execute(cpu: Cpu, count: number): void {
    const { clock } = this.#machine;
    this.instructions += count;
    clock.spend(count * costs.instruction, CAUSE_INSTRUCTIONS);
    HARDWARE_COSTS.forEach(([cause, costOf], i) => {
      const due = costOf(cpu.counters);
      const at = cpu.id * HARDWARE_COSTS.length + i;
      clock.spend(due - this.#paid[at], cause);
      this.#paid[at] = due;
    });
  }

  systemCall(): void {
    this.#machine.clock.spend(costs.systemCall, CAUSE_SYSCALL);
  }

  /**
   * Does something that may fault at `page` and books the faults under the mapping there.
   * @returns what `work` returned
   */
  book<T>(task: Task, page: number, work: () => T): T {
    const { minFlt, majFlt } = task;
    const [file, anonymous] = [task.mm.rss[MM_FILEPAGES], task.mm.rss[MM_ANONPAGES]];
    const answer = work();
    const minor = task.minFlt - minFlt;
    const major = task.majFlt - majFlt;
    if (minor + major === 0) return answer;
    const { mm } = task;
    const vma = mm.vmas.find(page);
    this.ledger.add(mappingName(mm, vma !== undefined && vma.start <= page ? vma : undefined), minor, major);
    const cleared = Math.max(0, mm.rss[MM_ANONPAGES] - anonymous);
    const around = Math.max(0, mm.rss[MM_FILEPAGES] - file - minor);
    const pages = cleared * costs.pageClear + around * costs.faultAroundPage;
    this.#machine.clock.spend(minor * costs.minorFault + pages, CAUSE_MINOR_FAULT);
    if (major > 0) this.#machine.clock.spend(major * costs.majorFault, CAUSE_MAJOR_FAULT);
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
    // Alone, a process has no page that it shares.
    const pss = spaces.size === 1 ? rss : [...spaces].reduce((sum, mm) => sum + this.#pss(mm), 0);
    this.series.take(this.instructions, {
      rss,
      pss,
      pageTables,
      free: kernel.allocator.free * PAGE_SIZE,
      simulatedNs: clock.now,
    });
  }

  #pss(mm: Mm): number {
    let sum = 0;
    for (const vma of mm.vmas) sum += gatherSmaps(this.#machine.kernel, vma).pss / PSS_ONE;
    return Math.round(sum);
  }

  save(): ReplayMeterState {
    const { peakRss, invalid, instructions } = this;
    return {
      ledger: this.ledger.save(),
      series: this.series.save(),
      peakRss,
      invalid,
      instructions,
      paid: [...this.#paid],
    };
  }

  restore(state: ReplayMeterState): void {
    this.ledger.restore(state.ledger);
    this.series.restore(state.series);
    this.peakRss = state.peakRss;
    this.invalid = state.invalid;
    this.instructions = state.instructions;
    this.#paid.set(state.paid);
  }
}

export interface ReplayMeterState {
  readonly ledger: [string, { minor: number; major: number }][];
  readonly series: TimeSeriesState;
  readonly peakRss: number;
  readonly invalid: number;
  readonly instructions: number;
  readonly paid: readonly number[];
}
