/** Who is to go (select_bad_process and oom_evaluate_task in mm/oom_kill.c). */
import type { MemCgroup } from '../cgroup/mem-cgroup.ts';
import { oomBadness } from '../proc/oom-score.ts';
import type { Process } from '../process/process.ts';
import type { OomControl } from './oom-control.ts';

/** No process may be killed before an earlier victim has given its memory back. */
export const WAIT_FOR_VICTIM = 'wait';

/** pid of init, which nobody kills. */
const INIT_PID = 1;

/**
 * The processes that a call may look at, in the kernel's order: of the machine in the order of their birth, of a group
 * group by group, parents before children (mem_cgroup_scan_tasks).
 */
export function candidatesOf(processes: Iterable<Process>, group: MemCgroup | undefined): Process[] {
  const all = [...processes].filter(({ pid }) => pid !== INIT_PID);
  if (group === undefined) return all;
  const candidates: Process[] = [];
  for (const { id } of group.subtree())
    for (const process of all) if (process.mm.memcg === id) candidates.push(process);
  return candidates;
}

/**
 * The process with the most to give; undefined when none may be killed; `wait` while an earlier victim still holds memory
 * that will come back. Of equals the last one goes.
 */
export function selectBadProcess(
  candidates: readonly Process[],
  { totalPages }: Pick<OomControl, 'totalPages'>,
): Process | typeof WAIT_FOR_VICTIM | undefined {
  const eligible = candidates.filter(({ mm }) => !mm.oomSkip);
  if (eligible.some(({ oomVictim }) => oomVictim)) return WAIT_FOR_VICTIM;
  return mostPoints(eligible, (process) => oomBadness(process, totalPages), true);
}

/**
 * The candidate with the most points (oom_evaluate_task); undefined when all have -Infinity, which marks those that may not
 * be killed.
 * @param lastOfEquals of equals the last one is taken, as since Linux 5.9; else the first
 */
export function mostPoints<Candidate>(
  candidates: Iterable<Candidate>,
  pointsOf: (candidate: Candidate) => number,
  lastOfEquals: boolean,
): Candidate | undefined {
  let victim: Candidate | undefined;
  let most = Number.NEGATIVE_INFINITY;
  for (const candidate of candidates) {
    const points = pointsOf(candidate);
    if (points === Number.NEGATIVE_INFINITY || points < most) continue;
    if (points === most && victim !== undefined && !lastOfEquals) continue;
    most = points;
    victim = candidate;
  }
  return victim;
}
