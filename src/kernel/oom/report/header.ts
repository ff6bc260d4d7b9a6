/** The report of the OOM killer, up to the verdict (dump_header in mm/oom_kill.c). */
import type { Process } from '../../process/process.ts';
import type { OomControl, OomNeeds } from '../oom-control.ts';
import { invokedLine, stackLines } from './call-trace.ts';
import { groupInfoLines } from './group-info.ts';
import { taskTable } from './kill-lines.ts';
import { memInfoLines } from './mem-info.ts';

/**
 * Writes who asked, on what way, where the memory is, and whom the killer looked at.
 * @param caller the function that reports, as the call trace names it
 */
export function dumpHeader(
  needs: OomNeeds,
  control: OomControl,
  candidates: readonly Process[],
  callers: readonly string[],
): void {
  const { core } = needs;
  const lines = [invokedLine(control), ...stackLines(control, core.trace.cpu, ['dump_header', ...callers])];
  if (control.group === undefined) lines.push(...memInfoLines(core, needs.kswapdGaveUp()));
  else lines.push(...groupInfoLines(core, control.group));
  if (core.params.oomDumpTasks !== 0) lines.push(...taskTable(candidates));
  for (const line of lines) needs.log(line);
}
