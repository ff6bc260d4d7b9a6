/** What a processor model says of a chain of loads, a line in each of so many pages (conformance/tlb/chase.c). */
import { Cpu } from '../../src/hardware/cpu.ts';
import { PTE_ACCESSED, PTE_DIRTY, PTE_PRESENT, PTE_USER, PTE_WRITE } from '../../src/hardware/paging/entry.ts';
import { PhysicalMemory } from '../../src/hardware/physical-memory.ts';
import type { ProcessorModel } from '../../src/hardware/processors/index.ts';
import { PageMapper } from '../../src/hardware/testing/page-mapper.ts';
import { L1_DATA_MISSES, L2_DATA_MISSES, WALK_STEPS } from '../../src/hardware/tlb/counters.ts';
import { pfn, vpn } from '../../src/hardware/units.ts';

/** A chain, as chase's arguments say it. */
export interface Chain {
  /** 'pieces': huge pages of the program that lie in 4 KiB pages of the machine below. */
  readonly kind: '4k' | '2m' | 'pieces';
  readonly order: 'random' | 'forward';
  readonly pages: number;
  /** In pages of 4 KiB, of a '4k' chain. */
  readonly stride: number;
  /** By how many bytes the line's place moves on from huge page to huge page. */
  readonly offset: number;
}

/** Per load of the chain. */
export interface Prediction {
  readonly l1Misses: number;
  readonly l2Misses: number;
  /** Entries read by walks, without nesting. */
  readonly steps: number;
}

const HUGE_PAGES = 512;
const BASE = 2 ** 20;
const FLAGS = PTE_PRESENT | PTE_USER | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY;
const WARM_ROUNDS = 4;
const ROUNDS = 4;

/** The 4 KiB page of each line of a chain, in the order of the loads. */
function pagesOf({ kind, order, pages, stride, offset }: Chain): number[] {
  const lines = Array.from({ length: pages }, (_, i) =>
    kind === '4k' ? BASE + i * stride : BASE + i * HUGE_PAGES + (Math.floor((i * offset) / 4096) % HUGE_PAGES),
  );
  if (order === 'forward') return lines;
  // Any shuffle does: only the set of pages decides how many miss.
  let chance = 0x2545f491;
  for (let i = pages - 1; i > 0; i--) {
    chance ^= chance << 13;
    chance ^= chance >>> 17;
    chance ^= chance << 5;
    const j = (chance >>> 0) % (i + 1);
    [lines[i], lines[j]] = [lines[j] as number, lines[i] as number];
  }
  return lines;
}

/** Misses and walk steps per load, once the chain has been followed some times. */
export function predict(model: ProcessorModel, chain: Chain): Prediction {
  const memory = new PhysicalMemory(2 ** 21);
  const mapper = new PageMapper(memory);
  const root = mapper.newRoot();
  const lines = pagesOf(chain);
  for (const line of lines) {
    if (chain.kind === '2m') mapper.map(root, vpn(line - (line % HUGE_PAGES)), pfn(HUGE_PAGES), FLAGS, 0, 1);
    else mapper.map(root, vpn(line), pfn(2 ** 20), FLAGS, 0);
  }
  const cpu = new Cpu(0, model, memory);
  cpu.switchTo(root, 1, true);
  const rounds = (count: number): void => {
    for (let i = 0; i < count; i++) for (const line of lines) cpu.access(vpn(line), 0, 1);
  };
  rounds(WARM_ROUNDS);
  const before = cpu.counters.values.slice();
  const sum = (values: Float64Array, group: number): number =>
    (values[group] as number) + (values[group + 1] as number) + (values[group + 2] as number);
  rounds(ROUNDS);
  const loads = ROUNDS * lines.length;
  const { values } = cpu.counters;
  return {
    l1Misses: (sum(values, L1_DATA_MISSES) - sum(before, L1_DATA_MISSES)) / loads,
    l2Misses: (sum(values, L2_DATA_MISSES) - sum(before, L2_DATA_MISSES)) / loads,
    steps: ((values[WALK_STEPS] as number) - (before[WALK_STEPS] as number)) / loads,
  };
}
