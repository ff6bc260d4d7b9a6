import { PAGE_SIZE } from '../../hardware/units.ts';
import type { Process } from '../process/process.ts';
import { RLIMIT_RSS } from '../uapi.ts';

const UNLIMITED = '18446744073709551615';
/** Prints clock ticks: 100 of them are a second (USER_HZ). */
const NANOSECONDS_PER_TICK = 10_000_000;

/**
 * /proc/PID/stat: 52 numbers in one line (do_task_stat in fs/proc/array.c). Fields that say nothing about memory and that
 * the machine does not have are what an idle process shows.
 */
export function statText(process: Process): string {
  const { times, pid, parent, comm, mm, rlimits, ending } = process;
  const ppid = parent?.pid ?? 0;
  const ticks = (nanoseconds: number) => Math.floor(nanoseconds / NANOSECONDS_PER_TICK);
  const limit = rlimits.soft[RLIMIT_RSS] as number;
  const identity = [pid, `(${comm})`, ending === undefined ? 'R' : 'Z', ppid, pid, pid, 0, -1, 0];
  const faults = [process.minFlt, 0, process.majFlt, 0];
  const time = [ticks(times.user), ticks(times.system), 0, 0, 20, 0, Math.max(1, process.tasks.length), 0];
  const memory = [ticks(times.started), mm.totalVm * PAGE_SIZE, mm.rssPages];
  const rssLimit = Number.isFinite(limit) ? limit : UNLIMITED;
  const layout = [mm.startCode, mm.endCode, mm.startStack, 0, 0];
  const signals = [0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0];
  const data = [mm.startData, mm.endData, mm.startBrk, 0, 0, 0, 0];
  const fields = [
    ...identity,
    ...faults,
    ...time,
    ...memory,
    rssLimit,
    ...layout,
    ...signals,
    ...data,
    exitCode(process),
  ];
  return `${fields.join(' ')}\n`;
}

/** As wait(2) reports it: the code in bits 8-15, or the signal in bits 0-6. */
function exitCode({ ending }: Process): number {
  if (ending === undefined) return 0;
  return 'exit' in ending ? ending.exit << 8 : ending.signal;
}
