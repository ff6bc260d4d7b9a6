import type { Pfn, Vpn } from '../../hardware/units.ts';
import type { ReserveMap } from '../hugetlb/reserve-map.ts';
import type { File } from '../page-cache/file.ts';
import type { AnonVma } from '../rmap/anon-vma.ts';
import type { Mm } from './mm.ts';
import { VM_RAND_READ, VM_SEQ_READ, VM_SHARED } from './vm-flags.ts';

/** A mapping that the kernel itself made and whose pages it supplies: [vvar], [vvar_vclock], [vdso]. */
export interface SpecialMapping {
  /** As /proc/PID/maps prints it, brackets and all. */
  readonly name: string;
  /** Its frames in order; the kernel keeps them for ever. An access where none is raises SIGBUS. */
  readonly frames: readonly (Pfn | undefined)[];
  /** Whether its pages count as resident: those of [vdso] have a struct page of their own, those of [vvar] do not. */
  readonly counted: boolean;
}

/**
 * One mapping of an address space (struct vm_area_struct): a run of pages with the same flags, backed by one file, by
 * anonymous memory, or by both (private file mappings).
 */
export class Vma {
  readonly mm: Mm;
  /** First page. */
  start: Vpn;
  /** The page behind the last one. */
  end: Vpn;
  /** VM_* */
  flags: number;
  /** Offset of `start` in the file, in pages; for anonymous mappings the page number at its first placement. */
  pgoff: number;
  file: File | undefined;
  /** Set at the first fault that needs an anonymous page. */
  anonVma: AnonVma | undefined = undefined;
  /** Every anon_vma that may hold pages of this mapping: its own and those inherited by fork (anon_vma_chain). */
  anonVmaChain: AnonVma[] = [];
  readonly special: SpecialMapping | undefined;
  /** Of private VM_HUGETLB mappings: what it was promised; undefined in a child and with MAP_NORESERVE (HPAGE_RESV_OWNER). */
  reserves: ReserveMap | undefined = undefined;
  /** A page was taken from it for its parent's sake: what it has not mapped raises SIGBUS (HPAGE_RESV_UNMAPPED). */
  reservesTaken = false;
  /** Where swap readahead is: the last page that was swapped in, its window, the hits since (swap_readahead_info). */
  /** Memory cgroup that pays for this description, 0 for none. */
  payer = 0;
  readonly swapReadahead = { page: 0, window: 0, hits: 4 };

  constructor(
    mm: Mm,
    start: Vpn,
    end: Vpn,
    flags: number,
    pgoff: number,
    file?: File | undefined,
    special?: SpecialMapping | undefined,
  ) {
    this.mm = mm;
    this.start = start;
    this.end = end;
    this.flags = flags;
    this.pgoff = pgoff;
    this.file = file;
    this.special = special;
  }

  get pages(): number {
    return this.end - this.start;
  }

  contains(page: number): boolean {
    return page >= this.start && page < this.end;
  }

  /** No file and not special: vma_is_anonymous. Shared anonymous memory has a shmem file and is not. */
  get isAnonymous(): boolean {
    return this.file === undefined && this.special === undefined;
  }

  get isShared(): boolean {
    return (this.flags & VM_SHARED) !== 0;
  }
}

/** Page offset in the file (or the anonymous index) of a page of this mapping (linear_page_index). */
export const indexOf = (vma: Vma, page: number): number => page - vma.start + vma.pgoff;
/** The page at which an index lies; may be outside the mapping (vma_address). */
export const pageAt = (vma: Vma, index: number): Vpn => (vma.start + (index - vma.pgoff)) as Vpn;

/** Whether the use of a mapping's pages says that they will be used again (vma_has_recency). */
export const hasRecency = (vma: Vma): boolean =>
  (vma.flags & (VM_SEQ_READ | VM_RAND_READ)) === 0 && vma.file?.noReuse !== true;
