/** What a sweep found, for a person at a terminal. */
import type { Axis } from '../sweep/grid.ts';
import type { Measures } from '../sweep/measures.ts';
import { sparkline } from './plot.ts';
import { bytesText, grouped, timeText } from './quantity.ts';
import { table } from './replay-text.ts';

const COLUMNS: readonly [title: string, text: (measures: Measures) => string][] = [
  ['minor', ({ minorFaults }) => grouped(minorFaults)],
  ['major', ({ majorFaults }) => grouped(majorFaults)],
  ['swapped in', ({ swappedIn }) => grouped(swappedIn)],
  ['out', ({ swappedOut }) => grouped(swappedOut)],
  ['file pages read', ({ filePagesRead }) => grouped(filePagesRead)],
  ['refaults', ({ refaultsAnon, refaultsFile }) => grouped(refaultsAnon + refaultsFile)],
  ['peak RSS', ({ peakRss }) => bytesText(peakRss)],
  ['simulated', ({ simulatedNs }) => timeText(simulatedNs)],
  ['killed', ({ killed, panic }) => (panic !== null ? 'all: panic' : killed === 0 ? '-' : grouped(killed))],
];

/** The measures that are drawn over a single axis. */
const PLOTTED: readonly [title: string, value: (measures: Measures) => number, text: (value: number) => string][] = [
  ['major faults', ({ majorFaults }) => majorFaults, grouped],
  ['swapped in and out', ({ swappedIn, swappedOut }) => swappedIn + swappedOut, grouped],
  ['file pages read', ({ filePagesRead }) => filePagesRead, grouped],
  ['simulated time', ({ simulatedNs }) => simulatedNs, timeText],
];
/** Characters of a point in the plot. */
const POINT_WIDTH = 4;

/** One row for each point. Of the axes only those that vary are shown. */
export function sweepTable(
  axes: readonly Axis[],
  points: readonly (readonly string[])[],
  measures: readonly Measures[],
): string {
  const shown = axes.flatMap(({ values }, i) => (values.length > 1 ? [i] : []));
  const head = [...shown.map((i) => axes[i]?.name ?? ''), ...COLUMNS.map(([title]) => title)];
  const rows = measures.map((row, at) => [
    ...shown.map((i) => points[at]?.[i] ?? ''),
    ...COLUMNS.map(([, text]) => text(row)),
  ]);
  return table([head, ...rows], '');
}

/** Bars over the points of one axis; nothing for a sweep of none or of several. */
export function sweepPlot(axes: readonly Axis[], measures: readonly Measures[]): string {
  const [axis, ...more] = axes.filter(({ values }) => values.length > 1);
  if (axis === undefined || more.length > 0) return '';
  const width = Math.max(...PLOTTED.map(([title]) => title.length));
  const lines = PLOTTED.map(([title, value, text]) => {
    const values = measures.map(value);
    const bars = values.map((one) => sparkline([one], Math.max(...values, 1)).repeat(POINT_WIDTH - 1)).join(' ');
    return `${title.padStart(width)} ${bars} ${text(Math.max(...values))}\n`;
  });
  return `over ${axis.name}, ${axis.values[0]} to ${axis.values.at(-1)}; the highest is told\n${lines.join('')}`;
}
