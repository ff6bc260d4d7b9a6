import type { Rlimits } from '../../process/process.ts';

/** A limit's name, its number (RLIMIT_*), and its unit (lnames in fs/proc/base.c). */
const LIMITS: readonly [name: string, resource: number, unit: string][] = [
  ['Max cpu time', 0, 'seconds'],
  ['Max file size', 1, 'bytes'],
  ['Max data size', 2, 'bytes'],
  ['Max stack size', 3, 'bytes'],
  ['Max core file size', 4, 'bytes'],
  ['Max resident set', 5, 'bytes'],
  ['Max processes', 6, 'processes'],
  ['Max open files', 7, 'files'],
  ['Max locked memory', 8, 'bytes'],
  ['Max address space', 9, 'bytes'],
  ['Max file locks', 10, 'locks'],
  ['Max pending signals', 11, 'signals'],
  ['Max msgqueue size', 12, 'bytes'],
  ['Max nice priority', 13, ''],
  ['Max realtime priority', 14, ''],
  ['Max realtime timeout', 15, 'us'],
];

const shown = (limit: number): string => (Number.isFinite(limit) ? String(limit) : 'unlimited').padEnd(20);
const row = (name: string, soft: string, hard: string, unit: string): string =>
  `${name.padEnd(25)} ${soft} ${hard} ${unit === '' ? '' : unit.padEnd(10)}\n`;

/** /proc/PID/limits (proc_pid_limits). */
export function limitsText({ soft, hard }: Rlimits): string {
  const header = row('Limit', 'Soft Limit'.padEnd(20), 'Hard Limit'.padEnd(20), 'Units');
  const rows = LIMITS.map(([name, resource, unit]) =>
    row(name, shown(soft[resource] as number), shown(hard[resource] as number), unit),
  );
  return header + rows.join('');
}
