/** The lines of a report about processes (dump_tasks, dump_oom_victim and __oom_kill_process in mm/oom_kill.c). */
import { PAGE_SIZE } from '../../../hardware/units.ts';
import { MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES, MM_SWAPENTS } from '../../address-space/mm.ts';
import type { Process } from '../../process/process.ts';
import type { OomControl } from '../oom-control.ts';

const KB_PER_PAGE = PAGE_SIZE / 1024;
const kb = (pages: number): number => pages * KB_PER_PAGE;
const right = (value: number, width: number): string => String(value).padStart(width);

const TASKS_HEADER = [
  'Tasks state (memory values in pages):',
  '[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name',
];

/** Every process that could be looked at, memory in pages, page tables in bytes. */
export const taskTable = (candidates: readonly Process[]): string[] => [...TASKS_HEADER, ...candidates.map(taskRow)];

function taskRow({ mm, pid, credentials, oomScoreAdj, comm }: Process): string {
  const rss = (counter: number): number => mm.rssRead[counter] as number;
  return (
    `[${right(pid, 7)}] ${right(credentials.uid, 5)} ${right(pid, 5)} ${right(mm.totalVm, 8)} ` +
    `${right(rss(MM_ANONPAGES) + rss(MM_FILEPAGES) + rss(MM_SHMEMPAGES), 8)} ${right(rss(MM_ANONPAGES), 8)} ${right(rss(MM_FILEPAGES), 8)} ` +
    `${right(rss(MM_SHMEMPAGES), 9)} ${right(mm.pgtablesBytes, 8)} ${right(rss(MM_SWAPENTS), 8)} ` +
    `        ${right(oomScoreAdj, 5)} ${comm}`
  );
}

/** `oom-kill:constraint=...`: the verdict in one line. @param victimGroup path of the group that the victim is in */
export function verdictLine({ constraint, group }: OomControl, victim: Process, victimGroup: string): string {
  const where = group === undefined ? 'global_oom' : `oom_memcg=${group.path}`;
  return (
    `oom-kill:constraint=${constraint},nodemask=(null),cpuset=/,mems_allowed=0,${where},task_memcg=${victimGroup},` +
    `task=${victim.comm},pid=${victim.pid},uid=${victim.credentials.uid}`
  );
}

/** The one line that every kill leaves, also where the rest of the report is held back. */
export function killedLine(message: string, { mm, pid, comm, credentials, oomScoreAdj }: Process): string {
  const rss = (counter: number): number => kb(mm.rssRead[counter] as number);
  return (
    `${message}: Killed process ${pid} (${comm}) total-vm:${kb(mm.totalVm)}kB, anon-rss:${rss(MM_ANONPAGES)}kB, ` +
    `file-rss:${rss(MM_FILEPAGES)}kB, shmem-rss:${rss(MM_SHMEMPAGES)}kB, UID:${credentials.uid} ` +
    `pgtables:${mm.pgtablesBytes / 1024}kB oom_score_adj:${oomScoreAdj}`
  );
}

/** What the reaper has left of a victim (oom_reap_task_mm). */
export function reapedLine({ mm, pid, comm }: Process): string {
  const rss = (counter: number): number => kb(mm.rssRead[counter] as number);
  return (
    `oom_reaper: reaped process ${pid} (${comm}), now anon-rss:${rss(MM_ANONPAGES)}kB, ` +
    `file-rss:${rss(MM_FILEPAGES)}kB, shmem-rss:${rss(MM_SHMEMPAGES)}kB`
  );
}
