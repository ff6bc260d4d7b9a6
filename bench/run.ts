/**
 * npm run bench: how fast the machine is, and how far from plain C.
 *
 *   node bench/run.ts [--json] [--rounds N] [--cpu NAME] [RECORDING...]
 *
 * Without recordings those of the project are taken. Each figure is the best of N rounds (3), in CPU time: what
 * disturbs a measurement only makes it slower.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { processorNamed } from '../src/hardware/processors/index.ts';
import type { BootFigures } from './boot.ts';
import { measureFaults } from './faults.ts';
import { measurePageCache } from './page-cache.ts';
import { measureRecording } from './recording.ts';
import { measureSwap } from './swap.ts';
import { measureTlb } from './tlb.ts';

const RECORDINGS = join(import.meta.dirname, '..', 'recordings');
/** Figures to reach, by the row that shows them. */
const TARGETS = {
  ratio: 0.5,
  faults: 2e6,
  accesses: 3e8,
  cachedReads: 5e6,
  bytesPerCachedPage: 48,
  swapOuts: 1e6,
  reclaimed: 3e6,
  bytesPerFrame: 32,
  bootSeconds: 2,
  bootBytes: 1.2 * 2 ** 30,
};

const { values, positionals } = parseArgs({
  options: {
    json: { type: 'boolean' },
    rounds: { type: 'string', default: '3' },
    cpu: { type: 'string', default: 'zen3' },
  },
  allowPositionals: true,
});
const rounds = Number(values.rounds);
const model = processorNamed(values.cpu);

/** What boot.ts prints, in a process of its own: nothing else is then in its memory. */
function bootFigures(): BootFigures {
  return JSON.parse(execFileSync(process.execPath, [join(import.meta.dirname, 'boot.ts')], { encoding: 'utf8' }));
}

function recordings(): string[] {
  if (positionals.length > 0) return positionals;
  if (!existsSync(RECORDINGS)) return [];
  return readdirSync(RECORDINGS)
    .filter((name) => name.endsWith('.flt'))
    .map((name) => join(RECORDINGS, name));
}

const boot = bootFigures();
const figures = {
  processor: model.name,
  tlb: measureTlb(model, rounds),
  recordings: recordings().map((path) => measureRecording(path, model, rounds)),
  faults: measureFaults(rounds),
  pageCache: measurePageCache(rounds),
  swap: measureSwap(rounds),
  boot: { ...boot, bytesPerFrame: boot.arrayBytes / boot.frames },
  peakBytes: process.resourceUsage().maxRSS * 1024,
};

const millions = (value: number): string => `${(value / 1e6).toFixed(value < 1e7 ? 2 : 0)} M`;
const mebibytes = (value: number): string => `${(value / 2 ** 20).toFixed(0)} MiB`;
const READS_TARGET = `at least ${millions(TARGETS.cachedReads)}`;
const rows: [string, string, string][] = [
  ['page runs/s', millions(figures.tlb.runsPerSecond), `C: ${millions(figures.tlb.runsPerSecondInC)}`],
  ['  speed relative to C', figures.tlb.ratio.toFixed(2), `at least ${TARGETS.ratio}`],
  ['  accesses/s', millions(figures.tlb.accessesPerSecond), ''],
];
for (const { command, runsPerSecond, accessesPerSecond, ratio } of figures.recordings)
  rows.push(
    [`replay of ${command.slice(0, 40)}`, `${millions(runsPerSecond)} runs/s`, ''],
    ['  accesses/s', millions(accessesPerSecond), `sort of 200,000 numbers: at least ${millions(TARGETS.accesses)}`],
    ['  speed relative to C', ratio.toFixed(2), 'C does no faults and no system calls'],
  );
rows.push(
  ['anonymous faults/s', millions(figures.faults.faultsPerSecond), `at least ${millions(TARGETS.faults)}`],
  ['  touches of mapped pages/s', millions(figures.faults.touchesPerSecond), 'a page walk each'],
  ['cached 4 KiB reads/s, in order', millions(figures.pageCache.sequentialReadsPerSecond), READS_TARGET],
  ['  all over the file', millions(figures.pageCache.randomReadsPerSecond), READS_TARGET],
  ['  without large folios', millions(figures.pageCache.smallFolioReadsPerSecond), READS_TARGET],
  ['bytes per cached page', figures.pageCache.bytesPerCachedPage.toFixed(1), `at most ${TARGETS.bytesPerCachedPage}`],
  [
    'swap-outs/s, MADV_PAGEOUT to zram',
    millions(figures.swap.swapOutsPerSecond),
    `at least ${millions(TARGETS.swapOuts)}`,
  ],
  ['  swap-ins/s, faults included', millions(figures.swap.swapInsPerSecond), ''],
  ['  both together, when memory is too small', millions(figures.swap.thrashingSwapsPerSecond), ''],
  [
    'clean file pages reclaimed/s',
    millions(figures.swap.reclaimedPerSecond),
    `at least ${millions(TARGETS.reclaimed)}`,
  ],
  ['  in large folios', millions(figures.swap.reclaimedInFoliosPerSecond), ''],
  ['bytes per simulated frame', figures.boot.bytesPerFrame.toFixed(1), `at most ${TARGETS.bytesPerFrame}`],
  ['boot of 128 GiB', `${(boot.milliseconds / 1000).toFixed(2)} s`, `at most ${TARGETS.bootSeconds} s`],
  ['  its peak memory', mebibytes(boot.peakBytes), `at most ${mebibytes(TARGETS.bootBytes)}`],
  ["this program's peak memory", mebibytes(figures.peakBytes), ''],
);

if (values.json) console.log(JSON.stringify(figures));
else
  for (const [name, value, note] of rows) console.log(`${name.padEnd(52)} ${value.padStart(14)}   ${note}`.trimEnd());
