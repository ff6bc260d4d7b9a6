import type { Vma } from '../address-space/vma.ts';
import type { PageIndex } from './page-index.ts';

/** Where a file's bytes come from and go to, page by page. The machine without contents never asks. */
export interface Backing {
  /** Fills `into` (4096 bytes, zeroed) with a page of the file; false for a hole. */
  readPage(index: number, into: Uint8Array): boolean;
  /** Keeps a page that write-back wrote. */
  writePage(index: number, from: Uint8Array): void;
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
  /** 'file': on a disk. 'shmem': tmpfs, memfd and shared anonymous memory; pages live only in the cache. */
  readonly kind: 'file' | 'shmem';
  /** Bytes. */
  size: number;
  /** Cached pages: index to frame. */
  readonly pages: PageIndex;
  /** The reverse map of file pages: every mapping of this file (i_mmap). */
  readonly mappings: Set<Vma>;
  readonly backing: Backing | undefined;
}
