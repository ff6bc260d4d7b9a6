/** /proc/PID: what can be read of a process, and written to it. */
import { EACCES, EINVAL, ESRCH } from '../../errno.ts';
import type { Process } from '../../process/process.ts';
import { clearRefs } from '../clear-refs.ts';
import { ioText } from '../io.ts';
import { mapsText } from '../maps.ts';
import { OOM_SCORE_ADJ_MIN, oomScoreOf } from '../oom-score.ts';
import { rollupText, smapsText } from '../smaps-text.ts';
import { statText } from '../stat.ts';
import { statmText, statusText } from '../status.ts';
import { limitsText } from './limits-text.ts';
import { readOnly, type SystemFile, type TreeSource, wholeNumber } from './system-file.ts';

const OOM_SCORE_ADJ_MAX = 1000;
/** The last of CLEAR_REFS_*: the peak resident size is what it is now. */
const CLEAR_REFS_MM_HIWATER_RSS = 5;
const CLEAR_REFS_MAPPED = 3;

/**
 * Writes /proc/PID/oom_score_adj (__set_oom_adj in fs/proc/base.c): below 0 only with CAP_SYS_RESOURCE.
 * @returns 0, -EINVAL or -EACCES
 */
export function setOomScoreAdj(process: Process, value: number | undefined): number {
  if (value === undefined || value < OOM_SCORE_ADJ_MIN || value > OOM_SCORE_ADJ_MAX) return -EINVAL;
  if (value < 0 && !process.credentials.sysResource) return -EACCES;
  process.oomScoreAdj = value;
  return 0;
}

/** Writes /proc/PID/clear_refs (clear_refs_write in fs/proc/task_mmu.c). @returns 0 or -EINVAL */
export function writeClearRefs(source: TreeSource, process: Process, type: number | undefined): number {
  if (type === undefined || type < 1 || type > CLEAR_REFS_MM_HIWATER_RSS) return -EINVAL;
  // 4 resets soft-dirty bits, which this kernel is built without.
  if (type <= CLEAR_REFS_MAPPED) clearRefs(source, process.mm, type);
  else if (type === CLEAR_REFS_MM_HIWATER_RSS) process.mm.hiwaterRss = process.mm.rssPages;
  return 0;
}

/** The files of a living process by name. A zombie's memory is gone: what shows it is empty or fails with ESRCH. */
export function pidFiles(source: TreeSource, process: Process): ReadonlyMap<string, SystemFile> {
  const { mm } = process;
  const alive = process.ending === undefined;
  const ofMemory = (text: () => string): SystemFile => ({ read: () => (alive ? text() : -ESRCH) });
  return new Map<string, SystemFile>([
    ['clear_refs', { write: (text) => writeClearRefs(source, process, wholeNumber(text)) }],
    ['comm', readOnly(() => `${process.comm}\n`)],
    ['io', readOnly(() => ioText(process))],
    ['limits', readOnly(() => limitsText(process.rlimits))],
    ['maps', readOnly(() => (alive ? mapsText(mm) : ''))],
    ['oom_score', readOnly(() => `${oomScoreOf(process, source.allocator.managed + source.swap.total)}\n`)],
    [
      'oom_score_adj',
      {
        read: () => `${process.oomScoreAdj}\n`,
        write: (text) => setOomScoreAdj(process, wholeNumber(text)),
      },
    ],
    ['smaps', readOnly(() => (alive ? smapsText(source, mm) : ''))],
    ['smaps_rollup', ofMemory(() => rollupText(source, mm))],
    ['stat', readOnly(() => statText(process))],
    ['statm', readOnly(() => (alive ? statmText(process) : '0 0 0 0 0 0 0\n'))],
    ['status', readOnly(() => statusText(process))],
  ]);
}
