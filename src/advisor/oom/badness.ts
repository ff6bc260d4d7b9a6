/**
 * How kernels have scored processes (oom_badness in mm/oom_kill.c), from the rule that el6 has to the present one. All of
 * them count resident pages, swap and page tables; they differ in the root bonus, in rounding and in who wins a tie.
 */

import { PAGE_SIZE } from '../../hardware/units.ts';
import { OOM_SCORE_ADJ_MIN, oomBadness } from '../../kernel/proc/oom-score.ts';
import type { TaskRow, TaskTable } from './report.ts';

export interface BadnessRule {
  readonly kernels: string;
  /** The rule in words. */
  readonly text: string;
  /** @returns pages, or thousandths of the total before 3.5; -Infinity for a process that may not be killed */
  points(task: TaskRow, totalPages: number, rootBonus: boolean): number;
  /** Whether points are thousandths of the total, not pages. */
  readonly inThousandths: boolean;
  /** Of equals, the one that stands last in the table dies; else the first. */
  readonly lastOfEquals: boolean;
  /** Whether processes of root are spared a little, so that it matters who has CAP_SYS_ADMIN. */
  readonly sparesRoot: boolean;
}

const NEVER = Number.NEGATIVE_INFINITY;
/** Part of the score that root is spared, in thousandths of the total or hundredths of the usage. */
const ROOT_THOUSANDTHS = 30;
const ROOT_PERCENT = 3;

const pagesOf = (task: TaskRow): number => task.rss + task.swap + task.tables;
const exempt = (task: TaskRow): boolean => task.pid === 1 || task.oomScoreAdj === OOM_SCORE_ADJ_MIN;
const isRoot = (task: TaskRow, rootBonus: boolean): boolean => rootBonus && task.uid === 0;

const NORMALISED: BadnessRule = {
  kernels: '2.6.36 to 3.4',
  text: 'thousandths of RAM and swap that a process holds, 30 less for root, plus oom_score_adj, between 1 and 1000',
  points(task, totalPages, rootBonus) {
    if (exempt(task)) return NEVER;
    // Without a total the pages themselves are the best order that there is.
    if (totalPages === 0) return Math.max(1, pagesOf(task));
    const share = Math.floor((pagesOf(task) * 1000) / totalPages);
    const points = share - (isRoot(task, rootBonus) ? ROOT_THOUSANDTHS : 0) + task.oomScoreAdj;
    return Math.min(1000, Math.max(1, points));
  },
  inThousandths: true,
  lastOfEquals: false,
  sparesRoot: true,
};

const ROOT_BY_ADJ: BadnessRule = {
  kernels: '3.5 to 3.13',
  text: 'pages held, plus (oom_score_adj, 30 less for root) thousandths of RAM and swap, at least 1',
  points(task, totalPages, rootBonus) {
    if (exempt(task)) return NEVER;
    const adj = task.oomScoreAdj - (isRoot(task, rootBonus) ? ROOT_THOUSANDTHS : 0);
    return Math.max(1, pagesOf(task) + adj * Math.floor(totalPages / 1000));
  },
  inThousandths: false,
  lastOfEquals: false,
  sparesRoot: true,
};

const ROOT_BY_USAGE: BadnessRule = {
  kernels: '3.14 to 4.16',
  text: 'pages held, 3 % less for root, plus oom_score_adj thousandths of RAM and swap, at least 1',
  points(task, totalPages, rootBonus) {
    if (exempt(task)) return NEVER;
    const pages = pagesOf(task);
    const spared = isRoot(task, rootBonus) ? Math.floor((pages * ROOT_PERCENT) / 100) : 0;
    return Math.max(1, pages - spared + task.oomScoreAdj * Math.floor(totalPages / 1000));
  },
  inThousandths: false,
  lastOfEquals: false,
  sparesRoot: true,
};

const CLAMPED: BadnessRule = {
  kernels: '4.17 to 5.8',
  text: 'pages held, plus oom_score_adj thousandths of RAM and swap, at least 1',
  points(task, totalPages) {
    if (exempt(task)) return NEVER;
    return Math.max(1, pagesOf(task) + task.oomScoreAdj * Math.floor(totalPages / 1000));
  },
  inThousandths: false,
  lastOfEquals: false,
  sparesRoot: false,
};

const PRESENT: BadnessRule = {
  kernels: '5.9 and later',
  text: 'pages held (resident, swap, page tables), plus oom_score_adj thousandths of RAM and swap',
  points(task, totalPages) {
    const { pid, oomScoreAdj } = task;
    const mm = { rssRead: Int32Array.of(task.rss, 0, task.swap, 0), pgtablesBytes: task.tables * PAGE_SIZE };
    return oomBadness({ pid, mm, oomScoreAdj }, totalPages);
  },
  inThousandths: false,
  lastOfEquals: true,
  sparesRoot: false,
};

/** First kernel of each rule, newest first. */
const HISTORY: readonly (readonly [number, number, BadnessRule])[] = [
  [5, 9, PRESENT],
  [4, 17, CLAMPED],
  [3, 14, ROOT_BY_USAGE],
  [3, 5, ROOT_BY_ADJ],
  [0, 0, NORMALISED],
];

/**
 * The rule of a report's kernel. Its version tells, unless the table has el6's columns; where the version is missing, the
 * columns tell the oldest kernel that prints them.
 */
export function ruleOf(kernel: string | undefined, table: TaskTable): BadnessRule {
  if (table.columns.includes('oom_adj')) return NORMALISED;
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(kernel ?? '') ?? [];
  if (major === undefined) return ruleByColumns(table.columns);
  const at = Number(major) * 1000 + Number(minor);
  return HISTORY.find(([since, sinceMinor]) => at >= since * 1000 + sinceMinor)?.[2] ?? PRESENT;
}

function ruleByColumns(columns: readonly string[]): BadnessRule {
  return columns.includes('nr_ptes') ? ROOT_BY_USAGE : PRESENT;
}
