/**
 * Measures docs/tlb.md again: what misses of the TLBs cost on the processor beneath, by how many pages a chain of loads
 * visits, beside what the processor's model says.
 *
 *   node scripts/tlb.ts [--cpu zen5] [--runs 3] [--huge] [--pool] [--write]
 *
 *   --huge   also with transparent huge pages (2 GiB of memory)   --pool   and with 48 huge pages of the pool (root; given back)
 *   --write  puts the tables into docs/tlb.md
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { processorNamed } from '../src/hardware/processors/index.ts';
import { type Chain, predict } from './tlb/chains.ts';
import { buildChase, type Measurement, measure } from './tlb/native.ts';

const PAGE = join(import.meta.dirname, '../docs/tlb.md');
const MARKS = ['<!-- measured -->', '<!-- end -->'] as const;
const POOL = '/proc/sys/vm/nr_hugepages';
const POOL_PAGES = 48;

const SMALL = [
  16, 64, 90, 96, 98, 100, 104, 112, 128, 256, 512, 1024, 2048, 3072, 3584, 4096, 4608, 5120, 6144, 8192, 16384,
];
const LARGE = [65536, 262144];
const HUGE = [16, 64, 96, 104, 112, 128, 256, 512, 1024];
const IN_FEW_SETS = [104, 112, 128, 136, 160, 192, 256, 384];
/** All of these pages are in one or two sets of L2: each load walks, and its entries are in the L1 and L2 caches. */
const WALK_STRIDE = 512;

const { values } = parseArgs({
  options: {
    cpu: { type: 'string', default: 'zen5' },
    runs: { type: 'string', default: '3' },
    huge: { type: 'boolean', default: false },
    pool: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});
const model = processorNamed(values.cpu);
const runs = Number(values.runs);
const program = buildChase();
const say = (line: string): void => console.log(line);

const middle = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[numbers.length >> 1] as number;

/** The costs that all tables are judged by, in nanoseconds: measured where nothing else can be the reason. */
interface Costs {
  readonly l2Hit: number;
  readonly walk: number;
  readonly gigahertz: number;
}

function costsOf(small: readonly Measurement[], walks: readonly Measurement[]): Costs {
  const least = ({ extra }: Measurement): number => extra[0] as number;
  const hits = small.filter(({ pages }) => pages >= 128 && pages <= 1024).map(least);
  const l2Hit = middle(hits);
  const gigahertz = Math.max(...small.map((one) => one.gigahertz));
  return { l2Hit, walk: middle(walks.map(least)) - l2Hit, gigahertz };
}

function row(one: Measurement, costs: Costs, kind: Chain['kind']): string {
  const { l1Misses, l2Misses } = predict(model, { ...one, kind });
  const predicted = l1Misses * costs.l2Hit + l2Misses * costs.walk;
  const [least = 0] = one.extra;
  const cycles = (ns: number): string => (ns * costs.gigahertz).toFixed(1);
  const runsText = one.extra.map((ns) => cycles(ns)).join(' / ');
  const spread = `${(one.spread * 100).toFixed(0)} %`;
  const off = Math.abs(predicted - least) < 0.25 / costs.gigahertz ? '0' : cycles(predicted - least);
  return `| ${one.pages} | ${l1Misses.toFixed(2)} | ${l2Misses.toFixed(2)} | ${cycles(predicted)} | ${runsText} | ${off} | ${spread} |`;
}

function table(title: string, measured: readonly Measurement[], costs: Costs, kind: Chain['kind']): string {
  const head =
    '| pages | L1 misses a load | L2 misses a load | cycles more, model | cycles more, measured (each run) | model - measured | spread |\n|---:|---:|---:|---:|---|---:|---:|';
  return `${title}\n\n${head}\n${measured.map((one) => row(one, costs, kind)).join('\n')}\n`;
}

function inPool<T>(work: () => T): T {
  const before = readFileSync(POOL, 'utf8').trim();
  const promised = Number(/^HugePages_Rsvd:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0);
  writeFileSync(POOL, String(Number(before) + promised + POOL_PAGES));
  try {
    return work();
  } finally {
    writeFileSync(POOL, before);
  }
}

const small = measure(program, '4k', 'random', 1, SMALL, runs);
const walks = measure(program, '4k', 'random', WALK_STRIDE, [128, 160, 192, 256], runs);
const costs = costsOf(small, walks);
const ns = (time: number): string => `${(time * costs.gigahertz).toFixed(1)} cycles (${time.toFixed(2)} ns)`;
const parts = [
  `Processor: ${model.title} as \`${model.name}\`; core clock while measuring ${costs.gigahertz.toFixed(2)} GHz. Costs taken from the measurement itself: a hit in L2
${ns(costs.l2Hit)} more than one in L1, a walk whose entries lie in the L1 and L2 caches ${ns(costs.walk)} more.\n`,
  table('**4 KiB pages, random order**', small, costs, '4k'),
  table(
    '**4 KiB pages 128 KiB apart**: they share a few sets of L2',
    measure(program, '4k', 'random', 32, IN_FEW_SETS, runs),
    costs,
    '4k',
  ),
  table(
    '**4 KiB pages, ascending**',
    measure(program, '4k', 'forward', 1, [64, 96, 112, 1024, 4096, 8192], runs),
    costs,
    '4k',
  ),
  table(
    '**4 KiB pages, up to 1 GiB**: here walks miss the caches too, which the model has not',
    measure(program, '4k', 'random', 1, LARGE, runs),
    costs,
    '4k',
  ),
];
if (values.huge) {
  const thp = measure(program, 'thp', 'random', 1, HUGE, runs);
  parts.push(table('**Transparent huge pages**, the line 4160 bytes further on in each', thp, costs, '2m'));
  const alike = measure(program, 'thp', 'random', 1, HUGE, runs, 64);
  parts.push(
    table(
      '**Transparent huge pages**, the line at nearly the same place in each; model: an entry a huge page',
      alike,
      costs,
      '2m',
    ),
  );
  parts.push(
    table('**The same**; model: 4 KiB entries, as if the host kept the memory in 4 KiB pages', alike, costs, 'pieces'),
  );
}
if (values.pool) {
  const pool = inPool(() => measure(program, 'hugetlb', 'random', 1, [16, 32, POOL_PAGES], runs));
  parts.push(table('**Huge pages of the pool**', pool, costs, '2m'));
}
const text = parts.join('\n');
say(text);
if (values.write) {
  const page = readFileSync(PAGE, 'utf8');
  const [before = '', rest = ''] = page.split(MARKS[0]);
  writeFileSync(PAGE, `${before}${MARKS[0]}\n\n${text}\n${MARKS[1]}${rest.split(MARKS[1])[1] ?? ''}`);
}
