/** ps of procps-ng 4.0.2: the usual listings, and columns of one's own with -o. */
import { oomScoreOf } from '../../kernel/proc/oom-score.ts';
import type { LinuxCommand } from '../command.ts';
import { UsageError } from '../command.ts';
import type { LinuxBox } from '../linux-box.ts';
import { type ProcessRow, processRows } from '../process-list.ts';

const SECOND = 1e9;
/** Process numbers have 7 digits since systemd sets kernel.pid_max to 2^22. */
const PID_WIDTH = 7;
const TERMINAL = 'pts/0';

/** A column: its heading, the least width, on which side the text stands, and what a row shows there. */
interface Column {
  readonly head: string;
  readonly width: number;
  readonly left?: boolean;
  readonly text: (row: ProcessRow, box: LinuxBox) => string;
  /** What --sort compares, when that is not the text. */
  readonly key?: (row: ProcessRow, box: LinuxBox) => number;
}

const number = (head: string, width: number, of: (row: ProcessRow, box: LinuxBox) => number): Column => ({
  head,
  width,
  key: of,
  text: (row, box) => String(of(row, box)),
});

const memoryKb = (box: LinuxBox): number => box.machine.kernel.allocator.managed * 4;
const memoryShare = (row: ProcessRow, box: LinuxBox): number => (row.resident * 100) / memoryKb(box);

/** Of the time since it was started. */
function cpuShare(row: ProcessRow, box: LinuxBox): number {
  const lived = box.machine.clock.now - row.started;
  return lived > 0 ? Math.min(99.9, (row.cpuTime * 100) / lived) : 0;
}

const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');

function hoursMinutesSeconds(nanoseconds: number): string {
  const seconds = nanoseconds / SECOND;
  return `${two(seconds / 3600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}`;
}

/** As `ps aux` has it: minutes and seconds. */
const minutesSeconds = (nanoseconds: number): string =>
  `${Math.floor(nanoseconds / SECOND / 60)}:${two((nanoseconds / SECOND) % 60)}`;

/** The machine's day begins at boot. */
const clockTime = (nanoseconds: number): string =>
  `${two((nanoseconds / SECOND / 3600) % 24)}:${two((nanoseconds / SECOND / 60) % 60)}`;

/** `s` behind the state: a session leader, as the login shell is. */
const stateText = (row: ProcessRow, box: LinuxBox): string =>
  `${row.state}${row.process === box.shell.process ? 's' : ''}${row.state === 'Z' ? '' : '+'}`;

const share = (head: string, of: (row: ProcessRow, box: LinuxBox) => number): Column => ({
  head,
  width: 4,
  key: of,
  text: (row, box) => (Math.floor(of(row, box) * 10) / 10).toFixed(1),
});

const COLUMNS: Readonly<Record<string, Column>> = {
  pid: number('PID', PID_WIDTH, ({ pid }) => pid),
  ppid: number('PPID', PID_WIDTH, ({ ppid }) => ppid),
  uid: number('UID', 5, ({ process }) => process.credentials.uid),
  funame: { head: 'UID', width: 8, left: true, text: () => 'root' },
  user: { head: 'USER', width: 8, left: true, text: () => 'root' },
  rss: number('RSS', 5, ({ resident }) => resident),
  vsz: number('VSZ', 6, ({ virtual }) => virtual),
  sz: number('SZ', 5, ({ virtual }) => virtual / 4),
  maj_flt: number('MAJFL', 6, ({ process }) => process.majFlt),
  min_flt: number('MINFL', 6, ({ process }) => process.minFlt),
  oom: number('OOM', 4, ({ process }, { machine: { kernel } }) =>
    oomScoreOf(process, kernel.allocator.managed + kernel.swap.total),
  ),
  oomadj: number('OOMADJ', 6, ({ process }) => process.oomScoreAdj),
  pmem: share('%MEM', memoryShare),
  pcpu: share('%CPU', cpuShare),
  nlwp: number('NLWP', 4, ({ process }) => process.tasks.length),
  stat: { head: 'STAT', width: 4, left: true, text: stateText },
  tty: { head: 'TTY', width: 8, left: true, text: () => TERMINAL },
  time: { head: 'TIME', width: 8, key: ({ cpuTime }) => cpuTime, text: ({ cpuTime }) => hoursMinutesSeconds(cpuTime) },
  bsdtime: { head: 'TIME', width: 6, text: ({ cpuTime }) => minutesSeconds(cpuTime) },
  bsdstart: { head: 'START', width: 6, left: true, text: ({ started }) => clockTime(started) },
  stime: { head: 'STIME', width: 5, left: true, text: ({ started }) => clockTime(started) },
  c: { head: 'C', width: 2, text: (row, box) => String(Math.floor(cpuShare(row, box))) },
  comm: { head: 'COMMAND', width: 15, left: true, text: ({ command }) => command },
  cmd: { head: 'CMD', width: 27, left: true, text: ({ commandLine }) => commandLine },
  args: { head: 'COMMAND', width: 27, left: true, text: ({ commandLine }) => commandLine },
  ucmd: { head: 'CMD', width: 15, left: true, text: ({ command }) => command },
};

/** Other names of the same columns. */
const ALIASES: Readonly<Record<string, string>> = {
  '%mem': 'pmem',
  '%cpu': 'pcpu',
  rssize: 'rss',
  rsz: 'rss',
  vsize: 'vsz',
  command: 'args',
  ucomm: 'comm',
  majflt: 'maj_flt',
  minflt: 'min_flt',
  tname: 'tty',
  euser: 'user',
  cputime: 'time',
  stat: 'stat',
  s: 'stat',
};

const PLAIN = ['pid', 'tty', 'time', 'ucmd'];
const FULL = ['funame', 'pid', 'ppid', 'c', 'stime', 'tty', 'time', 'cmd'];
const BSD = ['user', 'pid', 'pcpu', 'pmem', 'vsz', 'rss', 'tty', 'stat', 'bsdstart', 'bsdtime', 'args'];

function columnNamed(name: string): Column {
  const column = COLUMNS[ALIASES[name] ?? name];
  if (column === undefined)
    throw new UsageError(`error: unknown user-defined format specifier "${name}"\n\nUsage:\n ps [options]\n`);
  return column;
}

interface Request {
  readonly columns: readonly Column[];
  readonly sort: readonly { readonly column: Column; readonly descending: boolean }[];
  readonly pids: ReadonlySet<number> | undefined;
  readonly headings: boolean;
}

/** ps mixes three styles of options; the ones here are those that people type. */
function parse(args: readonly string[]): Request {
  let names: readonly string[] = PLAIN;
  const custom: Column[] = [];
  let sort: Request['sort'] = [];
  let pids: Set<number> | undefined;
  let headings = true;
  const words = [...args];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const [, sortKeys] = /^--sort=?(.*)$/.exec(word) ?? [];
    if (sortKeys !== undefined) sort = (sortKeys || (words.shift() ?? '')).split(',').map(sortKey);
    else if (word === '--no-headers' || word === '--no-heading') headings = false;
    else if (word === '-p' || word === '--pid' || word === 'p') pids = pidsOf(words.shift() ?? '');
    else if (/^\d+$/.test(word)) pids = pidsOf(word);
    else {
      for (const letter of word.replace(/^-/, '')) {
        if (letter === 'o') {
          custom.push(...headed(words.shift() ?? ''));
          names = [];
        } else if (letter === 'f') names = FULL;
        else if (letter === 'u' && !word.startsWith('-')) names = BSD;
        else if (!'eAaxwH'.includes(letter))
          throw new UsageError(`error: unsupported option (BSD syntax)\n\nUsage:\n ps [options]\n`);
      }
    }
  }
  return { columns: custom.length > 0 ? custom : names.map(columnNamed), sort, pids, headings };
}

/** `pid,rss=MEMORY`: columns, with headings of one's own. */
const headed = (list: string): Column[] =>
  list.split(',').map((item) => {
    const [name = '', head] = item.split('=');
    const column = columnNamed(name.trim());
    return head === undefined ? column : { ...column, head };
  });

const sortKey = (text: string): { column: Column; descending: boolean } => ({
  column: columnNamed(text.replace(/^[+-]/, '')),
  descending: text.startsWith('-'),
});

const pidsOf = (list: string): Set<number> => new Set(list.split(/[ ,]+/).map(Number));

export const ps: LinuxCommand = {
  name: 'ps',
  path: '/usr/bin/ps',
  *run({ box, args }) {
    const { columns, sort, pids, headings } = parse(args);
    const rows = processRows(box).filter(({ pid }) => pids === undefined || pids.has(pid));
    rows.sort((a, b) => {
      for (const { column, descending } of sort) {
        const order =
          column.key === undefined
            ? column.text(a, box).localeCompare(column.text(b, box))
            : column.key(a, box) - column.key(b, box);
        if (order !== 0) return descending ? -order : order;
      }
      return a.pid - b.pid;
    });
    const table = rows.map((row) => columns.map((column) => column.text(row, box)));
    if (headings && columns.some(({ head }) => head !== '')) table.unshift(columns.map(({ head }) => head));
    const line = (cells: readonly string[]) =>
      cells
        .map((cell, i) => {
          const { width, left } = columns[i] as Column;
          if (!left) return cell.padStart(width);
          return i === cells.length - 1 ? cell : cell.padEnd(width);
        })
        .join(' ');
    yield { out: table.map((cells) => `${line(cells)}\n`).join('') };
    return rows.length > 0 ? 0 : 1;
  },
};
