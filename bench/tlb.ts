/** Page runs through a simulated CPU and through the C loop: the same blocks, the same misses, and the ratio of their speeds. */
import { Cpu } from '../src/hardware/cpu.ts';
import { PTE_PRESENT, PTE_USER, PTE_WRITE } from '../src/hardware/paging/entry.ts';
import { PhysicalMemory } from '../src/hardware/physical-memory.ts';
import type { ProcessorModel } from '../src/hardware/processors/processor-model.ts';
import { PageMapper } from '../src/hardware/testing/page-mapper.ts';
import {
  L1_DATA_MISSES,
  L1_INSTRUCTION_MISSES,
  L2_DATA_MISSES,
  L2_INSTRUCTION_MISSES,
} from '../src/hardware/tlb/counters.ts';
import { pfn, vpn } from '../src/hardware/units.ts';
import { type Block, parseBlock } from '../src/program/recording/block.ts';
import { type PlayerHost, RunPlayer } from '../src/program/recording/run-player.ts';
import { cpuSeconds } from './cpu-clock.ts';
import { Opponent } from './opponent.ts';
import { makeBlocks, REGIONS } from './stream.ts';

const BLOCKS = 16;
const PASSES = 3;
const FIRST_FRAME = 1024;

export interface TlbFigures {
  readonly runsPerSecond: number;
  readonly accessesPerSecond: number;
  readonly runsPerSecondInC: number;
  /** Speed relative to C: 1 is as fast. */
  readonly ratio: number;
}

/** The best of `rounds` rounds on each side. Throws when the two do not miss equally often. */
export function measureTlb(model: ProcessorModel, rounds: number): TlbFigures {
  const raw = makeBlocks(BLOCKS);
  const opponent = new Opponent(raw);
  try {
    return compare(model, raw.map(parseBlock), opponent, rounds);
  } finally {
    opponent.close();
  }
}

/** More than any page number. */
const ALL_PAGES = 2 ** 36;

/** The loop's surroundings when nothing needs a kernel. */
const everythingMapped: PlayerHost = {
  unmapped: () => -1,
  fault: (page) => {
    throw new Error(`a fault at page ${page}`);
  },
  stray: (page) => {
    throw new Error(`no page ${page}`);
  },
};

function compare(model: ProcessorModel, blocks: readonly Block[], opponent: Opponent, rounds: number): TlbFigures {
  const player = new RunPlayer(everythingMapped, new Cpu(0, model, new PhysicalMemory(1)).storeBit);
  // Recorded pages are the simulated ones.
  player.map.map(0, ALL_PAGES, 0);
  let seconds = Infinity;
  let secondsInC = Infinity;
  for (let round = 0; round < rounds; round++) {
    const cpu = mappedCpu(model);
    const start = cpuSeconds();
    for (let pass = 0; pass < PASSES; pass++) {
      for (const block of blocks) {
        player.load(block);
        player.run(cpu, block.records);
      }
    }
    seconds = Math.min(seconds, cpuSeconds() - start);
    const inC = opponent.run(model, PASSES);
    secondsInC = Math.min(secondsInC, inC.nanoseconds / 1e9);
    checkSame(cpu, inC);
  }
  const runs = PASSES * blocks.reduce((sum, block) => sum + block.records, 0);
  const accesses =
    PASSES * blocks.reduce((sum, { loads, stores, instructions }) => sum + loads + stores + instructions, 0);
  return {
    runsPerSecond: runs / seconds,
    accessesPerSecond: accesses / seconds,
    runsPerSecondInC: runs / secondsInC,
    ratio: secondsInC / seconds,
  };
}

/** A CPU with page tables that map all pages of the stream. */
function mappedCpu(model: ProcessorModel): Cpu {
  const memory = new PhysicalMemory(2 ** 16);
  const mapper = new PageMapper(memory);
  const root = mapper.newRoot();
  let frame = FIRST_FRAME;
  for (const [first, pages] of REGIONS)
    for (let page = first; page < first + pages; page++)
      mapper.map(root, vpn(page), pfn(frame++), PTE_PRESENT | PTE_WRITE | PTE_USER, 0);
  const cpu = new Cpu(0, model, memory);
  cpu.switchTo(root, 1, false);
  return cpu;
}

function checkSame({ counters, model }: Cpu, inC: { l1Instruction: number; l1Data: number; l2: number }): void {
  const ours = {
    l1Instruction: counters.sum(L1_INSTRUCTION_MISSES),
    l1Data: counters.sum(L1_DATA_MISSES),
    l2: counters.sum(L2_DATA_MISSES) + counters.sum(L2_INSTRUCTION_MISSES),
  };
  for (const level of ['l1Instruction', 'l1Data', 'l2'] as const)
    if (ours[level] !== inC[level])
      throw new Error(`${model.name}: ${ours[level]} misses in ${level}, ${inC[level]} in C`);
}
