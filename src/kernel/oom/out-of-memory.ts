/** What happens when nothing more can be reclaimed (out_of_memory in mm/oom_kill.c). */
import type { MemCgroup } from '../cgroup/mem-cgroup.ts';
import { OOM_SCORE_ADJ_MIN } from '../proc/oom-score.ts';
import type { Process, Task } from '../process/process.ts';
import { CAUSE_IDLE } from '../time/clock.ts';
import { KernelPanic } from './kernel-panic.ts';
import {
  type AllocationPoint,
  CONSTRAINT_NONE,
  globalControl,
  groupControl,
  type OomControl,
  type OomNeeds,
} from './oom-control.ts';
import { OomKill } from './oom-kill.ts';
import type { RateLimitState } from './rate-limit.ts';
import { OomReaper } from './reaper.ts';
import { stackLines } from './report/call-trace.ts';
import { dumpHeader } from './report/header.ts';
import { candidatesOf, selectBadProcess, WAIT_FOR_VICTIM } from './select.ts';

/** One tick: how long who waits for a victim sleeps before he looks again (schedule_timeout_uninterruptible(1)). */
const JIFFY_NS = 4e6;

/** vm.panic_on_oom. */
const PANIC_NEVER = 0;
const PANIC_ALWAYS = 2;

export class OomKiller {
  readonly #needs: OomNeeds;
  readonly #kill: OomKill;
  readonly #reaper: OomReaper;

  constructor(needs: OomNeeds) {
    this.#needs = needs;
    this.#reaper = new OomReaper(needs);
    this.#kill = new OomKill(needs, this.#reaper);
  }

  /**
   * A group is at its limit (mem_cgroup_out_of_memory).
   * @returns whether memory comes back; false when nobody may be killed
   * @throws KernelPanic with vm.panic_on_oom=2
   */
  group(group: MemCgroup, task: Task | undefined, point: AllocationPoint): boolean {
    return this.#outOfMemory(groupControl(this.#needs.core, group, task, point));
  }

  /** The machine has no memory. @throws KernelPanic when nobody may be killed, or vm.panic_on_oom says so */
  machine(task: Task, point: AllocationPoint): void {
    this.#outOfMemory(globalControl(this.#needs.core, task, point));
  }

  #outOfMemory(control: OomControl): boolean {
    const { core, processes } = this.#needs;
    const candidates = candidatesOf(processes(), control.group);
    this.#checkPanicOnOom(control, candidates);
    const current = control.task?.process;
    if (core.params.oomKillAllocatingTask !== 0 && control.group === undefined && mayBeKilled(current)) {
      this.#kill.killAndReport(control, current, candidates, 'Out of memory (oom_kill_allocating_task)');
      return true;
    }
    const victim = selectBadProcess(candidates, control);
    if (victim === WAIT_FOR_VICTIM) {
      core.clock.sleep(JIFFY_NS, CAUSE_IDLE);
      return true;
    }
    if (victim === undefined) {
      dumpHeader(this.#needs, control, candidates, ['out_of_memory.cold']);
      this.#needs.log('Out of memory and no killable processes...');
      if (control.group === undefined) this.#panic(control, 'System is deadlocked on memory');
      return false;
    }
    const message = control.group === undefined ? 'Out of memory' : 'Memory cgroup out of memory';
    this.#kill.killAndReport(control, victim, candidates, message);
    return true;
  }

  /** check_panic_on_oom: 1 spares the machine where only a group is short, 2 does not. */
  #checkPanicOnOom(control: OomControl, candidates: readonly Process[]): void {
    const { panicOnOom } = this.#needs.core.params;
    if (panicOnOom === PANIC_NEVER) return;
    if (panicOnOom !== PANIC_ALWAYS && control.constraint !== CONSTRAINT_NONE) return;
    dumpHeader(this.#needs, control, candidates, ['out_of_memory.cold']);
    const which = panicOnOom === PANIC_ALWAYS ? 'compulsory' : 'system-wide';
    this.#panic(control, `Out of memory: ${which} panic_on_oom is enabled`);
  }

  /** panic(): the last lines of the log. */
  #panic(control: OomControl, reason: string): never {
    const { core, log } = this.#needs;
    log(`Kernel panic - not syncing: ${reason}`);
    for (const line of stackLines(control, core.trace.cpu, ['vpanic', 'panic', 'out_of_memory.cold'])) log(line);
    log('Kernel Offset: disabled');
    log(`---[ end Kernel panic - not syncing: ${reason} ]---`);
    throw new KernelPanic(reason);
  }

  save(): RateLimitState {
    return this.#kill.rateLimit.save();
  }

  /** @param processes restored before */
  restore(state: RateLimitState): void {
    this.#kill.rateLimit.restore(state);
    this.#reaper.rearm(this.#needs.processes());
  }
}

const mayBeKilled = (process: Process | undefined): process is Process =>
  process !== undefined && process.pid !== 1 && process.oomScoreAdj !== OOM_SCORE_ADJ_MIN;
