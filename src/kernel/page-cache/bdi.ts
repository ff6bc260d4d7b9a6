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
  /** Pages that were dirty at the start: no more than these are written. */
  readonly asked: number;
  /** What is left of them. */
  pages: number;
  /** The file at hand, and how many of its pages are written. */
  inode: Inode | undefined;
  wrote: number;
}

/** Pages on their way to the disk. */
export interface Request {
  readonly inode: Inode;
  readonly first: number;
  readonly end: number;
  /** When it was submitted. */
  readonly since: number;
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
  request: Request | undefined;
  /** When its thread wakes next, or when the request at hand is answered; 0 while it sleeps for good. */
  due = 0;
  lastOldFlush = 0;
  /** Pages per second. */
  writeBandwidth = INITIAL_PAGES_PER_SECOND;
  /** The file system's last write error, for syncfs (s_wb_err): see errseq.ts. */
  writeError = 0;

  constructor(fs: FileSystem) {
    this.fs = fs;
    this.name = `${fs.dev >>> 20}:${fs.dev & 0xfffff}`;
  }

  /** So many pages took so long. */
  measure(pages: number, ns: number): void {
    if (ns <= 0) return;
    const weight = Math.min(1, ns / BANDWIDTH_PERIOD_NS);
    this.writeBandwidth += ((pages * 1e9) / ns - this.writeBandwidth) * weight;
  }
}

export const bdiOf = (fs: FileSystem): Bdi => new Bdi(fs);

export interface BdiState {
  readonly dev: number;
  readonly due: number;
  readonly lastOldFlush: number;
  readonly writeBandwidth: number;
  readonly writeError: number;
  readonly work: (Omit<Work, 'inode'> & { readonly inode: number }) | undefined;
  readonly request: (Omit<Request, 'inode'> & { readonly inode: number }) | undefined;
}

export const saveBdi = (bdi: Bdi): BdiState => ({
  dev: bdi.fs.dev,
  due: bdi.due,
  lastOldFlush: bdi.lastOldFlush,
  writeBandwidth: bdi.writeBandwidth,
  writeError: bdi.writeError,
  work: bdi.work && { ...bdi.work, inode: bdi.work.inode?.id ?? 0 },
  request: bdi.request && { ...bdi.request, inode: bdi.request.inode.id },
});

export function restoreBdi(state: BdiState, fs: FileSystem, inodeOf: (id: number) => Inode | undefined): Bdi {
  const { due, lastOldFlush, writeBandwidth, writeError, work, request } = state;
  const bdi = Object.assign(new Bdi(fs), { due, lastOldFlush, writeBandwidth, writeError });
  if (work !== undefined) bdi.work = { ...work, inode: inodeOf(work.inode) };
  const inode = request && inodeOf(request.inode);
  if (request !== undefined && inode !== undefined) bdi.request = { ...request, inode };
  return bdi;
}
