/** The report of a replay for a person at a terminal. */
import { processorNamed } from '../hardware/processors/index.ts';
import type { ReplayReport } from '../program/recording/replay-report.ts';
import { barPlot, resample, sparkline } from './plot.ts';
import { bytesText, grouped, percentText, timeText } from './quantity.ts';

const MAPPINGS = 12;
const PLOT_COLUMNS = 64;
const PLOT_ROWS = 5;

/** Columns of text, the first to the left and the others to the right. */
export function table(rows: readonly (readonly string[])[], indent = '  '): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map(
      (row) =>
        indent +
        row
          .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number)))
          .join('  '),
    )
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}

/** The whole report. */
export function replayText(report: ReplayReport): string {
  return [summary(report), faults(report), tlb(report), time(report), memory(report), pressure(report), remarks(report)]
    .filter((part) => part !== '')
    .join('\n');
}

function summary(report: ReplayReport): string {
  const { recording, machine, accesses, faults, processes } = report;
  const total = accesses.loads + accesses.stores + accesses.fetches;
  const speed = report.wallSeconds > 0 ? `, ${(total / report.wallSeconds / 1e6).toFixed(0)} M accesses/s` : '';
  const mode =
    recording.mode.kind === 'exact'
      ? ''
      : `, first touches in windows of ${grouped(recording.mode.window)} instructions`;
  const cpus = machine.cpus === 1 ? '' : `, ${machine.cpus} CPUs`;
  return (
    `${recording.command.join(' ')}${mode}\n` +
    `on ${processorNamed(machine.processor).title}${cpus}, ${bytesText(machine.memory)}` +
    `${machine.coldCache ? ', nothing cached' : ''}\n\n` +
    table([
      ['instructions', grouped(report.instructions), ''],
      ['loads', grouped(accesses.loads), ''],
      ['stores', grouped(accesses.stores), ''],
      ['minor faults', grouped(faults.minor), ''],
      ['major faults', grouped(faults.major), ''],
      ['invalid accesses', grouped(faults.invalid), ''],
      ['processes', grouped(processes.length), ''],
      ['peak RSS', bytesText(report.peakRss), ''],
      ['simulated time', timeText(report.simulatedNs), ''],
      ['replayed in', `${report.wallSeconds.toFixed(2)} s${speed}`, ''],
    ])
  );
}

function faults({ faults: { byMapping } }: ReplayReport): string {
  const shown = byMapping.slice(0, MAPPINGS);
  const rest = byMapping.slice(MAPPINGS);
  const sum = (kind: 'minor' | 'major'): number => rest.reduce((total, row) => total + row[kind], 0);
  if (rest.length > 0) shown.push({ mapping: `${rest.length} more`, minor: sum('minor'), major: sum('major') });
  const rows = shown.map(({ mapping, minor, major }) => [mapping, grouped(minor), grouped(major)]);
  return table([['faults by mapping', 'minor', 'major'], ...rows], '');
}

function tlb({ tlb: counts }: ReplayReport): string {
  const row = (name: string, hits: number, misses: number): string[] => [
    name,
    grouped(hits),
    grouped(misses),
    percentText(misses, hits + misses),
  ];
  const sizes = ['4K', '2M', '1G'] as const;
  const level1 = [
    ['L1 data', counts.l1Data],
    ['L1 instruction', counts.l1Instruction],
  ] as const;
  const level2 = [
    ['L2 data', counts.l2Data],
    ['L2 instruction', counts.l2Instruction],
  ] as const;
  const rows = [
    ...level1.map(([name, { hits, misses }]) => row(name, hits, misses['4K'] + misses['2M'] + misses['1G'])),
    ...level2.flatMap(([name, { hits, misses }]) =>
      sizes
        .filter((size) => hits[size] + misses[size] > 0)
        .map((size) => row(`${name} ${size}`, hits[size], misses[size])),
    ),
  ];
  const steps = counts.walks === 0 ? '' : ` (${(counts.walkSteps / counts.walks).toFixed(2)} a walk)`;
  return (
    table([['TLB', 'hits', 'misses', 'missed'], ...rows], '') +
    `page walks ${grouped(counts.walks)}, steps ${grouped(counts.walkSteps)}${steps}, ` +
    `shortened by walk caches ${grouped(counts.walkCacheHits)}\n`
  );
}

function time({ time: causes, simulatedNs }: ReplayReport): string {
  const rows = Object.entries(causes)
    .filter(([, ns]) => ns > 0)
    .map(([cause, ns]) => [cause, timeText(ns), percentText(ns, simulatedNs)]);
  return table([['simulated time', '', ''], ...rows], '');
}

function memory({ series, instructions }: ReplayReport): string {
  const { at, rss, pss, pageTables } = series;
  const column = (values: readonly number[]): number[] => resample(at, values, PLOT_COLUMNS);
  const plot = barPlot(column(rss), PLOT_ROWS);
  const most = bytesText(Math.max(...rss, 0));
  const label = (row: number): string => (row === 0 ? most : row === PLOT_ROWS - 1 ? '0' : '').padStart(11);
  const line = (name: string, values: readonly number[]): string =>
    `${name.padStart(11)} ${sparkline(column(values))} ${bytesText(Math.max(...values, 0))}\n`;
  return (
    `memory over ${grouped(instructions)} instructions (RSS of all processes)\n` +
    plot.map((text, row) => `${label(row)} ${text}`.trimEnd()).join('\n') +
    `\n${line('PSS', pss)}${line('page tables', pageTables)}`
  );
}

/** The lines of the kernel's log that say who was killed, and why. */
const VERDICTS = /invoked oom-killer|^oom-kill:|Killed process|^oom_reaper/;

/** What a limit and swap did. */
function pressure({ cgroup, swap, log }: ReplayReport): string {
  const rows: string[][] = [];
  if (cgroup !== null)
    rows.push(
      [`limit (cgroup v${cgroup.version})`, bytesText(cgroup.limit), ''],
      ['most in use, page cache included', bytesText(cgroup.peak), ''],
      ['charges that had to reclaim', grouped(cgroup.failcnt), ''],
      ['pages read again after reclaim', grouped(cgroup.refaults.file), ''],
    );
  if (swap.out > 0) rows.push(['pages swapped out', grouped(swap.out), ''], ['pages swapped in', grouped(swap.in), '']);
  const lines = log.filter((line) => VERDICTS.test(line)).map((line) => `  ${line}\n`);
  if (rows.length === 0 && lines.length === 0) return '';
  const kernelLog = `\nkernel log (--dmesg FILE writes all of it)\n${lines.join('')}`;
  return `memory pressure\n${table(rows)}${lines.length === 0 ? '' : kernelLog}`;
}

/** What the reader should know before believing the numbers. */
function remarks({ mismatches, strayRuns, instructions }: ReplayReport): string {
  const lines = Object.entries(mismatches).map(
    ([call, { count, first }]) =>
      `${call}: answered otherwise than recorded ${count === 1 ? 'once' : `${grouped(count)} times`}, first ${first}`,
  );
  if (strayRuns > 0 && instructions > 0)
    lines.push(
      strayRuns === 1
        ? '1 page run lies outside the recorded map and was left out'
        : `${grouped(strayRuns)} page runs lie outside the recorded map and were left out`,
    );
  return lines.map((line) => `${line}\n`).join('');
}
