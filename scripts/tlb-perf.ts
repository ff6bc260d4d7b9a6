/**
 * Compares TLB misses of the model with the processor's own counters: chains of loads, and recorded programs beside their
 * native runs. Where the processor has no counters, as in many virtual machines, it says so and prints what the model says.
 *
 *   node scripts/tlb-perf.ts [--cpu zen5] [RECORDING -- COMMAND...]
 */
import { spawnSync } from 'node:child_process';
import { processorNamed } from '../src/hardware/processors/index.ts';
import { L1_DATA_MISSES, L2_DATA_MISSES } from '../src/hardware/tlb/counters.ts';
import { openRecording } from '../src/host/recording-file.ts';
import { Machine } from '../src/machine/machine.ts';
import { Replay } from '../src/program/recording/replay.ts';
import { predict } from './tlb/chains.ts';
import { buildChase } from './tlb/native.ts';

const EVENTS = [
  'dTLB-loads',
  'dTLB-load-misses',
  'dTLB-store-misses',
  'iTLB-load-misses',
  'cycles:u',
  'instructions:u',
];
const PAGES = [64, 80, 112, 512, 1536, 2048, 3072, 4096, 5120, 8192];
const LOADS = 4_000_000;
const RUNS = 5;

/** What an event counted in a run of a command; undefined for events that the processor does not have. */
type Counts = ReadonlyMap<string, number | undefined>;

function count(command: readonly string[]): Counts {
  const ran = spawnSync('perf', ['stat', '-x,', '-e', EVENTS.join(','), '--', ...command], { encoding: 'utf8' });
  if (ran.error !== undefined) throw new Error(`perf cannot be started: ${ran.error.message}`);
  const rows = ran.stderr.split('\n').map((line) => line.split(','));
  return new Map(
    EVENTS.map((event) => {
      const value = Number(rows.find((row) => row[2] === event)?.[0]);
      return [event, Number.isNaN(value) ? undefined : value];
    }),
  );
}

/** Least, middle and most of what an event counted in some runs. */
function spread(runs: readonly Counts[], event: string, scale: number): string {
  const numbers = runs.map((run) => (run.get(event) ?? 0) / scale).sort((a, b) => a - b);
  return [numbers[0], numbers[numbers.length >> 1], numbers.at(-1)].map((n) => (n ?? 0).toFixed(3)).join(' / ');
}

const [first, second, ...rest] = process.argv.slice(2);
const name = first === '--cpu' && second !== undefined ? second : 'zen5';
const model = processorNamed(name);
const words = first === '--cpu' ? rest : process.argv.slice(2);
const dashes = words.indexOf('--');
const recording = dashes > 0 ? words[0] : undefined;
const command = words.slice(dashes + 1);

const probe = count(['true']);
const has = EVENTS.filter((event) => probe.get(event) !== undefined);
const missing = EVENTS.filter((event) => probe.get(event) === undefined);
if (missing.length > 0)
  console.log(`This processor does not count ${missing.join(', ')} here (perf: <not supported>).`);
if (has.length > 0) console.log(`Native columns: least / middle / most of ${RUNS} runs.`);

const columns = has.filter((event) => event.includes('TLB'));
const table = (head: string, rows: readonly string[]): void => {
  const titles = [head, 'L1 misses, model', 'L2 misses, model', ...columns];
  console.log(`\n| ${titles.join(' | ')} |\n|${titles.map(() => '---|').join('')}`);
  for (const row of rows) console.log(row);
};

if (recording === undefined) {
  const chase = columns.length > 0 ? buildChase() : '';
  table(
    'pages of a random chain; per load',
    PAGES.map((pages) => {
      const { l1Misses, l2Misses } = predict(model, { kind: '4k', order: 'random', pages, stride: 1, offset: 64 });
      // Twice the loads less once the loads: what the program does besides is gone.
      const runs = Array.from({ length: columns.length > 0 ? RUNS : 0 }, () => {
        const [once, twice] = [1, 2].map((n) => count([chase, '-n', String(n * LOADS), '4k', 'random', String(pages)]));
        return new Map(columns.map((event) => [event, (twice?.get(event) ?? 0) - (once?.get(event) ?? 0)]));
      });
      const native = columns.map((event) => spread(runs, event, LOADS));
      return `| ${[pages, l1Misses.toFixed(3), l2Misses.toFixed(3), ...native].join(' | ')} |`;
    }),
  );
} else {
  const { reader, close } = openRecording(recording);
  const machine = new Machine({ processor: model });
  const replay = Replay.start(machine, reader);
  replay.finish();
  close();
  const counters = machine.cpus.map((cpu) => cpu.counters);
  const misses = (group: number): number => counters.reduce((sum, one) => sum + one.sum(group), 0);
  const runs = Array.from({ length: columns.length > 0 && command.length > 0 ? RUNS : 0 }, () => count(command));
  const native = columns.map((event) => spread(runs, event, 1));
  table(recording, [`| all | ${[misses(L1_DATA_MISSES), misses(L2_DATA_MISSES), ...native].join(' | ')} |`]);
}
