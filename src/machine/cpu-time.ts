import { costs } from '../hardware/costs.ts';
import type { Cpu } from '../hardware/cpu.ts';
import { walkLoads } from '../hardware/paging/nested.ts';
import {
  FLUSHES,
  INVLPGS,
  L2_DATA_HITS,
  L2_INSTRUCTION_HITS,
  SHOOTDOWNS,
  type TlbCounters,
} from '../hardware/tlb/counters.ts';
import { MM_ANONPAGES, MM_FILEPAGES } from '../kernel/address-space/mm.ts';
import type { Task } from '../kernel/process/process.ts';
import {
  CAUSE_MAJOR_FAULT,
  CAUSE_MINOR_FAULT,
  CAUSE_SHOOTDOWN,
  CAUSE_TLB,
  CAUSE_WALK,
  type Clock,
} from '../kernel/time/clock.ts';

/** What a CPU's TLBs have cost so far, by cause, in nanoseconds. */
const tlbCost = (counters: TlbCounters): number =>
  (counters.sum(L2_DATA_HITS) + counters.sum(L2_INSTRUCTION_HITS)) * costs.l2TlbHit +
  counters.values[FLUSHES] * costs.tlbFlush +
  counters.values[INVLPGS] * costs.invlpg;
const shootdownCost = (counters: TlbCounters): number => counters.values[SHOOTDOWNS] * costs.shootdown;

type HardwareCost = readonly [cause: number, costOf: (cpu: Cpu) => number];

/** Lets the time of translations pass. The CPUs only count them; the clock is told now and then, by difference. */
export class CpuTime {
  readonly #clock: Clock;
  /** What the CPUs had cost when it was last paid, by CPU, in the order of #costs. */
  readonly #paid: Float64Array;
  readonly #costs: readonly HardwareCost[];

  constructor(clock: Clock, cpus: number) {
    this.#clock = clock;
    this.#costs = [
      [CAUSE_TLB, ({ counters }) => tlbCost(counters)],
      [CAUSE_WALK, (cpu) => walkLoads(cpu) * costs.walkStep],
      [CAUSE_SHOOTDOWN, ({ counters }) => shootdownCost(counters)],
    ];
    this.#paid = new Float64Array(cpus * this.#costs.length);
  }

  /** TLB misses, page walks and flushes of a CPU since the last call. */
  pass(cpu: Cpu): void {
    this.#costs.forEach(([cause, costOf], i) => {
      const due = costOf(cpu);
      const at = cpu.id * this.#costs.length + i;
      this.#clock.spend(due - (this.#paid[at] as number), cause);
      this.#paid[at] = due;
    });
  }

  /** What the CPU did since the last call is nobody's time. */
  skip(cpu: Cpu): void {
    this.#costs.forEach(([, costOf], i) => {
      this.#paid[cpu.id * this.#costs.length + i] = costOf(cpu);
    });
  }

  save(): readonly number[] {
    return [...this.#paid];
  }

  restore(paid: readonly number[]): void {
    this.#paid.set(paid);
  }
}

/** A task's faults and resident pages at an instant. */
export interface FaultMarks {
  readonly minor: number;
  readonly major: number;
  readonly filePages: number;
  /** Huge pages of the pools included. */
  readonly anonymousPages: number;
}

export const markFaults = ({ minFlt, majFlt, mm }: Task): FaultMarks => ({
  minor: minFlt,
  major: majFlt,
  filePages: mm.rss[MM_FILEPAGES] as number,
  anonymousPages: (mm.rss[MM_ANONPAGES] as number) + mm.hugetlbPages,
});

/**
 * Lets the processor's time of a task's faults pass: the faults themselves, the pages cleared, and those that fault-around
 * mapped beside them. What a device needed passed when it was asked.
 * @returns how many there were
 */
export function passFaultTime(clock: Clock, task: Task, since: FaultMarks): { minor: number; major: number } {
  const now = markFaults(task);
  const minor = now.minor - since.minor;
  const major = now.major - since.major;
  if (minor + major === 0) return { minor, major };
  const cleared = Math.max(0, now.anonymousPages - since.anonymousPages);
  const around = Math.max(0, now.filePages - since.filePages - minor);
  const pages = cleared * costs.pageClear + around * costs.faultAroundPage;
  clock.spend(minor * costs.minorFault + pages, CAUSE_MINOR_FAULT);
  if (major > 0) clock.spend(major * costs.majorFault, CAUSE_MAJOR_FAULT);
  return { minor, major };
}
