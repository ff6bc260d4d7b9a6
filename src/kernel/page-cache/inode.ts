import type { Vma } from '../address-space/vma.ts';
import type { HugeInode } from '../hugetlb/huge-inode.ts';
import type { FileSystem } from './file-system.ts';
import { PageIndex } from './page-index.ts';
import { PageRanges } from './page-ranges.ts';

/** Where a file's bytes come from and go to, page by page. The machine without contents never asks. */
export interface Backing {
  /** Fills `into` (4096 bytes, zeroed) with a page of the file; false for a hole. */
  readPage(index: number, into: Uint8Array): boolean;
  /** Keeps a page that write-back wrote. @returns 0, or a negated errno when the disk failed */
  writePage(index: number, from: Uint8Array): number;
  /** What a snapshot keeps of it; a backing without this cannot be in a snapshot. */
  save?(): BackingState;
}

/** A file's contents as plain data: how they began, and the pages that were written since. */
export interface BackingState {
  readonly kind: 'empty' | 'pattern';
  /** Bytes of the first contents. */
  readonly size: number;
  readonly indexes: Int32Array;
  /** 4096 bytes for each of `indexes`. */
  readonly contents: Uint8Array;
}

/**
 * A file (struct inode with its i_mapping, the address_space): its size, its cached pages, and the mappings through
 * which they may be mapped.
 */
export interface Inode {
  readonly id: number;
  /** The inode number that stat and /proc/PID/maps show. */
  readonly ino: number;
  readonly dev: number;
  /** As /proc/PID/maps shows it. */
  name: string;
  /**
   * 'file': on a disk. 'shmem': tmpfs, memfd and shared anonymous memory; pages live only in the cache. 'hugetlb': huge
   * pages of a pool, which are in `huge`.
   */
  readonly kind: 'file' | 'shmem' | 'hugetlb';
  /** Pages and reservations of a file of hugetlbfs; undefined of any other. */
  readonly huge: HugeInode | undefined;
  readonly fs: FileSystem;
  /** Bytes. */
  size: number;
  /** Cached pages: index to frame. */
  readonly pages: PageIndex;
  /** Which cgroups pay for how many nodes of the index. */
  readonly indexPayers: Map<number, number>;
  /** Pages that have blocks on the disk with something written in them; reading any other page is no I/O. */
  readonly extents: PageRanges;
  /** Pages that fallocate(2) gave blocks to (unwritten extents): they read as holes do. */
  readonly unwritten: PageRanges;
  /** The reverse map of file pages: every mapping of this file (i_mmap). */
  readonly mappings: Set<Vma>;
  readonly backing: Backing | undefined;
  /** Cached pages that differ from the disk. */
  dirtyPages: number;
  /** When the first of them became so, in nanoseconds since boot (dirtied_when). */
  dirtiedWhen: number;
  /** Where the flusher goes on writing (writeback_index). */
  writebackIndex: number;
  /** The last write error, as errseq.ts keeps it (wb_err). */
  writeError: number;
  /** The size and the extents that the file system's journal has: what is left after a power cut. */
  durable: Durable;
  /** Names in directories (i_nlink). */
  links: number;
  /**
   * How the pages of a memory file count in Committed_AS: all of its size since it was made, or each when it is made, as
   * for memfd and MAP_NORESERVE (VM_NORESERVE in mm/shmem.c).
   */
  readonly commit: 'size' | 'page';
  /** Tick of the clock at which it was written to last, -1 before. */
  changedTick: number;
  /** It was truncated to nothing; ext4 then writes it back when it is closed. */
  flushOnClose: boolean;
  /** Open file descriptions. A file without names and users is gone, its cache with it (iput). */
  users: number;
}

/** What the disk knows of a file besides its pages. */
export interface Durable {
  readonly size: number;
  /** Start and end of each extent, in pages. */
  readonly extents: readonly [start: number, end: number][];
}

/** What a new inode needs to be told; the rest has a beginning of its own. */
export interface InodeInit {
  readonly id: number;
  readonly ino: number;
  readonly name: string;
  readonly kind: 'file' | 'shmem' | 'hugetlb';
  readonly huge?: HugeInode | undefined;
  readonly fs: FileSystem;
  readonly size: number;
  readonly backing?: Backing | undefined;
  readonly commit?: 'size' | 'page';
}

/** An inode without names, whose bytes up to `size` are a hole until somebody adds extents. */
export const makeInode = (init: InodeInit): Inode => ({
  ...init,
  dev: init.fs.dev,
  pages: new PageIndex(),
  indexPayers: new Map(),
  extents: new PageRanges(),
  unwritten: new PageRanges(),
  mappings: new Set(),
  huge: init.huge,
  backing: init.backing,
  commit: init.commit ?? 'page',
  dirtyPages: 0,
  dirtiedWhen: 0,
  writebackIndex: 0,
  writeError: 0,
  durable: { size: 0, extents: [] },
  changedTick: -1,
  flushOnClose: false,
  links: 0,
  users: 0,
});

/** Whether some page of [first, end) has no block on the disk. */
export function hasHole({ extents, unwritten }: Inode, first: number, end: number): boolean {
  for (let index = first; index < end; index++) if (!extents.has(index) && !unwritten.has(index)) return true;
  return false;
}
