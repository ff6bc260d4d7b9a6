/** top of procps-ng 4.0.2 in batch layout: the summary and the processes, once or each delay. */
import { CAUSE_DISK, CAUSE_IDLE, CAUSE_INSTRUCTIONS, CAUSE_TLB, CAUSE_WALK } from '../../kernel/time/clock.ts';
import type { LinuxCommand } from '../command.ts';
import { UsageError } from '../command.ts';
import { getopt } from '../getopt.ts';
import type { LinuxBox } from '../linux-box.ts';
import { keyedNumbers, numberOf } from '../proc-text.ts';
import { type ProcessRow, processRows } from '../process-list.ts';
import { upText } from './uptime.ts';

const OPTIONS = {
  batch: { short: 'b' },
  iterations: { short: 'n', value: 'required' },
  delay: { short: 'd', value: 'required' },
  sort: { short: 'o', value: 'required' },
  pids: { short: 'p', value: 'required' },
} as const;

const DEFAULT_DELAY = 3;
const COMMAND_WIDTH = 10;

/** What a report compares with the one before. */
interface Sample {
  readonly at: number;
  readonly spent: Float64Array;
  readonly used: ReadonlyMap<number, number>;
}

function sampleOf(box: LinuxBox, rows: readonly ProcessRow[]): Sample {
  const { clock } = box.machine;
  return { at: clock.now, spent: clock.spent.slice(), used: new Map(rows.map(({ pid, cpuTime }) => [pid, cpuTime])) };
}

const mebi = (kb: number): string => (Math.floor((kb / 1024) * 10) / 10).toFixed(1).padStart(8);

function summary(box: LinuxBox, rows: readonly ProcessRow[], before: Sample, now: Sample): string {
  const meminfo = keyedNumbers(box.read('/proc/meminfo'));
  const kb = (key: string) => numberOf(meminfo, key);
  const by = (cause: number) => (now.spent[cause] as number) - (before.spent[cause] as number);
  const all = now.spent.reduce((sum, _, cause) => sum + by(cause), 0);
  const percent = (part: number) => (all > 0 ? (part * 100) / all : 0).toFixed(1).padStart(5);
  const user = by(CAUSE_INSTRUCTIONS) + by(CAUSE_TLB) + by(CAUSE_WALK);
  const [idle, wait] = [by(CAUSE_IDLE), by(CAUSE_DISK)];
  const count = (state: string) => String(rows.filter((row) => row.state === state).length).padStart(3);
  const cache = kb('Buffers') + kb('Cached') + kb('SReclaimable');
  const swapUsed = kb('SwapTotal') - kb('SwapFree');
  const used = kb('MemTotal') - kb('MemAvailable');
  return [
    `top - ${upText(box)}`,
    `Tasks: ${String(rows.length).padStart(3)} total, ${count('R')} running, ${count('S')} sleeping,   0 stopped, ${count('Z')} zombie`,
    `%Cpu(s):${percent(user)} us,${percent(all - user - idle - wait)} sy,  0.0 ni,${percent(all > 0 ? idle : 0)} id,${percent(wait)} wa,  0.0 hi,  0.0 si,  0.0 st `,
    `MiB Mem :${mebi(kb('MemTotal'))} total,${mebi(kb('MemFree'))} free,${mebi(used)} used,${mebi(cache)} buff/cache     `,
    `MiB Swap:${mebi(kb('SwapTotal'))} total,${mebi(kb('SwapFree'))} free,${mebi(swapUsed)} used.${mebi(kb('MemAvailable'))} avail Mem `,
    '',
    '',
  ].join('\n');
}

/** As top's columns shrink large amounts: kB, then with a suffix once they need more than `width` characters. */
function scaled(kb: number, width: number): string {
  if (String(kb).length <= width) return String(kb);
  const units = ['m', 'g', 't', 'p'];
  let amount = kb;
  for (const unit of units) {
    amount /= 1024;
    for (const digits of [3, 2, 1, 0]) {
      const text = `${amount.toFixed(digits)}${unit}`;
      if (text.length <= width) return text;
    }
  }
  return '?'.repeat(width);
}

function timePlus(nanoseconds: number): string {
  const hundredths = Math.floor(nanoseconds / 1e7);
  const seconds = String(Math.floor(hundredths / 100) % 60).padStart(2, '0');
  return `${Math.floor(hundredths / 6000)}:${seconds}.${String(hundredths % 100).padStart(2, '0')}`;
}

/** Fields that -o sorts by, the largest first, as top does without a sign. */
const SORT_KEYS: Readonly<Record<string, (row: ProcessRow, cpu: number) => number>> = {
  '%MEM': ({ resident }) => resident,
  RES: ({ resident }) => resident,
  VIRT: ({ virtual }) => virtual,
  SHR: ({ shared }) => shared,
  SWAP: ({ swapped }) => swapped,
  '%CPU': (_, cpu) => cpu,
  'TIME+': ({ cpuTime }) => cpuTime,
  PID: ({ pid }) => pid,
};

function table(box: LinuxBox, rows: readonly ProcessRow[], before: Sample, now: Sample, sort: string): string {
  const total = box.machine.kernel.allocator.managed * 4;
  const elapsed = now.at - before.at;
  const cpuOf = ({ pid, cpuTime }: ProcessRow) =>
    elapsed > 0 ? ((cpuTime - (before.used.get(pid) ?? 0)) * 100) / elapsed : 0;
  const name = sort.replace(/^[+-]/, '').toUpperCase();
  const key = SORT_KEYS[name];
  if (key === undefined) throw new UsageError(`top: unrecognized field name '${sort}'\n`);
  const sign = sort.startsWith('-') ? -1 : 1;
  const ordered = rows
    .map((row) => ({ row, cpu: cpuOf(row) }))
    .sort((a, b) => sign * (key(b.row, b.cpu) - key(a.row, a.cpu)) || a.row.pid - b.row.pid);
  const lines = ordered.map(({ row, cpu }) => {
    const memory = ((row.resident * 100) / total).toFixed(1);
    const command = row.command.length > COMMAND_WIDTH ? `${row.command.slice(0, COMMAND_WIDTH - 1)}+` : row.command;
    const cells = [
      String(row.pid).padStart(7),
      'root    ',
      ' 20',
      '  0',
      scaled(row.virtual, 7).padStart(7),
      scaled(row.resident, 6).padStart(6),
      scaled(row.shared, 6).padStart(6),
      row.state,
      cpu.toFixed(1).padStart(5),
      memory.padStart(5),
      timePlus(row.cpuTime).padStart(9),
      command,
    ];
    return `${cells.join(' ')}\n`;
  });
  return `    PID USER      PR  NI    VIRT    RES    SHR S  %CPU  %MEM     TIME+ COMMAND\n${lines.join('')}`;
}

export const top: LinuxCommand = {
  name: 'top',
  path: '/usr/bin/top',
  *run({ box, args }) {
    const { given } = getopt('top', args, OPTIONS);
    const iterations = Number(given.get('iterations') ?? Number.POSITIVE_INFINITY);
    const delay = Number(given.get('delay') ?? DEFAULT_DELAY);
    if (!(iterations >= 1)) throw new UsageError(`top: bad iterations argument '${given.get('iterations')}'\n`);
    if (!(delay >= 0)) throw new UsageError(`top: bad delay interval '${given.get('delay')}'\n`);
    const pids = given.get('pids')?.split(',').map(Number);
    let before: Sample = { at: 0, spent: new Float64Array(box.machine.clock.spent.length), used: new Map() };
    for (let i = 0; i < iterations; i++) {
      if (i > 0) yield { sleep: delay * 1e9 };
      const rows = processRows(box).filter(({ pid }) => pids === undefined || pids.includes(pid));
      const now = sampleOf(box, rows);
      const text = summary(box, rows, before, now) + table(box, rows, before, now, given.get('sort') ?? '%CPU');
      yield { out: (i > 0 ? '\n' : '') + text };
      before = now;
    }
    return 0;
  },
};
