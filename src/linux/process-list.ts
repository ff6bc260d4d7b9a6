/** Living processes and zombies as procps reads them from /proc. */
import { MM_FILEPAGES, MM_SHMEMPAGES, MM_SWAPENTS } from '../kernel/address-space/mm.ts';
import type { Process } from '../kernel/process/process.ts';
import type { LinuxBox } from './linux-box.ts';

const PAGE_KB = 4;

/** What ps, top and their like show of a process. Amounts are kB, times nanoseconds. */
export interface ProcessRow {
  readonly process: Process;
  readonly pid: number;
  readonly ppid: number;
  readonly command: string;
  readonly commandLine: string;
  /** R for the one that runs, S for the others, Z for a zombie. */
  readonly state: 'R' | 'S' | 'Z';
  readonly virtual: number;
  readonly resident: number;
  readonly shared: number;
  readonly swapped: number;
  readonly cpuTime: number;
  readonly started: number;
}

export function processRows(box: LinuxBox): ProcessRow[] {
  const { processes, current } = box.machine.kernel;
  return [...processes.all.values()].map((process) => {
    const { pid, parent, comm, mm, times, ending } = process;
    const alive = ending === undefined;
    const kb = (pages: number) => (alive ? pages * PAGE_KB : 0);
    return {
      process,
      pid,
      ppid: parent?.pid ?? 0,
      command: comm,
      commandLine: alive ? box.commandLine(process).join(' ') : `[${comm}] <defunct>`,
      state: !alive ? 'Z' : current?.process === process || box.isReady(process) ? 'R' : 'S',
      virtual: kb(mm.totalVm),
      resident: kb(mm.rssPages),
      shared: kb((mm.rss[MM_FILEPAGES] as number) + (mm.rss[MM_SHMEMPAGES] as number)),
      swapped: kb(mm.rss[MM_SWAPENTS] as number),
      cpuTime: times.user + times.system,
      started: times.started,
    };
  });
}
