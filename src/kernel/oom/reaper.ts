/**
 * The OOM reaper (mm/oom_kill.c): a victim that sleeps where no signal reaches it keeps its memory as long as it sleeps.
 * The reaper takes the part that nobody else can miss, so that the others can go on.
 */
import { VM_HUGETLB, VM_PFNMAP, VM_SHARED } from '../address-space/vm-flags.ts';
import type { PageCore } from '../core.ts';
import { zapRange } from '../page-table/zap.ts';
import type { Process } from '../process/process.ts';
import {
  OOM_FINISH_TASK_REAPING,
  OOM_SKIP_TASK_REAPING,
  OOM_START_TASK_REAPING,
  OOM_WAKE_REAPER,
} from '../tracepoints.ts';
import type { OomNeeds } from './oom-control.ts';
import { reapedLine } from './report/kill-lines.ts';

/** OOM_REAPER_DELAY: most victims have ended by themselves until then. */
const REAPER_DELAY_NS = 2e9;

export class OomReaper {
  readonly #needs: Pick<OomNeeds, 'core' | 'log'>;

  constructor(needs: Pick<OomNeeds, 'core' | 'log'>) {
    this.#needs = needs;
  }

  /** Has a victim's memory reaped if it still lives in two seconds (queue_oom_reaper). */
  queue(victim: Process): void {
    victim.reapAt = this.#needs.core.clock.now + REAPER_DELAY_NS;
    this.#arm(victim);
  }

  /** After a snapshot: the victims that wait to be reaped. */
  rearm(processes: Iterable<Process>): void {
    for (const process of processes) if (process.oomVictim && !process.mm.oomSkip) this.#arm(process);
  }

  #arm(victim: Process): void {
    this.#needs.core.clock.at(victim.reapAt, () => this.#wake(victim));
  }

  /** wake_oom_reaper, oom_reap_task. */
  #wake(victim: Process): void {
    const { core, log } = this.#needs;
    const { mm, pid } = victim;
    if (victim.ending !== undefined) return;
    trace(core, OOM_WAKE_REAPER, pid);
    if (mm.oomSkip) {
      trace(core, OOM_SKIP_TASK_REAPING, pid);
      return;
    }
    trace(core, OOM_START_TASK_REAPING, pid);
    reapMm(core, victim);
    log(reapedLine(victim));
    trace(core, OOM_FINISH_TASK_REAPING, pid);
    mm.oomSkip = true;
  }
}

/** __oom_reap_task_mm: private memory and anonymous memory, locked or not; shared memory has others who want it. */
function reapMm(core: PageCore, { mm }: Process): void {
  for (const vma of mm.vmas) {
    if (vma.flags & (VM_HUGETLB | VM_PFNMAP)) continue;
    if (vma.isAnonymous || (vma.flags & VM_SHARED) === 0) zapRange(core, vma, vma.start, vma.end, false);
  }
}

function trace({ trace: log }: PageCore, point: number, pid: number): void {
  if (log.on) log.emit(point, log.pid, pid);
}
