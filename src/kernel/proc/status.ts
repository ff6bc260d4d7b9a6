import { PAGE_SIZE } from '../../hardware/units.ts';
import { MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES, MM_SWAPENTS, type Mm } from '../address-space/mm.ts';
import type { Process } from '../process/process.ts';

const PAGE_KB = PAGE_SIZE / 1024;

/** Bytes of program text, whole pages, at most what is executable at all (task_mem in fs/proc/task_mmu.c). */
function textBytes(mm: Mm): number {
  const start = Math.floor(mm.startCode / PAGE_SIZE) * PAGE_SIZE;
  const end = Math.ceil(mm.endCode / PAGE_SIZE) * PAGE_SIZE;
  return Math.min(end - start, mm.execVm * PAGE_SIZE);
}

/** The memory lines of /proc/PID/status in kB, under their keys and in their order (task_mem). */
export function statusOf({ mm }: { readonly mm: Mm }): Record<string, number> {
  const rss = (member: number) => (mm.rss[member] as number) * PAGE_KB;
  const text = textBytes(mm) / 1024;
  return {
    VmPeak: Math.max(mm.hiwaterVm, mm.totalVm) * PAGE_KB,
    VmSize: mm.totalVm * PAGE_KB,
    VmLck: mm.lockedVm * PAGE_KB,
    VmPin: 0,
    VmHWM: Math.max(mm.hiwaterRss, mm.rssPages) * PAGE_KB,
    VmRSS: mm.rssPages * PAGE_KB,
    RssAnon: rss(MM_ANONPAGES),
    RssFile: rss(MM_FILEPAGES),
    RssShmem: rss(MM_SHMEMPAGES),
    VmData: mm.dataVm * PAGE_KB,
    VmStk: mm.stackVm * PAGE_KB,
    VmExe: text,
    VmLib: mm.execVm * PAGE_KB - text,
    VmPTE: mm.pgtablesBytes / 1024,
    VmSwap: rss(MM_SWAPENTS),
    HugetlbPages: mm.hugetlbPages * PAGE_KB,
  };
}

/**
 * /proc/PID/status, the lines that this machine knows about; `ended` processes have no memory lines, like zombies
 * (proc_pid_status).
 */
export function statusText(process: Process): string {
  const { pid, parent, comm, credentials, tasks, ending } = process;
  const { uid } = credentials;
  const head = [
    `Name:\t${comm}`,
    `State:\t${ending === undefined ? 'R (running)' : 'Z (zombie)'}`,
    `Tgid:\t${pid}`,
    `Pid:\t${pid}`,
    `PPid:\t${parent?.pid ?? 0}`,
    `Uid:\t${uid}\t${uid}\t${uid}\t${uid}`,
  ];
  const memory = Object.entries(statusOf(process)).map(([key, kb]) => `${key}:\t${String(kb).padStart(8)} kB`);
  const tail = [
    'CoreDumping:\t0',
    `THP_enabled:\t${process.mm.thpDisabled ? 0 : 1}`,
    `Threads:\t${Math.max(1, tasks.length)}`,
  ];
  return `${(ending === undefined ? [...head, ...memory, ...tail] : head).join('\n')}\n`;
}

/** /proc/PID/statm: size, resident, shared, text, lib (0), data and stack, dirty (0), in pages (proc_pid_statm). */
export function statmOf({ mm }: { readonly mm: Mm }): number[] {
  const shared = (mm.rss[MM_FILEPAGES] as number) + (mm.rss[MM_SHMEMPAGES] as number);
  const text = Math.ceil(mm.endCode / PAGE_SIZE) - Math.floor(mm.startCode / PAGE_SIZE);
  return [mm.totalVm, mm.rssPages, shared, text, 0, mm.dataVm + mm.stackVm, 0];
}

export const statmText = (process: { readonly mm: Mm }): string => `${statmOf(process).join(' ')}\n`;
