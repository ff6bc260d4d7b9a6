/**
 * The heap of 4 GiB that introductions to virtual memory speak of, touched at random and in order, with pages of 4 KiB, 2 MiB
 * and 1 GiB: how many TLB entries it needs, how many misses it has, what they cost, and when huge pages make a program
 * "5 to 10 % faster".
 *
 *   node scripts/four-gib-heap.ts [--cpu zen4] [--nested] [--memory-ns 90] [--loads 2000000]
 */
import { parseArgs } from 'node:util';
import { costs } from '../src/hardware/costs.ts';
import { walkLoads } from '../src/hardware/paging/nested.ts';
import { type ProcessorModel, processorNamed } from '../src/hardware/processors/index.ts';
import { L1_DATA_MISSES, L2_DATA_HITS, L2_DATA_MISSES } from '../src/hardware/tlb/counters.ts';
import { PAGE_SIZE, vpn } from '../src/hardware/units.ts';
import { MAP_ANONYMOUS, MAP_HUGETLB, MAP_POPULATE, MAP_PRIVATE, PROT_READ, PROT_WRITE } from '../src/kernel/uapi.ts';
import { Machine } from '../src/machine/machine.ts';

const GIB = 2 ** 30;
const HEAP = 4 * GIB;
const HEAP_PAGES = HEAP / PAGE_SIZE;
const LINE = 64;

/** A size of page, by its logarithm. */
export const PAGE_LOGS = [12, 21, 30] as const;
export type PageLog = (typeof PAGE_LOGS)[number];
export type Order = 'random' | 'in order';

/** Per access, but for the entries. */
export interface HeapRun {
  readonly pageLog: PageLog;
  readonly order: Order;
  /** TLB entries that the whole heap needs. */
  readonly entries: number;
  readonly l1Misses: number;
  readonly l2Misses: number;
  /** Nanoseconds of walks, and of hits in the second level. */
  readonly walkNs: number;
  readonly tlbNs: number;
  /** Bytes of page tables that the heap has. */
  readonly tables: number;
}

/** A machine whose only program has mapped the heap and touched all of it. */
function machineWithHeap(
  processor: ProcessorModel,
  nested: boolean,
  pageLog: PageLog,
): { machine: Machine; first: number; tables: number } {
  const machine = new Machine({ memory: 8 * GIB, processor, nested, transparentHugePages: 'never' });
  const { kernel } = machine;
  for (const pool of kernel.hugetlb.hstates)
    if (pool.pages * PAGE_SIZE === 2 ** pageLog) pool.resize(HEAP / 2 ** pageLog);
  const task = kernel.processes.spawn('java', vpn(0x7ffff7fff));
  machine.runOn(0, task);
  const huge = pageLog > 12 ? MAP_HUGETLB | (pageLog << 26) : 0;
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | huge;
  const before = task.mm.pgtablesBytes;
  const address = kernel.addressSpaces.mmap(task, 0, HEAP, PROT_READ | PROT_WRITE, flags, undefined, 0);
  if (address < 0) throw new Error(`the heap cannot be had: ${address}`);
  return { machine, first: address / PAGE_SIZE, tables: task.mm.pgtablesBytes - before };
}

/** Touches the heap so many times, a cache line at a time: anywhere, or one behind the other. */
export function touchHeap(
  processor: ProcessorModel,
  nested: boolean,
  pageLog: PageLog,
  order: Order,
  loads: number,
): HeapRun {
  const { machine, first, tables } = machineWithHeap(processor, nested, pageLog);
  const cpu = machine.cpus[0];
  if (cpu === undefined) throw new Error('a machine without a CPU');
  const linesPerPage = PAGE_SIZE / LINE;
  let chance = 0x2545f491;
  const pageOf = (i: number): number => {
    if (order === 'in order') return Math.floor(i / linesPerPage) % HEAP_PAGES;
    chance ^= chance << 13;
    chance ^= chance >>> 17;
    chance ^= chance << 5;
    return (chance >>> 0) % HEAP_PAGES;
  };
  const touch = (count: number): void => {
    for (let i = 0; i < count; i++) cpu.access(vpn(first + pageOf(i)), 0, 1);
  };
  touch(Math.ceil(loads / 4));
  const { counters } = cpu;
  const read = (): number[] => [
    counters.sum(L1_DATA_MISSES),
    counters.sum(L2_DATA_MISSES),
    counters.sum(L2_DATA_HITS),
    walkLoads(cpu),
  ];
  const before = read();
  touch(loads);
  const [l1Misses = 0, l2Misses = 0, l2Hits = 0, steps = 0] = read().map(
    (value, i) => (value - (before[i] as number)) / loads,
  );
  const entries = HEAP / 2 ** pageLog;
  return {
    pageLog,
    order,
    entries,
    l1Misses,
    l2Misses,
    walkNs: steps * costs.walkStep,
    tlbNs: l2Hits * costs.l2TlbHit,
    tables,
  };
}

/**
 * What part of a program's time a run saves beside another: so many instructions from one random object of the heap to the
 * next, which itself comes from memory.
 */
export function saving(run: HeapRun, beside: HeapRun, instructions: number, memoryNs: number): number {
  const time = ({ walkNs, tlbNs }: HeapRun): number => instructions * costs.instruction + memoryNs + walkNs + tlbNs;
  return 1 - time(run) / time(beside);
}

const sizeName = (log: PageLog): string => ({ 12: '4 KiB', 21: '2 MiB', 30: '1 GiB' })[log];

/** Instructions that a program executes from one access to a random object of its heap to the next. */
const BETWEEN = [5, 10, 20, 50, 100, 200, 500, 1000, 2000];

function main(): void {
  const { values } = parseArgs({
    options: {
      cpu: { type: 'string', default: 'zen4' },
      nested: { type: 'boolean', default: false },
      'memory-ns': { type: 'string', default: '90' },
      loads: { type: 'string', default: '2000000' },
    },
  });
  const processor = processorNamed(values.cpu);
  const loads = Number(values.loads);
  const say = (line: string): void => console.log(line);
  say(`${processor.title}${values.nested ? ', in a guest' : ''}\n`);
  say('heap of 4 GiB     pages  entries needed  page tables  L1 misses  L2 misses  walks take (a load)');
  const runs: HeapRun[] = [];
  for (const order of ['random', 'in order'] as const)
    for (const pageLog of PAGE_LOGS) {
      const run = touchHeap(processor, values.nested, pageLog, order, loads);
      runs.push(run);
      const tables = `${(run.tables / 1024).toFixed(0)} kB`;
      const cycles = `${(run.walkNs * processor.gigahertz).toFixed(2)} cycles`;
      const misses = [run.l1Misses, run.l2Misses].map((part) => part.toFixed(4).padStart(11)).join('');
      say(
        `${order.padEnd(12)}${sizeName(pageLog).padStart(11)}${String(run.entries).padStart(16)}${tables.padStart(13)}${misses}${cycles.padStart(18)}`,
      );
    }
  const memoryNs = Number(values['memory-ns']);
  say(`\nwhat 2 MiB and 1 GiB pages save of the time, by instructions from one random object to the next`);
  say(`instructions   objects cached: 2 MiB   1 GiB   from memory (${memoryNs} ns): 2 MiB   1 GiB`);
  const [small, large, gigantic] = runs.filter(({ order }) => order === 'random') as [HeapRun, HeapRun, HeapRun];
  for (const count of BETWEEN) {
    const cells = [0, memoryNs].flatMap((ns) => [saving(large, small, count, ns), saving(gigantic, small, count, ns)]);
    const [cached = '', cachedLarge = '', far = '', farLarge = ''] = cells.map(
      (part) => `${(part * 100).toFixed(1)} %`,
    );
    say(
      `${String(count).padStart(12)}${cached.padStart(24)}${cachedLarge.padStart(8)}${far.padStart(29)}${farLarge.padStart(8)}`,
    );
  }
}

if (import.meta.main) main();
