import type { Inode } from './inode.ts';

/** The readahead state of an open file (struct file_ra_state), in pages. */
export interface ReadaheadState {
  start: number;
  size: number;
  asyncSize: number;
  /** Largest window; 0 turns readahead off. */
  raPages: number;
  /** Folio order of the last window. */
  order: number;
  /** Misses through mappings that readahead did not help. */
  mmapMiss: number;
  /** Byte position behind the last read, -1 before the first. */
  prevPos: number;
}

/** An open file description (struct file): what open(2) makes and dup and fork share. */
export class File {
  readonly id: number;
  readonly inode: Inode;
  /** O_* */
  readonly flags: number;
  position = 0;
  /** posix_fadvise(POSIX_FADV_RANDOM): FMODE_RANDOM. */
  random = false;
  /** posix_fadvise(POSIX_FADV_NOREUSE): FMODE_NOREUSE. */
  noReuse = false;
  readonly ra: ReadaheadState;
  /** The write errors of its file, and of its file system, that it has heard of (f_wb_err, f_sb_err; errseq.ts). */
  writeErrorSeen = 0;
  superErrorSeen = 0;
  /** Descriptors and mappings that hold it; at 0 it is closed. */
  references = 1;
  /** Number of the cgroup that pays for this description. */
  payer = 0;

  constructor(id: number, inode: Inode, flags: number, raPages: number) {
    this.id = id;
    this.inode = inode;
    this.flags = flags;
    this.ra = { start: 0, size: 0, asyncSize: 0, raPages, order: 0, mmapMiss: 0, prevPos: -1 };
  }
}
