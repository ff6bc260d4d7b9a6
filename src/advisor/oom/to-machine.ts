/** An OOM report as a machine: its state can be inspected, and the kernel's own killer run on it. */
import {
  machineFromOomReport,
  type RebuiltMachine,
  type ReportedGroup,
  type ReportedState,
  type ReportedTask,
} from '../../machine/from-oom-report.ts';
import type { OomReport, TaskRow } from './report.ts';
import { isMemcg } from './scope.ts';
import { totalPagesOf } from './total-pages.ts';

/** RAM of a host whose cgroup's report does not tell it, as a multiple of what must fit into it. */
const ROOM = 2;
const LEAST_PAGES = 1 << 14;

/**
 * @param totalPages what the scores refer to, where it is better known than from the report alone
 * @throws RangeError when the report does not tell how much memory there was, or its parts contradict each other
 */
export function machineOfReport(report: OomReport, totalPages?: number): RebuiltMachine {
  const rebuilt = machineFromOomReport(stateOf(report, totalPages ?? totalPagesOf(report)?.pages));
  return { ...rebuilt, unknown: [...unknownOf(report), ...rebuilt.unknown] };
}

/** What the report says, in its own pages, whatever their size. */
function stateOf(report: OomReport, total: number | undefined): ReportedState {
  const kb = report.pageSize / 1024;
  const tasks = tasksOf(report);
  const pages = (name: string): number => report.host?.counters.get(name) ?? 0;
  const { host } = report;
  const minKb = host?.zones.reduce((sum, zone) => sum + (zone.kb.get('min') ?? 0), 0);
  const swapped = tasks.reduce((sum, { swap }) => sum + swap, 0);
  const base = {
    freePages: host?.counters.get('free'),
    minPages: minKb === undefined ? undefined : minKb / kb,
    cachePages: pages('active_file') + pages('inactive_file'),
    tasks,
  };
  const group = isMemcg(report) ? groupOf(report, kb) : undefined;
  if (group !== undefined) {
    const held = tasks.reduce((sum, { anon, file, shmem, tables }) => sum + anon + file + shmem + tables, 0);
    const ramPages = Math.max(LEAST_PAGES, Math.ceil(ROOM * Math.max(held, group.limitPages, swapped)));
    return { ...base, ramPages, swapPages: Math.max(swapped, (total ?? 0) - group.limitPages), group };
  }
  if (host?.ramPages === undefined) throw new RangeError('the report does not tell how much memory there was');
  const swapPages = Math.max(swapped, (host.totalSwapKb ?? 0) / kb);
  return { ...base, ramPages: host.ramPages - (host.reservedPages ?? 0), swapPages, group: undefined };
}

function groupOf({ cgroup }: OomReport, kb: number): ReportedGroup {
  const memory = cgroup?.memory;
  if (memory === undefined || !Number.isFinite(memory.limitKb))
    throw new RangeError("the report does not tell the cgroup's limit");
  const version = cgroup?.memsw === undefined ? 2 : 1;
  const second = version === 1 ? cgroup?.memsw : cgroup?.swap;
  return {
    path: cgroup?.path ?? '/unknown',
    version,
    usagePages: Math.floor(memory.usageKb / kb),
    limitPages: Math.floor(memory.limitKb / kb),
    secondLimitPages: Math.floor((second?.limitKb ?? Number.POSITIVE_INFINITY) / kb),
  };
}

/** The rows, resident pages told apart where the table does not. */
function tasksOf(report: OomReport): ReportedTask[] {
  const { rows } = report.tasks;
  const resident = rows.reduce((sum, { rss }) => sum + rss, 0);
  const most = rows.reduce((all, { rss }) => Math.max(all, rss), 0);
  // Where processes hold more than there is, they share: so much of each is of one file that everything fits.
  const there = anonymousPages(report, resident);
  const share = there >= resident ? 1 : Math.max(0, (there - most) / Math.max(1, resident - most));
  return rows.map((row) => ({ ...row, ...kindsOf(row, share) }));
}

function kindsOf({ rss, kinds }: TaskRow, share: number): Pick<ReportedTask, 'anon' | 'file' | 'shmem'> {
  if (kinds !== undefined) return kinds;
  const anon = Math.floor(rss * share);
  return { anon, file: rss - anon, shmem: 0 };
}

/** Anonymous pages of everybody, as the counters tell them. */
function anonymousPages({ host, cgroup, pageSize }: OomReport, resident: number): number {
  const counters = host?.counters;
  if (counters?.has('active_anon'))
    return (counters.get('active_anon') ?? 0) + (counters.get('inactive_anon') ?? 0) - (counters.get('shmem') ?? 0);
  const bytes = cgroup?.stat.get('anon') ?? cgroup?.stat.get('rss');
  return bytes === undefined ? resident : bytes / pageSize;
}

function unknownOf(report: OomReport): string[] {
  const unknown: string[] = [];
  if (report.tasks.rows.some(({ kinds }) => kinds === undefined))
    unknown.push(
      'how much of a process is anonymous: the table has one column, and all get the same share of the whole',
    );
  if (isMemcg(report)) unknown.push("the host around the cgroup: it has room enough, and nobody else's processes");
  if (report.pageSize !== 4096) unknown.push(`pages of ${report.pageSize} bytes: each is one of 4096 here`);
  return unknown;
}
