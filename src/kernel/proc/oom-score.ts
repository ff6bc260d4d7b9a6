import { PAGE_SIZE } from '../../hardware/units.ts';
import { MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES, MM_SWAPENTS, type Mm } from '../address-space/mm.ts';

/** What a process holds, in memory and in swap. */
const HELD = [MM_FILEPAGES, MM_ANONPAGES, MM_SHMEMPAGES, MM_SWAPENTS];

/** oom_score_adj that keeps a process from being killed. */
export const OOM_SCORE_ADJ_MIN = -1000;

/** What the OOM killer's choice depends on; a Process has it. */
export interface OomCandidate {
  readonly pid: number;
  readonly mm: Pick<Mm, 'rssRead' | 'pgtablesBytes'>;
  readonly oomScoreAdj: number;
}

/**
 * How much would be won by killing a process, in pages, shifted by its oom_score_adj; -Infinity when it may not be
 * killed (oom_badness in mm/oom_kill.c, whose LONG_MIN this is).
 * @param totalPages RAM and swap
 */
export function oomBadness({ pid, mm, oomScoreAdj }: OomCandidate, totalPages: number): number {
  if (pid === 1 || oomScoreAdj === OOM_SCORE_ADJ_MIN) return Number.NEGATIVE_INFINITY;
  const points =
    HELD.reduce((sum, counter) => sum + (mm.rssRead[counter] as number), 0) + Math.floor(mm.pgtablesBytes / PAGE_SIZE);
  return points + oomScoreAdj * Math.floor(totalPages / 1000);
}

/** /proc/PID/oom_score: 666 for a small process, up to about 1333 (proc_oom_score in fs/proc/base.c). */
export function oomScoreOf(candidate: OomCandidate, totalPages: number): number {
  const badness = oomBadness(candidate, totalPages);
  if (badness === Number.NEGATIVE_INFINITY) return 0;
  return Math.trunc(((1000 + Math.trunc((badness * 1000) / totalPages)) * 2) / 3);
}
