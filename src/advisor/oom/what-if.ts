/** What would have changed the outcome. Every answer is one that the killer, run again on the changed state, has given. */
import { type KillerState, pointsOf, type Ranked, selectVictim, withChange } from './killer.ts';
import type { OomReport, TaskRow } from './report.ts';
import { isMemcg } from './scope.ts';
import { kbText } from './units.ts';
import { named } from './verdict.ts';

export interface WhatIf {
  readonly change: 'oom_score_adj' | 'memory' | 'limit' | 'group';
  readonly text: string;
  /** Whose setting or memory is changed. */
  readonly pid?: number;
  readonly oomScoreAdj?: number;
  readonly lessKb?: number;
  readonly limitKb?: number;
  /** Who dies then; null: nobody, the request is granted. */
  readonly victim: { readonly pid: number; readonly name: string } | null;
  /** The killer, or the check of the limit, was run on the changed state and gave this. */
  readonly verified: boolean;
}

const ADJ_MIN = -1000;
const ADJ_MAX = 1000;

/** @param ranking of this state, the first victim first */
export function whatIf(report: OomReport, state: KillerState, ranking: readonly Ranked[]): WhatIf[] {
  const answers: (WhatIf | undefined)[] = [];
  const victim = ranking[0]?.task;
  if (victim !== undefined) {
    answers.push(spareByAdj(state, victim), smallerVictim(report, state, victim));
    for (const { task } of others(ranking, victim)) answers.push(sacrificeByAdj(state, task));
  }
  answers.push(higherLimit(report), withoutGroup(report, state));
  return answers.filter((answer) => answer !== undefined);
}

/** The runner-up, and the biggest of the others where it is another one. */
function others(ranking: readonly Ranked[], victim: TaskRow): Ranked[] {
  const rest = ranking.filter(({ task }) => task !== victim);
  const [second] = rest;
  const [biggest] = [...rest].sort((a, b) => b.task.rss + b.task.swap - (a.task.rss + a.task.swap));
  if (second === undefined || biggest === undefined) return [];
  return biggest === second ? [second] : [second, biggest];
}

/** The highest oom_score_adj at which the victim would have been spared. */
function spareByAdj(state: KillerState, victim: TaskRow): WhatIf | undefined {
  const spared = (adj: number): boolean =>
    selectVictim(withChange(state, victim.pid, { oomScoreAdj: adj }))?.pid !== victim.pid;
  const adj = highest(ADJ_MIN, victim.oomScoreAdj - 1, spared);
  if (adj === undefined) return undefined;
  const next = selectVictim(withChange(state, victim.pid, { oomScoreAdj: adj }));
  const change = `oom_score_adj=${adj} instead of ${victim.oomScoreAdj}`;
  return {
    change: 'oom_score_adj',
    text:
      next === undefined
        ? `${named(victim)} with ${change}: nobody could have been killed`
        : `${named(victim)} with ${change} or less would have lived, and ${named(next)} died`,
    pid: victim.pid,
    oomScoreAdj: adj,
    victim: next === undefined ? null : { pid: next.pid, name: next.name },
    verified: spared(adj),
  };
}

/** The lowest oom_score_adj at which another process would have been the victim. */
function sacrificeByAdj(state: KillerState, task: TaskRow): WhatIf | undefined {
  const dies = (adj: number): boolean =>
    selectVictim(withChange(state, task.pid, { oomScoreAdj: adj }))?.pid === task.pid;
  const low = highest(task.oomScoreAdj + 1, ADJ_MAX, (adj) => !dies(adj)) ?? task.oomScoreAdj;
  const adj = low + 1;
  if (adj > ADJ_MAX || !dies(adj)) return undefined;
  return {
    change: 'oom_score_adj',
    text: `${named(task)} with oom_score_adj=${adj} instead of ${task.oomScoreAdj} or more would have died instead`,
    pid: task.pid,
    oomScoreAdj: adj,
    victim: { pid: task.pid, name: task.name },
    verified: true,
  };
}

/** How much less memory the victim must have held for somebody else to be first. */
function smallerVictim(report: OomReport, state: KillerState, victim: TaskRow): WhatIf | undefined {
  const smaller = (pages: number): KillerState => {
    const rss = Math.max(0, victim.rss - pages);
    return withChange(state, victim.pid, { rss, swap: victim.swap - Math.max(0, pages - victim.rss) });
  };
  const most = victim.rss + victim.swap;
  const dies = (pages: number): boolean => selectVictim(smaller(pages))?.pid === victim.pid;
  const least = (highest(0, most, dies) ?? -1) + 1;
  if (least > most) return undefined;
  const next = selectVictim(smaller(least));
  const lessKb = least * (report.pageSize / 1024);
  const holds = kbText(most * (report.pageSize / 1024));
  return {
    change: 'memory',
    text: `${named(victim)} with ${kbText(lessKb)} less of its ${holds} would not have been first${next === undefined ? '' : `: ${named(next)} would`}`,
    pid: victim.pid,
    lessKb,
    victim: next === undefined ? null : { pid: next.pid, name: next.name },
    verified: pointsOf(state, victim) > Number.NEGATIVE_INFINITY && !dies(least),
  };
}

/** Who would have died alone, had the group not been one (memory.oom.group). */
function withoutGroup(report: OomReport, state: KillerState): WhatIf | undefined {
  const victim = selectVictim(state);
  if (report.oomGroup === undefined || victim === undefined) return undefined;
  return {
    change: 'group',
    text: `with memory.oom.group=0 in ${report.oomGroup}, ${named(victim)} alone would have died instead of ${report.kills.length} processes`,
    pid: victim.pid,
    victim: { pid: victim.pid, name: victim.name },
    verified: true,
  };
}

/** The least limit under which this request would have been granted (page_counter_try_charge). */
function higherLimit(report: OomReport): WhatIf | undefined {
  const memory = report.cgroup?.memory;
  if (!isMemcg(report) || memory === undefined || !Number.isFinite(memory.limitKb)) return undefined;
  const askedKb = 2 ** Math.max(0, report.invoker?.order ?? 0) * (report.pageSize / 1024);
  const limitKb = memory.usageKb + askedKb;
  const granted = memory.usageKb + askedKb <= limitKb;
  const { memsw } = report.cgroup ?? {};
  const together =
    memsw !== undefined && memsw.usageKb + askedKb > memsw.limitKb
      ? `, with as much more for memory and swap together (${kbText(memsw.usageKb + askedKb)})`
      : '';
  const path = report.cgroup?.path ?? 'the cgroup';
  return {
    change: 'limit',
    text:
      `a limit of ${kbText(limitKb)} for ${path} instead of ${kbText(memory.limitKb)}${together}, or ${kbText(limitKb - memory.limitKb)} less in use, ` +
      'would have granted this one request; what the group would have wanted next is not in a report',
    limitKb,
    victim: null,
    verified: granted,
  };
}

/** The highest number from low to high that has a property which holds up to some number and not above; by halving. */
function highest(low: number, high: number, holds: (n: number) => boolean): number | undefined {
  if (low > high || !holds(low)) return undefined;
  let known = low;
  let unknown = high;
  while (known < unknown) {
    const middle = Math.ceil((known + unknown) / 2);
    if (holds(middle)) known = middle;
    else unknown = middle - 1;
  }
  return known;
}
