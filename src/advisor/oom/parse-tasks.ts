/**
 * The task table, read by its header: its columns have changed in 4.0, 4.15 and 6.8, were back-ported, and vendors add
 * their own, so the kernel's version tells nothing about them (dump_task in mm/oom_kill.c).
 */
import type { LogLine } from './line-kinds.ts';
import type { TaskRow, TaskTable } from './report.ts';

const ROW = /\[\s*(\d+)\]\s+(\d+\s+\d+\s.*)$/;
/** Columns that are not numbers but the end of the row, blanks included. */
const NAME = 'name';

/** Columns by the count of numbers after the pid, for a table whose header was grepped away. */
const ASSUMED: ReadonlyMap<number, string> = new Map([
  [6, 'uid tgid total_vm rss nr_ptes oom_score_adj name'],
  [7, 'uid tgid total_vm rss pgtables swapents oom_score_adj name'],
  [8, 'uid tgid total_vm rss nr_ptes nr_pmds swapents oom_score_adj name'],
  [10, 'uid tgid total_vm rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name'],
]);

/** @param pageSize bytes, for the column of page tables that is in bytes */
export function parseTasks(header: LogLine | undefined, lines: readonly LogLine[], pageSize: number): TaskTable {
  const columns = columnsOf(header) ?? assumedColumns(lines);
  const rows: TaskRow[] = [];
  let damaged = 0;
  for (const line of lines) {
    const row = parseRow(line.text, columns, pageSize) ?? parseRow(line.tight, columns, pageSize);
    if (row === undefined) damaged++;
    else rows.push(row);
  }
  return { rows, columns, headerSeen: header !== undefined, damaged };
}

/** The names after `[ pid ]`. */
function columnsOf(header: LogLine | undefined): readonly string[] | undefined {
  const names = header === undefined ? undefined : /\bpid\s*\]\s*(.*)$/.exec(header.text)?.[1]?.trim().split(/\s+/);
  if (names === undefined) return undefined;
  // A header that was cut short still names its first columns; the rest follow from how many numbers a row has.
  return names.includes(NAME) ? names.slice(0, names.indexOf(NAME) + 1) : undefined;
}

/** The columns that most rows would have by their count of numbers. */
function assumedColumns(lines: readonly LogLine[]): readonly string[] {
  const counts = new Map<number, number>();
  for (const { text } of lines) {
    const rest = ROW.exec(text)?.[2] ?? '';
    const numbers = /^(?:-?\d+\s+)*/.exec(rest)?.[0].trim().split(/\s+/).length ?? 0;
    counts.set(numbers, (counts.get(numbers) ?? 0) + 1);
  }
  const [usual = 7] = [...counts].sort(([, a], [, b]) => b - a)[0] ?? [];
  return (ASSUMED.get(usual) ?? (ASSUMED.get(7) as string)).split(' ');
}

function parseRow(text: string, columns: readonly string[], pageSize: number): TaskRow | undefined {
  const match = ROW.exec(text);
  if (match === null) return undefined;
  const values = new Map<string, number>();
  let rest = (match[2] as string).trimStart();
  for (const column of columns) {
    if (column === NAME) break;
    const number = /^(-?\d+)(?:\s+|$)/.exec(rest);
    if (number === null) return undefined;
    values.set(column, Number(number[1]));
    rest = rest.slice(number[0].length);
  }
  const value = (column: string): number => values.get(column) ?? 0;
  const pid = Number(match[1]);
  return {
    pid,
    tgid: values.get('tgid') ?? pid,
    uid: value('uid'),
    name: rest.trim(),
    totalVm: value('total_vm'),
    rss: value('rss'),
    kinds: values.has('rss_anon')
      ? { anon: value('rss_anon'), file: value('rss_file'), shmem: value('rss_shmem') }
      : undefined,
    tables: tablePages(values, pageSize),
    swap: value('swapents'),
    oomScoreAdj: value('oom_score_adj'),
  };
}

/** Pages of page tables, from whichever columns there are. */
function tablePages(values: ReadonlyMap<string, number>, pageSize: number): number {
  const bytes = values.get('pgtables_bytes');
  if (bytes !== undefined) return Math.floor(bytes / pageSize);
  const unknown = values.get('pgtables');
  // No process has as many page tables as a page has bytes, and no count in bytes is smaller than a page.
  if (unknown !== undefined) return unknown >= pageSize ? Math.floor(unknown / pageSize) : unknown;
  return (values.get('nr_ptes') ?? 0) + (values.get('nr_pmds') ?? 0) + (values.get('nr_puds') ?? 0);
}
