/** Somebody has to go so that the others can go on: who, and how (mm/oom_kill.c). */

import { MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES } from '../address-space/mm.ts';
import type { MemCgroup } from '../cgroup/mem-cgroup.ts';
import { OOM_SCORE_ADJ_MIN } from '../proc/oom-score.ts';
import type { Process } from '../process/process.ts';
import { OOM_MARK_VICTIM } from '../tracepoints.ts';
import { SIGKILL } from '../uapi.ts';
import { OOM_KILL } from '../vmstat.ts';
import type { OomControl, OomNeeds } from './oom-control.ts';
import { RateLimit } from './rate-limit.ts';
import type { OomReaper } from './reaper.ts';
import { dumpHeader } from './report/header.ts';
import { killedLine, verdictLine } from './report/kill-lines.ts';
import { candidatesOf } from './select.ts';

const KB_PER_PAGE = 4;

export class OomKill {
  readonly #needs: OomNeeds;
  readonly #reaper: OomReaper;
  /** oom_rs of oom_kill_process: of many kills in a short time only the first ones are reported in full. */
  readonly rateLimit = new RateLimit();

  constructor(needs: OomNeeds, reaper: OomReaper) {
    this.#needs = needs;
    this.#reaper = reaper;
  }

  /**
   * Reports and kills a victim, and with it its group when memory.oom.group asks for that (oom_kill_process).
   * @param message how the line about the kill begins
   */
  killAndReport(control: OomControl, victim: Process, candidates: readonly Process[], message: string): void {
    const { core, log } = this.#needs;
    const own = core.cgroups.get(victim.mm.memcg);
    if (this.rateLimit.allows(core.clock.now)) {
      dumpHeader(this.#needs, control, candidates, ['oom_kill_process.cold', 'out_of_memory']);
      log(verdictLine(control, victim, own.path));
    }
    const together = oomGroupOf(own, control.group);
    const dying = new Set<Process>();
    this.#kill(victim, message, dying);
    if (together !== undefined) {
      core.cgroups.countOomGroupKill(together);
      log(`Tasks in ${together.path} are going to be killed due to memory.oom.group set`);
      for (const member of candidatesOf(this.#needs.processes(), together)) {
        if (member.oomScoreAdj === OOM_SCORE_ADJ_MIN) continue;
        // The victim has gone meanwhile, unless it is who asks for memory and so runs here.
        if (member === victim && control.task?.process !== victim)
          log(`${message}: OOM victim ${victim.pid} (${victim.comm}) is already exiting. Skip killing the task`);
        else this.#kill(member, message, dying);
      }
    }
    for (const process of dying) this.#end(process);
  }

  /** Marks a victim and all who share its memory for their end (__oom_kill_process). */
  #kill(victim: Process, message: string, dying: Set<Process>): void {
    const { core, log, processes } = this.#needs;
    core.vmstat.count(OOM_KILL);
    core.cgroups.countOomKill(core.cgroups.get(victim.mm.memcg));
    this.#traceVictim(victim);
    victim.oomVictim = true;
    log(killedLine(message, victim));
    dying.add(victim);
    for (const process of processes()) if (process.mm === victim.mm) dying.add(process);
  }

  /** A victim that sleeps where no signal reaches it dies when it wakes; until then the reaper takes what it can. */
  #end(process: Process): void {
    this.#needs.exit(process, { signal: SIGKILL });
    if (process.ending === undefined && process.oomVictim) this.#reaper.queue(process);
  }

  #traceVictim({ pid, comm, mm }: Process): void {
    const { trace } = this.#needs.core;
    if (!trace.on) return;
    const rss = (counter: number): number => (mm.rssRead[counter] as number) * KB_PER_PAGE;
    const kb = [rss(MM_ANONPAGES), rss(MM_FILEPAGES), rss(MM_SHMEMPAGES)] as const;
    trace.emit(OOM_MARK_VICTIM, trace.pid, pid, trace.intern(comm), mm.totalVm * KB_PER_PAGE, ...kb);
  }
}

/**
 * The highest group with memory.oom.group from the victim's up to the one at its limit (mem_cgroup_get_oom_group); with no
 * group at its limit the root ends the search, which has no such file.
 */
function oomGroupOf(own: MemCgroup, limited: MemCgroup | undefined): MemCgroup | undefined {
  let found: MemCgroup | undefined;
  for (let at: MemCgroup | undefined = own; at?.parent !== undefined; at = at.parent) {
    if (at.oomGroup) found = at;
    if (at === limited) break;
  }
  return found;
}
