/** The OOM killer (mm/oom_kill.c): somebody has to go so that the others can go on. */
import { PAGE_SIZE } from '../../hardware/units.ts';
import { MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES, MM_SWAPENTS } from '../address-space/mm.ts';
import type { MemCgroup } from '../cgroup/mem-cgroup.ts';
import { oomBadness } from '../proc/oom-score.ts';
import type { Process, Task } from '../process/process.ts';
import { SIGKILL } from '../uapi.ts';

/** What the killer works with. */
export interface OomNeeds {
  /** Living processes in the order of their birth. */
  processes(): Iterable<Process>;
  kill(process: Process, signal: number): void;
  /** A line of the kernel's log. */
  log(line: string): void;
  /** Pages of swap that a group could use. */
  swapPages(): number;
}

/**
 * The process with the most to give, or undefined when none may be killed (select_bad_process). Of equals the one that was
 * born last goes.
 */
export function selectVictim(candidates: Iterable<Process>, totalPages: number): Process | undefined {
  let victim: Process | undefined;
  let most = Number.NEGATIVE_INFINITY;
  for (const process of candidates) {
    const points = oomBadness(process, totalPages);
    if (points === Number.NEGATIVE_INFINITY || points < most) continue;
    most = points;
    victim = process;
  }
  return victim;
}

/**
 * Kills somebody in a group at its limit (mem_cgroup_out_of_memory).
 * @returns whether there was a victim
 */
export function cgroupOomKill(needs: OomNeeds, group: MemCgroup, task: Task | undefined): boolean {
  const members = new Set([...group.subtree()].map((member) => member.id));
  const candidates = [...needs.processes()].filter((process) => members.has(process.mm.memcg));
  const limit = Number.isFinite(group.memory.max) ? group.memory.max : 0;
  const swap = group.swappiness === 0 ? 0 : Math.min(group.memsw.max - limit, needs.swapPages());
  const victim = selectVictim(candidates, Math.max(1, limit + swap));
  const invoker = task?.process ?? victim;
  if (invoker !== undefined)
    needs.log(
      `${invoker.comm} invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=${invoker.oomScoreAdj}`,
    );
  logTasks(needs, candidates);
  if (victim === undefined) {
    needs.log('Out of memory and no killable processes...');
    return false;
  }
  const where = `oom_memcg=${group.path},task_memcg=${pathOf(group, victim)}`;
  needs.log(
    `oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,${where},` +
      `task=${victim.comm},pid=${victim.pid},uid=${victim.credentials.uid}`,
  );
  needs.log(killedLine('Memory cgroup out of memory', victim));
  // Version 1 counts the kill where the victim is, not above (memcg_memory_event).
  const own = groupOf(group, victim);
  if (own !== undefined) own.oomKills++;
  needs.kill(victim, SIGKILL);
  return true;
}

function groupOf(group: MemCgroup, process: Process): MemCgroup | undefined {
  for (const member of group.subtree()) if (member.id === process.mm.memcg) return member;
  return undefined;
}

const pathOf = (group: MemCgroup, process: Process): string => groupOf(group, process)?.path ?? '/';

/** dump_tasks: every process that could be chosen, memory in pages. */
function logTasks(needs: OomNeeds, candidates: readonly Process[]): void {
  needs.log('Tasks state (memory values in pages):');
  needs.log(
    '[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name',
  );
  for (const process of candidates) {
    const { mm, pid, credentials, oomScoreAdj, comm } = process;
    const rss = (counter: number) => mm.rss[counter] as number;
    const number = (value: number, width: number) => String(value).padStart(width);
    needs.log(
      `[${number(pid, 7)}] ${number(credentials.uid, 5)} ${number(pid, 5)} ${number(mm.totalVm, 8)} ` +
        `${number(mm.rssPages, 8)} ${number(rss(MM_ANONPAGES), 8)} ${number(rss(MM_FILEPAGES), 8)} ` +
        `${number(rss(MM_SHMEMPAGES), 9)} ${number(mm.pgtablesBytes, 8)} ${number(rss(MM_SWAPENTS), 8)} ` +
        `        ${number(oomScoreAdj, 5)} ${comm}`,
    );
  }
}

/** The one line that every OOM kill leaves (__oom_kill_process). */
function killedLine(prefix: string, victim: Process): string {
  const { mm, pid, comm, credentials, oomScoreAdj } = victim;
  const kb = (pages: number) => (pages * PAGE_SIZE) / 1024;
  const rss = (counter: number) => kb(mm.rss[counter] as number);
  return (
    `${prefix}: Killed process ${pid} (${comm}) total-vm:${kb(mm.totalVm)}kB, anon-rss:${rss(MM_ANONPAGES)}kB, ` +
    `file-rss:${rss(MM_FILEPAGES)}kB, shmem-rss:${rss(MM_SHMEMPAGES)}kB, UID:${credentials.uid} ` +
    `pgtables:${mm.pgtablesBytes / 1024}kB oom_score_adj:${oomScoreAdj}`
  );
}
