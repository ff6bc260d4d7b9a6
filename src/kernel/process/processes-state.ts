/** Processes and address spaces as plain data and back: what a snapshot keeps of them. */
import { pfn, virtualAddress, vpn } from '../../hardware/units.ts';
import { Mm } from '../address-space/mm.ts';
import { type SpecialMapping, Vma } from '../address-space/vma.ts';
import type { ReserveMap } from '../hugetlb/reserve-map.ts';
import type { File } from '../page-cache/file.ts';
import { panic } from '../panic.ts';
import { type AnonVmas, link } from '../rmap/anon-vmas.ts';
import { FileTable } from './file-table.ts';
import { type CallCounts, type Credentials, type Ending, Process, type ProcessTimes, Task } from './process.ts';

export interface VmaState {
  readonly start: number;
  readonly end: number;
  readonly flags: number;
  readonly pgoff: number;
  /** Number of the open file, 0 for none. */
  readonly file: number;
  readonly special: string;
  /** Number of its own anon_vma, 0 for none, and of all in its chain. */
  readonly anonVma: number;
  readonly chain: readonly number[];
  /** Number of its map of reservations, 0 for none. */
  readonly reserves: number;
  readonly reservesTaken: boolean;
  readonly payer: number;
  readonly swapReadahead: { readonly page: number; readonly window: number; readonly hits: number };
}

export interface MmState {
  readonly id: number;
  readonly pgd: number;
  readonly mmapBase: number;
  readonly users: number;
  readonly cpuMask: number;
  readonly defFlags: number;
  readonly memcg: number;
  readonly ranSinceWalk: boolean;
  readonly thpDisabled: boolean;
  readonly oomSkip: boolean;
  readonly pgtablesBytes: number;
  readonly rss: Int32Array;
  readonly rssRead: Int32Array;
  /** startBrk, brk, startCode, endCode, startData, endData, startStack */
  readonly addresses: readonly number[];
  /** totalVm, dataVm, execVm, stackVm, lockedVm, hiwaterRss, hiwaterVm, hugetlbPages */
  readonly sizes: readonly number[];
  readonly vmas: readonly VmaState[];
}

/** A task without its process. */
type TaskState = Readonly<
  Pick<Task, 'tid' | 'minFlt' | 'majFlt' | 'nrDirtied' | 'nrDirtiedPause' | 'dirtyPausedWhen' | 'memcgNrPagesOverHigh'>
>;

export interface ProcessState {
  readonly pid: number;
  readonly parent: number;
  readonly comm: string;
  readonly mm: number;
  /** Number of the descriptor table: processes may share one. */
  readonly files: number;
  readonly soft: Float64Array;
  readonly hard: Float64Array;
  readonly credentials: Credentials;
  readonly endedMinFlt: number;
  readonly endedMajFlt: number;
  readonly payer: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly cancelledBytes: number;
  readonly calls: CallCounts;
  readonly times: ProcessTimes;
  readonly oomScoreAdj: number;
  readonly oomScoreAdjMin: number;
  readonly ending: Ending | undefined;
  readonly uninterruptible: boolean;
  readonly pendingEnding: Ending | undefined;
  readonly oomVictim: boolean;
  readonly reapAt: number;
  readonly tasks: readonly TaskState[];
}

/** What the numbers in a state stand for. */
export interface References {
  readonly anonVmas: AnonVmas;
  readonly file: (id: number) => File | undefined;
  readonly reserves: (id: number) => ReserveMap | undefined;
  readonly special: (name: string) => SpecialMapping | undefined;
}

export function saveMm(mm: Mm): MmState {
  return {
    id: mm.id,
    pgd: mm.pgd,
    mmapBase: mm.mmapBase,
    users: mm.users,
    cpuMask: mm.cpuMask,
    defFlags: mm.defFlags,
    memcg: mm.memcg,
    thpDisabled: mm.thpDisabled,
    ranSinceWalk: mm.ranSinceWalk,
    oomSkip: mm.oomSkip,
    pgtablesBytes: mm.pgtablesBytes,
    rss: mm.rss.slice(),
    rssRead: mm.rssRead.slice(),
    addresses: [mm.startBrk, mm.brk, mm.startCode, mm.endCode, mm.startData, mm.endData, mm.startStack],
    sizes: [mm.totalVm, mm.dataVm, mm.execVm, mm.stackVm, mm.lockedVm, mm.hiwaterRss, mm.hiwaterVm, mm.hugetlbPages],
    vmas: [...mm.vmas].map((vma) => ({
      start: vma.start,
      end: vma.end,
      flags: vma.flags,
      pgoff: vma.pgoff,
      file: vma.file?.id ?? 0,
      special: vma.special?.name ?? '',
      anonVma: vma.anonVma?.id ?? 0,
      chain: vma.anonVmaChain.map((anonVma) => anonVma.id),
      reserves: vma.reserves?.id ?? 0,
      reservesTaken: vma.reservesTaken,
      payer: vma.payer,
      swapReadahead: { ...vma.swapReadahead },
    })),
  };
}

/** Makes an address space anew and enters its mappings in the reverse map; the page tables are in the frames already. */
export function restoreMm(state: MmState, references: References): Mm {
  const mm = new Mm(state.id, pfn(state.pgd), vpn(state.mmapBase));
  mm.users = state.users;
  mm.cpuMask = state.cpuMask;
  mm.defFlags = state.defFlags;
  mm.memcg = state.memcg;
  mm.thpDisabled = state.thpDisabled;
  mm.ranSinceWalk = state.ranSinceWalk;
  mm.oomSkip = state.oomSkip;
  mm.pgtablesBytes = state.pgtablesBytes;
  mm.rss.set(state.rss);
  mm.rssRead.set(state.rssRead);
  const address = (i: number) => virtualAddress(state.addresses[i] ?? 0);
  mm.startBrk = address(0);
  mm.brk = address(1);
  mm.startCode = address(2);
  mm.endCode = address(3);
  mm.startData = address(4);
  mm.endData = address(5);
  mm.startStack = address(6);
  const size = (i: number) => state.sizes[i] ?? 0;
  mm.totalVm = size(0);
  mm.dataVm = size(1);
  mm.execVm = size(2);
  mm.stackVm = size(3);
  mm.lockedVm = size(4);
  mm.hiwaterRss = size(5);
  mm.hiwaterVm = size(6);
  mm.hugetlbPages = size(7);
  for (const vma of state.vmas) mm.vmas.insert(restoreVma(mm, vma, references));
  return mm;
}

function restoreVma(mm: Mm, state: VmaState, references: References): Vma {
  const file = state.file === 0 ? undefined : references.file(state.file);
  if (state.file !== 0 && file === undefined) panic(`restore: open file ${state.file} is missing`);
  const special = state.special === '' ? undefined : references.special(state.special);
  const vma = new Vma(mm, vpn(state.start), vpn(state.end), state.flags, state.pgoff, file, special);
  vma.payer = state.payer;
  Object.assign(vma.swapReadahead, state.swapReadahead);
  vma.reserves = references.reserves(state.reserves);
  vma.reservesTaken = state.reservesTaken;
  file?.inode.mappings.add(vma);
  const anonVma = (id: number) => references.anonVmas.get(id) ?? panic(`restore: anon_vma ${id} is missing`);
  if (state.anonVma !== 0) vma.anonVma = anonVma(state.anonVma);
  for (const id of state.chain) link(vma, anonVma(id));
  return vma;
}

export function saveProcess(process: Process, filesNumber: number): ProcessState {
  return {
    pid: process.pid,
    parent: process.parent?.pid ?? 0,
    comm: process.comm,
    mm: process.mm.id,
    files: filesNumber,
    soft: process.rlimits.soft.slice(),
    hard: process.rlimits.hard.slice(),
    credentials: { ...process.credentials },
    endedMinFlt: process.endedMinFlt,
    endedMajFlt: process.endedMajFlt,
    payer: process.payer,
    readBytes: process.readBytes,
    writtenBytes: process.writtenBytes,
    cancelledBytes: process.cancelledBytes,
    calls: { ...process.calls },
    times: { ...process.times },
    oomScoreAdj: process.oomScoreAdj,
    oomScoreAdjMin: process.oomScoreAdjMin,
    ending: process.ending,
    uninterruptible: process.uninterruptible,
    pendingEnding: process.pendingEnding,
    oomVictim: process.oomVictim,
    reapAt: process.reapAt,
    tasks: process.tasks.map((task) => ({
      tid: task.tid,
      minFlt: task.minFlt,
      majFlt: task.majFlt,
      nrDirtied: task.nrDirtied,
      nrDirtiedPause: task.nrDirtiedPause,
      dirtyPausedWhen: task.dirtyPausedWhen,
      memcgNrPagesOverHigh: task.memcgNrPagesOverHigh,
    })),
  };
}

export function restoreProcess(state: ProcessState, mm: Mm, files: FileTable, parent: Process | undefined): Process {
  const process = new Process({
    pid: state.pid,
    parent,
    comm: state.comm,
    mm,
    files,
    rlimits: { soft: state.soft.slice(), hard: state.hard.slice() },
    credentials: { ...state.credentials },
  });
  process.endedMinFlt = state.endedMinFlt;
  process.endedMajFlt = state.endedMajFlt;
  process.payer = state.payer;
  process.readBytes = state.readBytes;
  process.writtenBytes = state.writtenBytes;
  process.cancelledBytes = state.cancelledBytes;
  Object.assign(process.calls, state.calls);
  Object.assign(process.times, state.times);
  process.oomScoreAdj = state.oomScoreAdj;
  process.oomScoreAdjMin = state.oomScoreAdjMin;
  process.ending = state.ending;
  process.uninterruptible = state.uninterruptible;
  process.pendingEnding = state.pendingEnding;
  process.oomVictim = state.oomVictim;
  process.reapAt = state.reapAt;
  for (const { tid, ...saved } of state.tasks) process.tasks.push(Object.assign(new Task(tid, process), saved));
  return process;
}

/** Descriptors as pairs of descriptor and open file. */
export type FileTableState = readonly (readonly [fd: number, file: number])[];

export const saveFileTable = (files: FileTable): FileTableState =>
  files.entries().map(([fd, file]) => [fd, file.id] as const);

export function restoreFileTable(state: FileTableState, file: (id: number) => File | undefined): FileTable {
  const table = new FileTable();
  for (const [fd, id] of state) table.replace(fd, file(id) ?? panic(`restore: open file ${id} is missing`));
  return table;
}
