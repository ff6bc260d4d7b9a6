import { type Advice, sizeText } from './advice.ts';
import type { Measured } from './measure.ts';

const NAMES = { '4k': '4 KiB pages', thp: 'transparent huge pages', hugetlb: 'huge pages of the pool' } as const;
const SHORT = { '4k': '4k', thp: 'thp', hugetlb: 'hugetlb' } as const;
const MOST_MAPPINGS = 8;

const ms = (ns: number): string => `${(ns / 1e6).toFixed(1)} ms`;
const whole = (count: number): string => String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ',');
const percent = (part: number): string => `${(part * 100).toFixed(1)} %`;

/** Columns set under each other: the first to the left, the others to the right. */
function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => (row[i] ?? '').length)));
  const cell = (text: string, i: number): string =>
    i === 0 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0);
  return rows.map((row) => `  ${row.map(cell).join('  ')}`.trimEnd()).join('\n');
}

const settingRow = (run: Measured, base: Measured): string[] => [
  NAMES[run.setting],
  whole(run.l1Misses),
  whole(run.l2Misses),
  ms(run.walkNs),
  whole(run.faults.minor + run.faults.major),
  sizeText(run.peakRss),
  run.poolBytes > 0 ? sizeText(run.poolBytes) : '-',
  ms(run.ns),
  run === base ? '' : percent(1 - run.ns / base.ns),
];

function mappingRows(runs: readonly Measured[]): string[][] {
  const names = [...new Set(runs.flatMap(({ mappings }) => mappings.map(({ mapping }) => mapping)))];
  const of = (run: Measured, mapping: string) => run.mappings.find((row) => row.mapping === mapping);
  const most = (mapping: string): number => Math.max(...runs.map((run) => of(run, mapping)?.walks ?? 0));
  return names
    .sort((a, b) => most(b) - most(a))
    .slice(0, MOST_MAPPINGS)
    .map((mapping) => [
      mapping,
      ...runs.map((run) => whole(of(run, mapping)?.walks ?? 0)),
      ...runs.map((run) => whole(of(run, mapping)?.faults ?? 0)),
    ]);
}

/** What `faultline advise hugepages` prints. */
export function adviceText(
  command: readonly string[],
  runs: readonly [Measured, Measured, Measured],
  advice: Advice,
): string {
  const [base] = runs;
  const table = columns([
    ['', 'L1 misses', 'L2 misses', 'walks take', 'faults', 'peak RSS', 'pool', 'time', 'saves'],
    ...runs.map((run) => settingRow(run, base)),
  ]);
  const mappings = columns([
    [
      'page walks and faults by mapping',
      ...runs.map(({ setting }) => `walks ${SHORT[setting]}`),
      ...runs.map(({ setting }) => `faults ${SHORT[setting]}`),
    ],
    ...mappingRows(runs),
  ]);
  const what = {
    none: 'leave it as it is: 4 KiB pages do',
    thp: 'transparent huge pages',
    hugetlb: `huge pages of the pool (nr_hugepages ${advice.nrHugepages})`,
  }[advice.recommend];
  const chosen = advice.comparisons.find(({ setting }) => setting === advice.recommend);
  const cost =
    chosen === undefined ? [] : [`  costs ${sizeText(Math.max(0, chosen.costs))} of memory more than 4 KiB pages`];
  return `${[
    `${command.join(' ')}`,
    '',
    table,
    '',
    mappings,
    '',
    `recommended: ${what}`,
    `  ${advice.why}`,
    ...cost,
    ...advice.settings.map((line) => `  ${line}`),
    `  sure: ${advice.sureness}; ${advice.because.join('; ')}`,
    '  (the model has no data caches: what a program waits for memory comes on top, and the parts saved are smaller then)',
  ].join('\n')}\n`;
}
