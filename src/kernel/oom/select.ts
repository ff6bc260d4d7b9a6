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
  candidates: Iterable<Process>,
  { totalPages }: Pick<OomControl, 'totalPages'>,
): Process | typeof WAIT_FOR_VICTIM | undefined {
  let victim: Process | undefined;
  let most = Number.NEGATIVE_INFINITY;
  for (const process of candidates) {
    if (process.oomVictim && !process.mm.oomSkip) return WAIT_FOR_VICTIM;
    if (process.mm.oomSkip) continue;
    const points = oomBadness(process, totalPages);
    if (points === Number.NEGATIVE_INFINITY || points < most) continue;
    most = points;
    victim = process;
  }
  return victim;
}
