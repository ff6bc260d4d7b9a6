/** One device as write-back sees it (struct bdi_writeback). */
import { PAGE_SIZE } from '../../hardware/units.ts';
import type { FileSystem } from './file-system.ts';
import type { Inode } from './inode.ts';

/** A piece of work of the flusher (struct wb_writeback_work). */
export interface Work {
  /** WB_REASON_* */
  readonly reason: number;
  /** Only files that became dirty at this time or before, in nanoseconds. */
  readonly dirtiedBefore: number;
  /** Pages to write at most, infinite for background work (LONG_MAX), and those that were submitted. */
  readonly asked: number;
  wroteAll: number;
  /** The file at hand, how many of its pages are submitted, and how many more may be before it is another's turn. */
  inode: Inode | undefined;
  wrote: number;
  left: number;
  /** When the present round through the files began, -1 before the first, and the pages submitted in it. */
  roundSince: number;
  roundWrote: number;
}

/** What a device is believed to write before it was seen to (INIT_BW): 100 MiB/s. */
const INITIAL_PAGES_PER_SECOND = (100 << 20) / PAGE_SIZE;
/** The measured bandwidth is a mean over about 3 s (wb_update_write_bandwidth). */
const BANDWIDTH_PERIOD_NS = 3e9;

export class Bdi {
  readonly fs: FileSystem;
  /** `major:minor` */
  readonly name: string;
  work: Work | undefined;
  /** Files whose turn it is, and those that had theirs and have dirty pages left (b_io, b_more_io). */
  readonly io: Set<Inode> = new Set();
  readonly moreIo: Set<Inode> = new Set();
  /** When its thread wakes next; 0 while it sleeps for good or waits for the disk. */
  due = 0;
  /** Why everything is to be written when the thread wakes (start_all_reason), -1 when it is not. */
  startAll = -1;
  lastOldFlush = 0;
  /** Pages per second. */
  writeBandwidth = INITIAL_PAGES_PER_SECOND;
  /** When the disk answered last. */
  lastAnswer = 0;
  /** The file system's last write error, for syncfs (s_wb_err): see errseq.ts. */
  writeError = 0;

  constructor(fs: FileSystem) {
    this.fs = fs;
    this.name = `${fs.dev >>> 20}:${fs.dev & 0xfffff}`;
  }

  /** The disk answered a request of so many pages, which it had since then. */
  answered(pages: number, since: number, now: number): void {
    const ns = now - Math.max(since, this.lastAnswer);
    this.lastAnswer = now;
    if (ns <= 0) return;
    const weight = Math.min(1, ns / BANDWIDTH_PERIOD_NS);
    this.writeBandwidth += ((pages * 1e9) / ns - this.writeBandwidth) * weight;
  }
}

export interface BdiState {
  readonly dev: number;
  readonly due: number;
  readonly startAll: number;
  readonly lastOldFlush: number;
  readonly writeBandwidth: number;
  readonly lastAnswer: number;
  readonly writeError: number;
  readonly work: (Omit<Work, 'inode'> & { readonly inode: number }) | undefined;
  /** Inode ids. */
  readonly io: readonly number[];
  readonly moreIo: readonly number[];
}

const idsOf = (inodes: ReadonlySet<Inode>): number[] => [...inodes].map(({ id }) => id);

export const saveBdi = (bdi: Bdi): BdiState => ({
  dev: bdi.fs.dev,
  due: bdi.due,
  startAll: bdi.startAll,
  lastOldFlush: bdi.lastOldFlush,
  writeBandwidth: bdi.writeBandwidth,
  lastAnswer: bdi.lastAnswer,
  writeError: bdi.writeError,
  work: bdi.work && { ...bdi.work, inode: bdi.work.inode?.id ?? 0 },
  io: idsOf(bdi.io),
  moreIo: idsOf(bdi.moreIo),
});

export function restoreBdi(state: BdiState, fs: FileSystem, inodeOf: (id: number) => Inode | undefined): Bdi {
  const { due, startAll, lastOldFlush, writeBandwidth, lastAnswer, writeError, work } = state;
  const bdi = Object.assign(new Bdi(fs), { due, startAll, lastOldFlush, writeBandwidth, lastAnswer, writeError });
  if (work !== undefined) bdi.work = { ...work, inode: inodeOf(work.inode) };
  for (const [ids, inodes] of [
    [state.io, bdi.io],
    [state.moreIo, bdi.moreIo],
  ] as const)
    for (const id of ids) {
      const inode = inodeOf(id);
      if (inode !== undefined) inodes.add(inode);
    }
  return bdi;
}
