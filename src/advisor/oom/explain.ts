/** One OOM event explained: the answers of all the other files, in the shape that `--json` prints. */
import { ruleOf } from './badness.ts';
import type { KillerState } from './killer.ts';
import { consumerNote, notesOn, thousandths } from './notes.ts';
import { type RanOut, ranOut } from './ran-out.ts';
import { type Reconciliation, reconcile } from './reconcile.ts';
import type { Kill, OomReport } from './report.ts';
import { constraintOf, inContainer, isMemcg } from './scope.ts';
import { fittingTotal, type TotalPages, totalPagesOf } from './total-pages.ts';
import { judge, nextVictim, type Verdict } from './verdict.ts';
import { type WhatIf, whatIf } from './what-if.ts';

interface Named {
  readonly pid: number;
  readonly name: string;
}

export interface RankingEntry extends Named {
  readonly tgid: number;
  readonly uid: number;
  readonly points: number;
  /** Thousandths of the total, as older kernels print it; null where the total is not known. */
  readonly score: number | null;
  readonly rssPages: number;
  readonly swapPages: number;
  readonly tablePages: number;
  readonly oomScoreAdj: number;
}

export interface Explanation {
  readonly kernel: string | null;
  readonly time: number | null;
  readonly constraint: string | null;
  readonly constraintKnownBy: string;
  readonly ranOut: RanOut;
  readonly invoker: string | null;
  readonly request: {
    readonly pid: number | null;
    readonly gfpMask: string | null;
    readonly gfpFlags: string | null;
    readonly order: number | null;
  };
  readonly cgroup: { readonly limit: string | null; readonly victim: string | null } | null;
  /** Whom the kernel's rule chose, by its own lines. */
  readonly chosen: Named | null;
  readonly killed: readonly (Kill & { readonly why: 'chosen' | 'group' | 'child of the chosen' })[];
  readonly rule: {
    readonly kernels: string;
    readonly text: string;
    readonly pageSize: number;
    readonly total: TotalPages | null;
  };
  readonly ranking: readonly RankingEntry[];
  /** Never chosen: pid 1 and oom_score_adj -1000. */
  readonly exempt: readonly Named[];
  readonly predicted: Named | null;
  readonly margin: { readonly points: number; readonly percent: number; readonly runnerUp: Named } | null;
  readonly agrees: boolean | null;
  readonly reasons: readonly string[];
  readonly memory: Reconciliation | null;
  readonly whatIf: readonly WhatIf[];
  readonly next: Named | null;
  /** Parts of a full report that are not there. */
  readonly missing: readonly string[];
  readonly notes: readonly string[];
}

/** @param before processes that earlier reports of the same log had killed */
export function explain(report: OomReport, before: ReadonlySet<number> = new Set()): Explanation {
  const rule = ruleOf(report.kernel, report.tasks);
  const tasks = report.tasks.rows;
  const printed = totalPagesOf(report);
  const assumed: KillerState = { tasks, rule, totalPages: printed?.pages ?? 0, rootBonus: !inContainer(report) };
  const total = fittingTotal(report, assumed, printed);
  const state = { ...assumed, totalPages: total?.pages ?? 0 };
  const verdict = judge(report, state, before);
  const { name, knownBy } = constraintOf(report);
  const { invoker } = report;
  const score = (points: number): number | null => thousandths(points, rule, total) ?? null;
  const memory = reconcile(report);
  const ranked = new Set(verdict.ranking.map(({ task }) => task));
  return {
    kernel: report.kernel ?? null,
    time: report.time ?? null,
    constraint: name ?? null,
    constraintKnownBy: knownBy,
    ranOut: ranOut(report),
    invoker: invoker?.name ?? null,
    request: {
      pid: invoker?.pid ?? null,
      gfpMask: invoker?.gfpMask ?? null,
      gfpFlags: invoker?.gfpFlags ?? null,
      order: invoker?.order ?? null,
    },
    cgroup: isMemcg(report)
      ? { limit: report.cgroup?.path ?? null, victim: report.constraint?.taskMemcg ?? null }
      : null,
    chosen: report.chosen === undefined ? null : named(report.chosen),
    killed: report.kills.map((kill) => ({ ...kill, why: whyKilled(report, kill) })),
    rule: { kernels: rule.kernels, text: rule.text, pageSize: report.pageSize, total: total ?? null },
    ranking: verdict.ranking.map(({ task, points }) => ({
      ...named(task),
      tgid: task.tgid,
      uid: task.uid,
      points,
      score: score(points),
      rssPages: task.rss,
      swapPages: task.swap,
      tablePages: task.tables,
      oomScoreAdj: task.oomScoreAdj,
    })),
    exempt: tasks.filter((task) => !ranked.has(task)).map(named),
    predicted: verdict.predicted === undefined ? null : named(verdict.predicted),
    margin: marginOf(verdict),
    agrees: verdict.agrees,
    reasons: verdict.reasons,
    memory: memory ?? null,
    whatIf: whatIf(report, state, verdict.ranking),
    next: nullable(nextVictim(report, state)),
    missing: missingParts(report),
    notes: [...notesOn(report, verdict, rule, total), ...consumerNote(report, memory)],
  };
}

const named = ({ pid, name }: Named): Named => ({ pid, name });
const nullable = (task: Named | undefined): Named | null => (task === undefined ? null : named(task));

function whyKilled(report: OomReport, { pid }: Kill): 'chosen' | 'group' | 'child of the chosen' {
  if (report.chosen === undefined || report.chosen.pid === pid) return 'chosen';
  if (report.oomGroup !== undefined) return 'group';
  // Until 5.0 a child of the chosen process died in its place when it had memory of its own.
  return report.kills.length === 1 && report.chosen.score !== undefined ? 'child of the chosen' : 'chosen';
}

function marginOf({ ranking, margin, runnerUp }: Verdict): Explanation['margin'] {
  const first = ranking[0];
  if (margin === undefined || runnerUp === undefined || first === undefined) return null;
  const percent = first.points === 0 ? 0 : (100 * margin) / Math.abs(first.points);
  return { points: margin, percent: Math.round(percent * 10) / 10, runnerUp: named(runnerUp) };
}

function missingParts(report: OomReport): string[] {
  const missing: string[] = [];
  if (report.invoker === undefined) missing.push('the first line (invoked oom-killer): who asked, and for what');
  if (report.kernel === undefined) missing.push("the line with the kernel's version");
  if (report.host === undefined && report.cgroup?.memory === undefined)
    missing.push('the memory counters (Mem-Info, or usage and limit of the cgroup)');
  if (report.tasks.rows.length === 0) missing.push('the task table (cut, rate limited, or vm.oom_dump_tasks=0)');
  else if (!report.tasks.headerSeen)
    missing.push('the header of the task table; its columns are guessed from their number');
  if (report.tasks.damaged > 0) missing.push(`${report.tasks.damaged} damaged rows of the task table`);
  if (report.kills.length === 0 && !report.noKillable && !report.panic)
    missing.push('the line that says who was killed (Killed process)');
  return missing;
}
