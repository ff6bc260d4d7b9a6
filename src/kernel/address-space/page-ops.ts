import type { Vpn } from '../../hardware/units.ts';
import type { Hstate } from '../hugetlb/hstate.ts';
import type { File } from '../page-cache/file.ts';
import type { Task } from '../process/process.ts';
import type { Mm } from './mm.ts';
import type { Vma } from './vma.ts';

/**
 * What the address space asks of page tables, faults and the reverse map. Ranges are pages, [start, end), inside the
 * mapping given.
 */
export interface PageOps {
  /**
   * Drops every entry of the range and what it maps (unmap_page_range). Page tables stay.
   * @param dropMarkers guard markers too: at munmap, not at MADV_DONTNEED
   */
  zap(vma: Vma, start: Vpn, end: Vpn, dropMarkers: boolean): void;
  /** Frees tables of [start, end) that lie wholly in [floor, ceiling), where nothing is mapped (free_pgd_range). */
  freeTables(mm: Mm, start: Vpn, end: Vpn, floor: number, ceiling: number): void;
  /** Splits the huge page that a future border between two mappings cuts (vma_adjust_trans_huge). */
  splitHugeAt(vma: Vma, border: Vpn): void;
  /** Rewrites the entries of the range to the mapping's present flags (change_protection). */
  protect(vma: Vma, start: Vpn, end: Vpn): void;
  /** Moves entries to another place of the same address space (move_page_tables): pages moved, all unless memory is out. */
  move(from: Vma, start: Vpn, to: Vma, newStart: Vpn, pages: number): number;
  /**
   * Faults the range in as mlock and MAP_POPULATE do (populate_vma_page_range): 0 or a negated errno.
   * @param resumes a fault that waits for the disk is gone on with and counts as major: mprotect, which keeps its lock
   */
  populate(task: Task, vma: Vma, start: Vpn, end: Vpn, resumes?: boolean): number;
  /** Faults the range in as MADV_POPULATE_READ or _WRITE do (faultin_page_range): 0 or a negated errno. */
  populateRange(task: Task, vma: Vma, start: Vpn, end: Vpn, write: boolean): number;
  /** Marks the present pages of a range as mlocked, or no longer (mlock_vma_pages_range). */
  lockPages(vma: Vma, start: Vpn, end: Vpn): void;
  unlockPages(vma: Vma, start: Vpn, end: Vpn): void;
  /** Links `to`, whose `anonVma` is already set, into every anon_vma of `from` (anon_vma_clone). */
  cloneAnonVmas(from: Vma, to: Vma): void;
  /** Takes a mapping out of every anon_vma that it is in, and leaves it without (unlink_anon_vmas). */
  unlinkAnonVmas(vma: Vma): void;
  /** Gives a mapping an anon_vma when it has none (anon_vma_prepare). */
  prepareAnonVma(vma: Vma): void;
}

/** Page-level work of madvise(2) and mincore(2) beyond dropping pages. */
export interface AdviceOps {
  /** MADV_FREE: the private anonymous pages of the range may be forgotten until they are written again. */
  free(vma: Vma, start: Vpn, end: Vpn): void;
  /** MADV_COLLAPSE: the whole blocks of 2 MiB in the range become huge pages; 0 or a negated errno. */
  collapse(task: Task, vma: Vma, start: Vpn, end: Vpn): number;
  /** MADV_HUGEPAGE was given: khugepaged looks at the address space from now on, if the mapping is fit for it. */
  enterKhugepaged(vma: Vma): void;
  /** MADV_COLD: the pages of the range go to the inactive list. */
  cold(vma: Vma, start: Vpn, end: Vpn): void;
  /** MADV_PAGEOUT: the pages of the range are reclaimed now, where reclaim can. */
  pageout(task: Task, vma: Vma, start: Vpn, end: Vpn): void;
  /** MADV_WILLNEED on anonymous memory: swapped pages are read back. */
  swapin(task: Task, vma: Vma, start: Vpn, end: Vpn): void;
  /** The same on shared memory. */
  swapinShared(task: Task, vma: Vma, start: Vpn, end: Vpn): void;
  /** Drops what is mapped and puts guard markers in its place; 0 or -ENOMEM. */
  guardInstall(vma: Vma, start: Vpn, end: Vpn): number;
  guardRemove(vma: Vma, start: Vpn, end: Vpn): void;
  /** Frees the last-level tables that [start, end) covers whole and that are empty (CONFIG_PT_RECLAIM). */
  reclaimTables(mm: Mm, start: Vpn, end: Vpn): void;
  /** mincore: 1 for each page of the range that is resident, else 0. */
  residency(vma: Vma, start: Vpn, end: Vpn, into: Uint8Array, at: number): void;
}

/** What the address space asks of the pools of huge pages. */
export interface HugetlbOps {
  /** The pool of the page size that mmap's flags name; undefined when there is none. */
  hstateOfFlags(flags: number): Hstate | undefined;
  readonly files: {
    /** A new mapping of a file of huge pages: its pages are promised. @returns 0, -ENOMEM, -EINVAL */
    mapped(vma: Vma): number;
  };
  readonly reservations: {
    /** A mapping was cut from another, or is its copy at a new place. */
    opened(vma: Vma): void;
    /** A mapping goes: unused promises go back. */
    closed(vma: Vma): void;
    /** The pages of a mapping have moved, and its promises with them. */
    handedOver(vma: Vma): void;
  };
}

/** What the address space asks of files. Offsets and lengths are bytes. */
export interface FileOps {
  /** A new mapping of `vma.file`: adds it to i_mmap and takes a reference to the file. */
  mapFile(vma: Vma): void;
  unmapFile(vma: Vma): void;
  /**
   * The unnamed shared memory behind MAP_SHARED | MAP_ANONYMOUS (shmem_zero_setup), without a reference: mapFile takes
   * the first.
   * @param commit 'size': all of it was promised by the caller, and is released when the file goes; 'page': nothing was
   */
  shmemFile(bytes: number, commit: 'size' | 'page'): File;
  /** The unnamed file of huge pages behind MAP_ANONYMOUS | MAP_HUGETLB (hugetlb_file_setup), held by who asked. */
  hugetlbFile(hstate: Hstate, bytes: number): File;
  /** Lets go of a file that was held (fput). */
  put(file: File): void;
  /** msync(MS_SYNC) of a part of a file (vfs_fsync_range): 0 or a negated errno. */
  syncRange(task: Task, file: File, from: number, to: number): number;
  /** MADV_REMOVE (fallocate with FALLOC_FL_PUNCH_HOLE): 0 or a negated errno. */
  punchHole(task: Task, file: File, offset: number, length: number): number;
  /** MADV_WILLNEED of a mapped file (posix_fadvise). */
  willneed(task: Task, file: File, offset: number, length: number): void;
}
