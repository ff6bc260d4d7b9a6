/**
 * The killer run on a report's tasks: who is first, and in which order the others follow. The choice is the simulated kernel's
 * own (kernel/oom/select.ts); the points are those of the report's kernel.
 */
import { mostPoints } from '../../kernel/oom/select.ts';
import type { BadnessRule } from './badness.ts';
import type { TaskRow } from './report.ts';

/** Everything that the choice depends on; a "what if" is another one of these. */
export interface KillerState {
  readonly tasks: readonly TaskRow[];
  readonly rule: BadnessRule;
  /** RAM and swap that oom_score_adj is a share of, in pages. */
  readonly totalPages: number;
  /** Whether processes of uid 0 are taken to have CAP_SYS_ADMIN. */
  readonly rootBonus: boolean;
}

export interface Ranked {
  readonly task: TaskRow;
  readonly points: number;
}

export const pointsOf = (state: KillerState, task: TaskRow): number =>
  state.rule.points(task, state.totalPages, state.rootBonus);

/** The victim, or undefined when nobody may be killed. */
export function selectVictim(state: KillerState): TaskRow | undefined {
  return mostPoints(state.tasks, (task) => pointsOf(state, task), state.rule.lastOfEquals);
}

/** Every process that may be killed, the first victim first. */
export function rank(state: KillerState): Ranked[] {
  const ranked: Ranked[] = [];
  for (const task of state.tasks) {
    const points = pointsOf(state, task);
    if (points !== Number.NEGATIVE_INFINITY) ranked.push({ task, points });
  }
  // The sort is stable: turned round, the last of equals comes first.
  if (state.rule.lastOfEquals) ranked.reverse();
  return ranked.sort((a, b) => b.points - a.points);
}

/** The same state with other tasks. */
export const withTasks = (state: KillerState, tasks: readonly TaskRow[]): KillerState => ({ ...state, tasks });

/** The same state with one task changed. */
export function withChange(state: KillerState, pid: number, change: Partial<TaskRow>): KillerState {
  return withTasks(
    state,
    state.tasks.map((task) => (task.pid === pid ? { ...task, ...change } : task)),
  );
}

/** The same state after a process has died. */
export const without = (state: KillerState, pids: ReadonlySet<number>): KillerState =>
  withTasks(
    state,
    state.tasks.filter(({ pid, tgid }) => !pids.has(pid) && !pids.has(tgid)),
  );
