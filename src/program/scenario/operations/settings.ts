/** sysctl, sysfs, thp and drop_caches: what an administrator sets. */
import { EINVAL, errnoName } from '../../../kernel/errno.ts';
import { oomAdjOf } from '../../../kernel/oom/score-adj.ts';
import { oomScoreOf } from '../../../kernel/proc/oom-score.ts';
import { statusOf } from '../../../kernel/proc/status.ts';
import { writeClearRefs } from '../../../kernel/proc/tree/pid-files.ts';
import type { Answer } from '../answer.ts';
import { machineOperation, processOperation } from '../operation.ts';
import { quoted } from '../quoted.ts';
import type { ScenarioProcess } from '../scenario-process.ts';
import type { Scene } from '../scene.ts';
import { parseSize } from '../size.ts';
import type { Words } from '../words.ts';

const PAGE_KB = 4;

/** Reads `NAME=VALUE`. */
function assignment(words: Words, example: string): { name: string; value: string } {
  const text = words.operand(0);
  const equals = text.indexOf('=');
  if (equals <= 0) words.fail(`expected NAME=VALUE, as in ${example}; found ${quoted(text)}`);
  return { name: text.slice(0, equals), value: text.slice(equals + 1) };
}

export const sysctl = machineOperation(
  'sysctl ASSIGNMENT',
  (words) => assignment(words, 'vm.overcommit_memory=2'),
  (scene, { name, value }, answer) => {
    const error = scene.setSysctl(name.replaceAll('/', '.'), value);
    if (error === 'unknown') answer.unsupported = `sysctl ${name}`;
    else if (error < 0) answer.errno = errnoName(-error);
  },
);

export const sysfs = machineOperation(
  'sysfs ASSIGNMENT',
  (words) => assignment(words, 'queue/read_ahead_kb=64'),
  (scene, { name, value }, answer) => {
    const number = parseSize(value);
    if (number === undefined || number < 0) answer.errno = errnoName(EINVAL);
    else if (name === 'queue/read_ahead_kb') scene.files.setReadaheadKb(number);
    else if (name === 'kernel/mm/swap/vma_ra_enabled') scene.kernel.params.vmaReadahead = number === 0 ? 0 : 1;
    else answer.unsupported = `sysfs ${name}`;
  },
);

/** Writes files of /sys/kernel/mm/transparent_hugepage, as `thp enabled=always khugepaged/max_ptes_none=0`. */
export const thp = machineOperation(
  'thp [enabled=] [defrag=] [SETTING...]',
  (words) => {
    const settings: [name: string, value: string][] = [];
    for (const name of ['enabled', 'defrag']) {
      const value = words.option(name);
      if (value !== undefined) settings.push([name, value]);
    }
    for (const word of words.operandsFrom(0)) {
      const equals = word.indexOf('=');
      if (equals <= 0) words.fail(`expected NAME=VALUE, as in khugepaged/max_ptes_none=0; found "${word}"`);
      settings.push([word.slice(0, equals), word.slice(equals + 1)]);
    }
    return settings;
  },
  (scene, settings, answer) => {
    for (const [name, value] of settings) {
      const result = scene.kernel.writeThp(name, value);
      if (result === undefined) answer.unsupported = `thp ${name}`;
      else if (result < 0) answer.errno = errnoName(-result);
    }
  },
);

export const dropCaches = machineOperation(
  'drop_caches [WHAT]',
  (words) => words.number(words.optional(0) ?? '3'),
  (scene, what) => {
    scene.files.syncAll();
    if (what & 1) scene.files.dropAll();
    if (what & 2) scene.kernel.slab.drop();
  },
);

/** Writes a file of /proc/PID; the answer is the error, if there is one. */
function writeProc(scene: Scene, { task }: ScenarioProcess, file: string, text: string, answer: Answer): void {
  scene.machine.runOn(0, task);
  const error = scene.kernel.systemFiles.file(`/proc/${task.process.pid}/${file}`)?.write?.(text) ?? 0;
  if (error < 0) answer.errno = errnoName(-error);
}

/** Writes /proc/PID/oom_score_adj, whatever the text: below the least that root has set only with CAP_SYS_RESOURCE. */
export const oomScoreAdj = processOperation(
  'oom_score_adj VALUE',
  (words) => words.operand(0),
  (process, text, answer, scene) => writeProc(scene, process, 'oom_score_adj', text, answer),
);

/** Writes /proc/PID/oom_adj, the older form, if there is a value, and says what both forms are then. */
export const oomAdj = processOperation(
  'oom_adj [VALUE]',
  (words) => words.optional(0),
  (process, text, answer, scene) => {
    if (text !== undefined) writeProc(scene, process, 'oom_adj', text, answer);
    answer.oom_adj = oomAdjOf(process.task.process);
    answer.oom_score_adj = process.task.process.oomScoreAdj;
  },
);

/** The lines that an oom_score is computed from stand beside it. */
export const oomScore = processOperation(
  'oom_score',
  () => undefined,
  ({ task }, _none, answer, scene) => {
    const status = statusOf(task.process);
    const { MemTotal = 0, SwapTotal = 0 } = scene.meminfo();
    const totalPages = (MemTotal + SwapTotal) / PAGE_KB;
    answer.oom_score = oomScoreOf(task.process, totalPages);
    answer.oom_score_adj = task.process.oomScoreAdj;
    answer.rss_kb = status.VmRSS ?? 0;
    answer.swap_kb = status.VmSwap ?? 0;
    answer.pte_kb = status.VmPTE ?? 0;
    answer.MemTotal_kb = MemTotal;
    answer.SwapTotal_kb = SwapTotal;
  },
);

/** `echo N > /proc/PID/clear_refs` (clear_refs_write): 1 clears every referenced bit, 2 of anonymous, 3 of file pages. */
export const clearRefs = processOperation(
  'clear_refs TYPE',
  (words) => words.number(words.operand(0)),
  ({ task }, type, answer, scene) => {
    const error = writeClearRefs(scene.kernel, task.process, type);
    if (error < 0) answer.errno = errnoName(-error);
  },
);

export const cat = machineOperation(
  'cat FILE',
  (words) => words.operand(0),
  (scene, path, answer) => {
    const text = scene.readSystemFile(path);
    if (text === undefined) answer.unsupported = `file ${path}`;
    else if (typeof text === 'number') answer.errno = errnoName(-text);
    else answer.text = text;
  },
);
