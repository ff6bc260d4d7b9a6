import type { Pfn } from '../../hardware/units.ts';
import type { Vma } from '../address-space/vma.ts';
import { panic } from '../panic.ts';
import type { Hstate } from './hstate.ts';
import type { ReserveMap } from './reserve-map.ts';
import type { Subpool } from './subpool.ts';

/** Where the pages of files come from: a pool, and the limits of the mount that the files lie in. */
export interface HugePool {
  readonly hstate: Hstate;
  readonly subpool: Subpool | undefined;
}

/** What an inode of hugetlbfs has beside the rest (struct hugetlbfs_inode_info). Indexes count huge pages. */
export interface HugeInode extends HugePool {
  /** All of it was reserved when it was made: mappings reserve nothing (S_PRIVATE, for SHM_HUGETLB). */
  readonly reservedAhead: boolean;
  /** Pages of the file: index to first frame. */
  readonly pages: Map<number, Pfn>;
  /** Pages of the file that are reserved or there, for all who share it (i_private). */
  readonly reserves: ReserveMap;
}

/** The file of huge pages behind a VM_HUGETLB mapping. */
export const hugeInodeOf = (vma: Vma): HugeInode =>
  vma.file?.inode.huge ?? panic('hugetlb: a VM_HUGETLB mapping without a file of huge pages');

export const hstateOf = (vma: Vma): Hstate => hugeInodeOf(vma).hstate;

/** Index in the file of the huge page that holds a page of a mapping (vma_hugecache_offset). */
export const hugeIndex = (vma: Vma, page: number): number =>
  Math.floor((page - vma.start + vma.pgoff) / hstateOf(vma).pages);
