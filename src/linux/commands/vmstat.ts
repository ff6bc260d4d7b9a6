/** vmstat of procps-ng 4.0.2: memory, swap, I/O and CPU, first since boot, then each interval. */
import { CAUSE_DISK, CAUSE_IDLE, CAUSE_INSTRUCTIONS, CAUSE_TLB, CAUSE_WALK } from '../../kernel/time/clock.ts';
import type { LinuxCommand } from '../command.ts';
import { UsageError } from '../command.ts';
import { getopt } from '../getopt.ts';
import type { LinuxBox } from '../linux-box.ts';
import { keyedNumbers, numberOf } from '../proc-text.ts';
import { processRows } from '../process-list.ts';

const OPTIONS = {
  active: { short: 'a', long: 'active' },
  stats: { short: 's', long: 'stats' },
  wide: { short: 'w', long: 'wide' },
  oneHeader: { short: 'n', long: 'one-header' },
  unit: { short: 'S', long: 'unit', value: 'required' },
} as const;

/** kB shown as what -S asks for. */
const UNIT_BYTES: Readonly<Record<string, number>> = { k: 1000, K: 1024, m: 1e6, M: 2 ** 20 };
const HEADER_EVERY = 22;

/** What is differenced between two reports. */
interface Sample {
  readonly at: number;
  readonly spent: Float64Array;
  readonly vmstat: ReadonlyMap<string, number>;
}

const sampleOf = (box: LinuxBox): Sample => ({
  at: box.machine.clock.now,
  spent: box.machine.clock.spent.slice(),
  vmstat: keyedNumbers(box.read('/proc/vmstat')),
});

const bootSample = (now: Sample): Sample => ({ at: 0, spent: new Float64Array(now.spent.length), vmstat: new Map() });

/** Shares of the time between two samples, in per cent: user, system, idle, waiting for the disk. */
function cpuShares(before: Sample, now: Sample): number[] {
  const by = (cause: number) => (now.spent[cause] as number) - (before.spent[cause] as number);
  const all = now.spent.reduce((sum, _, cause) => sum + by(cause), 0);
  const user = by(CAUSE_INSTRUCTIONS) + by(CAUSE_TLB) + by(CAUSE_WALK);
  const [idle, wait] = [by(CAUSE_IDLE), by(CAUSE_DISK)];
  const percent = (part: number) => (all > 0 ? Math.round((part * 100) / all) : 0);
  const shares = [percent(user), percent(all - user - idle - wait), 0, percent(wait), 0];
  // The rest, which rounding may make less than nothing.
  shares[2] = Math.max(0, 100 - (shares[0] as number) - (shares[1] as number) - (shares[3] as number));
  return shares;
}

/** The sixteen numbers of a line after `r` and `b`. */
function amounts(box: LinuxBox, before: Sample, now: Sample, unit: number, active: boolean): number[] {
  const meminfo = keyedNumbers(box.read('/proc/meminfo'));
  const size = (kb: number) => Math.trunc((kb * 1024) / unit);
  const kb = (key: string) => numberOf(meminfo, key);
  const seconds = Math.max((now.at - before.at) / 1e9, 1e-9);
  const rate = (key: string, scale: number) =>
    Math.round(((numberOf(now.vmstat, key) - (before.vmstat.get(key) ?? 0)) * scale) / seconds);
  const caches = active ? [kb('Inactive'), kb('Active')] : [kb('Buffers'), kb('Cached') + kb('SReclaimable')];
  const memory = [kb('SwapTotal') - kb('SwapFree'), kb('MemFree'), ...caches].map(size);
  const pageUnit = (4 * 1024) / unit;
  // pgpgin and pgpgout are kB, pswpin and pswpout pages. There are no interrupts here.
  return [
    ...memory,
    rate('pswpin', pageUnit),
    rate('pswpout', pageUnit),
    rate('pgpgin', 1),
    rate('pgpgout', 1),
    0,
    0,
    ...cpuShares(before, now),
  ];
}

const NARROW = [2, 2, 6, 6, 6, 6, 4, 4, 5, 5, 4, 4, 2, 2, 2, 2, 2];
const WIDE = [4, 4, 12, 12, 12, 12, 4, 4, 5, 5, 4, 4, 3, 3, 3, 3, 3, 3];

function header(wide: boolean, active: boolean): string {
  const heads = ['r', 'b', 'swpd', 'free', ...(active ? ['inact', 'active'] : ['buff', 'cache'])];
  const rest = ['si', 'so', 'bi', 'bo', 'in', 'cs', 'us', 'sy', 'id', 'wa', 'st'];
  const groups = wide
    ? '--procs-- -----------------------memory---------------------- ---swap-- -----io---- -system-- ----------cpu----------'
    : 'procs -----------memory---------- ---swap-- -----io---- -system-- ------cpu-----';
  return `${groups}\n${line([...heads, ...rest, ...(wide ? ['gu'] : [])], wide)}`;
}

const line = (cells: readonly (string | number)[], wide: boolean): string =>
  `${cells.map((cell, i) => String(cell).padStart((wide ? WIDE : NARROW)[i] as number)).join(' ')}\n`;

/** `vmstat -s`: one amount a line. */
function statistics(box: LinuxBox): string {
  const meminfo = keyedNumbers(box.read('/proc/meminfo'));
  const events = keyedNumbers(box.read('/proc/vmstat'));
  const kb = (key: string) => numberOf(meminfo, key);
  const lines: [amount: number, name: string][] = [
    [kb('MemTotal'), 'K total memory'],
    [kb('MemTotal') - kb('MemAvailable'), 'K used memory'],
    [kb('Active'), 'K active memory'],
    [kb('Inactive'), 'K inactive memory'],
    [kb('MemFree'), 'K free memory'],
    [kb('Buffers'), 'K buffer memory'],
    [kb('Cached') + kb('SReclaimable'), 'K swap cache'],
    [kb('SwapTotal'), 'K total swap'],
    [kb('SwapTotal') - kb('SwapFree'), 'K used swap'],
    [kb('SwapFree'), 'K free swap'],
    [numberOf(events, 'pgpgin'), 'K paged in'],
    [numberOf(events, 'pgpgout'), 'K paged out'],
    [numberOf(events, 'pswpin'), 'pages swapped in'],
    [numberOf(events, 'pswpout'), 'pages swapped out'],
  ];
  return lines.map(([amount, name]) => `${String(amount).padStart(13)} ${name}\n`).join('');
}

/** @throws UsageError in vmstat's words */
function positiveInteger(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text) || Number(text) < 1) throw new UsageError(`vmstat: failed to parse argument: '${text}'\n`);
  return Number(text);
}

export const vmstat: LinuxCommand = {
  name: 'vmstat',
  path: '/usr/bin/vmstat',
  *run({ box, args }) {
    const { given, operands } = getopt('vmstat', args, OPTIONS);
    if (given.has('stats')) {
      yield { out: statistics(box) };
      return 0;
    }
    const delay = positiveInteger(operands[0]);
    const count = positiveInteger(operands[1]) ?? (delay === undefined ? 1 : Number.POSITIVE_INFINITY);
    const unit = UNIT_BYTES[given.get('unit') ?? 'K'];
    if (unit === undefined) throw new UsageError('vmstat: -S requires k, K, m or M (default is KiB)\n');
    const [wide, active] = [given.has('wide'), given.has('active')];
    let before: Sample | undefined;
    for (let i = 0; i < count; i++) {
      if (i > 0) yield { sleep: (delay ?? 1) * 1e9 };
      const now = sampleOf(box);
      // vmstat itself does not count; who else is ready to run is behind.
      const ready = processRows(box).filter(({ state }) => state === 'R').length - 1;
      const cells = [ready, 0, ...amounts(box, before ?? bootSample(now), now, unit, active)];
      const head = i === 0 || (i % HEADER_EVERY === 0 && !given.has('oneHeader')) ? header(wide, active) : '';
      yield { out: head + line(wide ? [...cells, 0] : cells, wide) };
      before = now;
    }
    return 0;
  },
};
