/** /proc/PID: what can be read of a process, and written to it. */
import { EINVAL, ESRCH } from '../../errno.ts';
import { oomAdjOf, type ScoreAdjNeeds, setOomAdj, setOomScoreAdj } from '../../oom/score-adj.ts';
import type { Process } from '../../process/process.ts';
import { clearRefs } from '../clear-refs.ts';
import { ioText } from '../io.ts';
import { mapsText } from '../maps.ts';
import { oomScoreOf } from '../oom-score.ts';
import { rollupText, smapsText } from '../smaps-text.ts';
import { statText } from '../stat.ts';
import { statmText, statusText } from '../status.ts';
import { limitsText } from './limits-text.ts';
import { readOnly, type SystemFile, type TreeSource, wholeNumber } from './system-file.ts';

/** The last of CLEAR_REFS_*: the peak resident size is what it is now. */
const CLEAR_REFS_MM_HIWATER_RSS = 5;
const CLEAR_REFS_MAPPED = 3;

/** Writes /proc/PID/clear_refs (clear_refs_write in fs/proc/task_mmu.c). @returns 0 or -EINVAL */
export function writeClearRefs(source: TreeSource, process: Process, type: number | undefined): number {
  if (type === undefined || type < 1 || type > CLEAR_REFS_MM_HIWATER_RSS) return -EINVAL;
  // 4 resets soft-dirty bits, which this kernel is built without.
  if (type <= CLEAR_REFS_MAPPED) clearRefs(source, process.mm, type);
  else if (type === CLEAR_REFS_MM_HIWATER_RSS) process.mm.hiwaterRss = process.mm.rssPages;
  return 0;
}

/** Who runs now writes; before anything has run, the process itself. */
const scoreAdj = (source: TreeSource, process: Process): ScoreAdjNeeds => ({
  core: source,
  processes: () => source.processes.all.values(),
  writer: source.current?.process ?? process,
});

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
    [
      'oom_adj',
      {
        read: () => `${oomAdjOf(process)}\n`,
        write: (text) => setOomAdj(scoreAdj(source, process), process, wholeNumber(text)),
      },
    ],
    ['oom_score', readOnly(() => `${oomScoreOf(process, source.allocator.managed + source.swap.total)}\n`)],
    [
      'oom_score_adj',
      {
        read: () => `${process.oomScoreAdj}\n`,
        write: (text) => setOomScoreAdj(scoreAdj(source, process), process, wholeNumber(text)),
      },
    ],
    ['smaps', readOnly(() => (alive ? smapsText(source, mm) : ''))],
    ['smaps_rollup', ofMemory(() => rollupText(source, mm))],
    ['stat', readOnly(() => statText(process))],
    ['statm', readOnly(() => (alive ? statmText(process) : '0 0 0 0 0 0 0\n'))],
    ['status', readOnly(() => statusText(process))],
  ]);
}
