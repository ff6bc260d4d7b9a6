/** /proc/PID/oom_score_adj and its older form oom_adj: how much a process is spared or offered (__set_oom_adj in fs/proc/base.c). */
import type { PageCore } from '../core.ts';
import { EACCES, EINVAL } from '../errno.ts';
import { OOM_SCORE_ADJ_MIN } from '../proc/oom-score.ts';
import type { Process } from '../process/process.ts';
import { OOM_OOM_SCORE_ADJ_UPDATE } from '../tracepoints.ts';

const OOM_SCORE_ADJ_MAX = 1000;
/** Of oom_adj: -17 spares a process, 15 is its 1000. */
const OOM_DISABLE = -17;
const OOM_ADJUST_MAX = 15;
const INIT_PID = 1;

/** What a write needs to know of others. */
export interface ScoreAdjNeeds {
  readonly core: Pick<PageCore, 'trace'>;
  /** Every living process: those that share the memory share the value. */
  processes(): Iterable<Process>;
  /** Who writes: only with CAP_SYS_RESOURCE may a value fall below the least that one with it has set. */
  readonly writer: Process;
}

/**
 * Writes oom_score_adj.
 * @param value undefined for a text that is no number
 * @returns 0, -EINVAL outside -1000 to 1000, or -EACCES
 */
export function setOomScoreAdj(needs: ScoreAdjNeeds, process: Process, value: number | undefined): number {
  if (value === undefined || value < OOM_SCORE_ADJ_MIN || value > OOM_SCORE_ADJ_MAX) return -EINVAL;
  const { sysResource } = needs.writer.credentials;
  if (value < process.oomScoreAdjMin && !sysResource) return -EACCES;
  set(needs, process, value, sysResource);
  return 0;
}

/** Writes oom_adj: from -17 to 15. @returns as above; any lower value than now needs CAP_SYS_RESOURCE */
export function setOomAdj(needs: ScoreAdjNeeds, process: Process, value: number | undefined): number {
  if (value === undefined || value < OOM_DISABLE || value > OOM_ADJUST_MAX) return -EINVAL;
  const scaled = value === OOM_ADJUST_MAX ? OOM_SCORE_ADJ_MAX : Math.trunc((value * OOM_SCORE_ADJ_MAX) / -OOM_DISABLE);
  if (scaled < process.oomScoreAdj && !needs.writer.credentials.sysResource) return -EACCES;
  set(needs, process, scaled, false);
  return 0;
}

/** What oom_adj shows. */
export function oomAdjOf({ oomScoreAdj }: Process): number {
  if (oomScoreAdj === OOM_SCORE_ADJ_MAX) return OOM_ADJUST_MAX;
  return Math.min(OOM_ADJUST_MAX, Math.trunc((oomScoreAdj * -OOM_DISABLE) / OOM_SCORE_ADJ_MAX));
}

/** @param isLeast nobody without the capability may go below it from now on */
function set({ core, processes }: ScoreAdjNeeds, process: Process, value: number, isLeast: boolean): void {
  const { trace } = core;
  process.oomScoreAdj = value;
  if (isLeast) process.oomScoreAdjMin = value;
  if (trace.on) trace.emit(OOM_OOM_SCORE_ADJ_UPDATE, trace.pid, process.pid, trace.intern(process.comm), value);
  if (process.mm.users === 1) return;
  for (const other of processes()) {
    if (other.mm !== process.mm || other === process || other.pid === INIT_PID) continue;
    other.oomScoreAdj = value;
    if (isLeast) other.oomScoreAdjMin = value;
  }
}
