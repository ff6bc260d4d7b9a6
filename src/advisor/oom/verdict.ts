/** Compares the kernel's victim with the rule's, and says which known reasons fit where they differ. */
import { type KillerState, pointsOf, type Ranked, rank, selectVictim, withTasks } from './killer.ts';
import type { OomReport, TaskRow } from './report.ts';
import { isMemcg } from './scope.ts';

export interface Verdict {
  readonly ranking: readonly Ranked[];
  readonly predicted: TaskRow | undefined;
  /** Whether rule and victim agree; null when the report does not tell. */
  readonly agrees: boolean | null;
  /** Points between the first and the second of the ranking. */
  readonly margin: number | undefined;
  readonly runnerUp: TaskRow | undefined;
  readonly reasons: readonly string[];
}

/** Resident pages move by this much between the choice and the table: the batches of per-CPU counters, and time. */
const NOISE_PAGES = 1024;
const NOISE_SHARE = 0.05;

const DYING = 'the candidates were already dying, or their memory was already reaped';

/** @param before processes that earlier reports of the same log had killed */
export function judge(report: OomReport, state: KillerState, before: ReadonlySet<number>): Verdict {
  const ranking = rank(state);
  const predicted = selectVictim(state);
  const [first, second] = ranking;
  const chosen = chosenTask(report, state.tasks);
  const base = {
    ranking,
    predicted,
    margin: first !== undefined && second !== undefined ? first.points - second.points : undefined,
    runnerUp: second?.task,
  };
  if (report.noKillable && state.tasks.length > 0) {
    return { ...base, agrees: predicted === undefined, reasons: predicted === undefined ? [] : [DYING] };
  }
  if (report.chosen === undefined || predicted === undefined || chosen === undefined) {
    return { ...base, agrees: null, reasons: silentReasons(report, state, chosen) };
  }
  const points = pointsOf(state, chosen);
  const tied = first !== undefined && points === first.points;
  if (chosen === predicted || tied) {
    const others = ranking.filter((ranked) => ranked.points === points).length;
    const reasons =
      others > 1 && chosen !== predicted ? [`${others} processes have the same score; any of them fits the rule`] : [];
    return { ...base, agrees: true, reasons };
  }
  return { ...base, agrees: false, reasons: reasonsFor(report, state, { chosen, predicted, before }) };
}

/** The row of the process that the killer chose: a row may be of a thread, and then the process is its tgid. */
export function chosenTask({ chosen }: OomReport, tasks: readonly TaskRow[]): TaskRow | undefined {
  if (chosen === undefined) return undefined;
  return tasks.find(({ pid }) => pid === chosen.pid) ?? tasks.find(({ tgid }) => tgid === chosen.pid);
}

function silentReasons(report: OomReport, state: KillerState, chosen: TaskRow | undefined): string[] {
  if (report.chosen === undefined) return [];
  if (state.tasks.length === 0) return ['the report has no task table, so there is nothing to score'];
  return chosen === undefined ? ['the task table is cut: the victim is not in it'] : [];
}

interface Difference {
  readonly chosen: TaskRow;
  readonly predicted: TaskRow;
  readonly before: ReadonlySet<number>;
}

/** One known reason: what it says when it fits. */
type Reason = (report: OomReport, state: KillerState, difference: Difference) => string | undefined;

const REASONS: readonly Reason[] = [
  ({ allocatingTask, invoker }) =>
    allocatingTask
      ? `vm.oom_kill_allocating_task is set: ${invoker?.name ?? 'whoever asked'} dies, whatever the scores`
      : undefined,
  (_, __, { predicted, before }) =>
    before.has(predicted.pid)
      ? `${named(predicted)} was killed by an earlier report and its memory is already reaped (MMF_OOM_SKIP), so it is passed over`
      : undefined,
  (_, { rule }, { chosen }) =>
    rule.points(chosen, 0, false) === Number.NEGATIVE_INFINITY
      ? `${named(chosen)} may not be killed by its oom_score_adj in the table: it was changed after the choice`
      : undefined,
  (_, { rule }) =>
    rule.kernels.endsWith('3.4')
      ? 'this kernel counts in thousandths of the total: small processes all score 1, and the first of them in the scan dies'
      : undefined,
  ({ tasks }) =>
    tasks.columns.includes('swapents')
      ? undefined
      : 'the table of this kernel has no column for swap, which counts as much as resident memory',
  (_, state, { chosen }) => {
    if (!state.rule.sparesRoot || selectVictim({ ...state, rootBonus: !state.rootBonus }) !== chosen) return undefined;
    return state.rootBonus
      ? 'root of a container has no CAP_SYS_ADMIN and is not spared; counted so, rule and victim agree'
      : 'processes of root are spared 3 %; counted so, rule and victim agree';
  },
  (_, { tasks }, { predicted }) =>
    tasks.some((task) => task !== predicted && sharesMemory(task, predicted))
      ? `${named(predicted)} has exactly the memory of another process: a child between vfork and exec, which is not chosen`
      : undefined,
  ({ constraint }) =>
    constraint?.constraint === 'CONSTRAINT_CPUSET' || constraint?.constraint === 'CONSTRAINT_MEMORY_POLICY'
      ? 'only processes that may use the nodes that ran out are candidates, and the table does not tell which'
      : undefined,
  ({ kills }, _, { chosen }) => {
    const adj = kills.find(({ pid }) => pid === chosen.pid)?.oomScoreAdj;
    return adj !== undefined && adj !== chosen.oomScoreAdj
      ? `oom_score_adj of ${named(chosen)} was ${chosen.oomScoreAdj} in the table and ${adj} at the kill`
      : undefined;
  },
  ({ tasks }) =>
    tasks.damaged > 0 || !tasks.headerSeen
      ? 'the task table is damaged or cut, so the rule has not seen all of it'
      : undefined,
  (_, state, { chosen, predicted }) => {
    const gap = pointsOf(state, predicted) - pointsOf(state, chosen);
    return gap <= Math.max(NOISE_PAGES, NOISE_SHARE * pointsOf(state, predicted))
      ? `only ${gap} points lie between them: the counters of resident pages are batched per CPU, and moved between choice and table`
      : undefined;
  },
  (report, { tasks }) =>
    isMemcg(report) && new Set(tasks.map(({ oomScoreAdj }) => oomScoreAdj)).size > 1
      ? "the host's swap counts in the total that oom_score_adj is a share of, and is not printed in a cgroup's report"
      : undefined,
];

function reasonsFor(report: OomReport, state: KillerState, difference: Difference): string[] {
  const fitting = REASONS.map((reason) => reason(report, state, difference)).filter((text) => text !== undefined);
  if (fitting.length > 0) return fitting;
  const { chosen, predicted } = difference;
  return [
    `no line tells why; known reasons are that ${named(predicted)} was already dying, that an oom_score_adj was changed ` +
      `in between, or that ${named(chosen)} was in swapoff or ksm and goes first`,
  ];
}

const sharesMemory = (a: TaskRow, b: TaskRow): boolean =>
  a.totalVm === b.totalVm && a.rss === b.rss && a.tables === b.tables && a.swap === b.swap && a.tgid !== b.tgid;

export const named = ({ name, pid }: { readonly name: string; readonly pid: number }): string => `${name} (${pid})`;

/** Who would die after the ones that were killed here. */
export function nextVictim(report: OomReport, state: KillerState): TaskRow | undefined {
  const dead = new Set(report.kills.map(({ pid }) => pid));
  if (report.kills.length === 0 && report.chosen !== undefined) dead.add(report.chosen.pid);
  return selectVictim(
    withTasks(
      state,
      state.tasks.filter(({ pid, tgid }) => !dead.has(pid) && !dead.has(tgid)),
    ),
  );
}
