/** Rows of a task table for tests. */
import type { TaskRow } from '../report.ts';

/** A task that holds `rss` pages and is nothing special. */
export const task = (pid: number, rss: number, more: Partial<TaskRow> = {}): TaskRow => ({
  pid,
  tgid: pid,
  uid: 1000,
  name: `task${pid}`,
  totalVm: rss * 2,
  rss,
  tables: 0,
  swap: 0,
  oomScoreAdj: 0,
  ...more,
});

/** A table with the columns of a kernel's header line. */
export const table = (rows: readonly TaskRow[], columns: string) => ({
  rows,
  columns: columns.split(' '),
  headerSeen: true,
  damaged: 0,
});
