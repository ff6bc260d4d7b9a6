import type { Pfn, VirtualAddress, Vpn } from '../../hardware/units.ts';
import type { Vma } from './vma.ts';
import { VmaTree } from './vma-tree.ts';

/** Indexes of `Mm.rss` (include/linux/mm_types_task.h). */
export const MM_FILEPAGES = 0;
export const MM_ANONPAGES = 1;
export const MM_SWAPENTS = 2;
export const MM_SHMEMPAGES = 3;

/**
 * An address space (struct mm_struct). Several tasks may share one. Sizes are in pages unless a name says otherwise;
 * addresses that programs choose byte by byte (the break, the arguments) are bytes.
 */
export class Mm {
  readonly id: number;
  /** The frame of the top-level table (PGD). */
  readonly pgd: Pfn;
  readonly vmas: VmaTree = new VmaTree();
  /** Hears of each mapping that is made or goes: somebody pays for the kernel's memory that describes it. */
  onVma: (vma: Vma, isNew: boolean) => void = () => {};

  /** Where the search for a free range starts, going down (mm->mmap_base). */
  mmapBase: Vpn;
  startBrk: VirtualAddress = 0 as VirtualAddress;
  brk: VirtualAddress = 0 as VirtualAddress;
  startCode: VirtualAddress = 0 as VirtualAddress;
  endCode: VirtualAddress = 0 as VirtualAddress;
  startData: VirtualAddress = 0 as VirtualAddress;
  endData: VirtualAddress = 0 as VirtualAddress;
  startStack: VirtualAddress = 0 as VirtualAddress;

  totalVm = 0;
  /** Private writable and not stack: what RLIMIT_DATA limits (VmData). */
  dataVm = 0;
  execVm = 0;
  stackVm = 0;
  lockedVm = 0;
  hiwaterRss = 0;
  hiwaterVm = 0;

  /** Pages by MM_FILEPAGES, MM_ANONPAGES, MM_SWAPENTS, MM_SHMEMPAGES. */
  readonly rss: Int32Array = new Int32Array(4);
  /** 4 KiB pages in huge pages of the pools, which are not resident pages (hugetlb_usage). */
  hugetlbPages = 0;
  /**
   * The same as the OOM killer reads them: a processor keeps up to 31 pages to itself before it tells the others
   * (percpu_counter_add_batch, percpu_counter_read).
   */
  readonly rssRead: Int32Array = new Int32Array(4);
  /** Bytes of page tables below the PGD (VmPTE). */
  pgtablesBytes = 0;
  /** VM_LOCKED after mlockall(MCL_FUTURE): added to each new mapping. */
  defFlags = 0;
  /** A CPU has run it since MGLRU last walked its page tables (lru_gen_use_mm). */
  ranSinceWalk = true;
  /** Tasks that use it; at 0 everything is unmapped. */
  users = 1;
  /** CPUs on which a translation of this address space may be cached, a bit each. */
  cpuMask = 0;
  /** Memory cgroup that pays for its pages, 0 for none. */
  memcg = 0;
  /** prctl(PR_SET_THP_DISABLE). */
  thpDisabled = false;
  /** The OOM reaper has taken what it could (MMF_OOM_SKIP): nothing more is to be won here. */
  oomSkip = false;

  constructor(id: number, pgd: Pfn, mmapBase: Vpn) {
    this.id = id;
    this.pgd = pgd;
    this.mmapBase = mmapBase;
  }

  /** Resident pages: file, anonymous and shared memory (get_mm_rss). */
  get rssPages(): number {
    const rss = this.rss;
    return (rss[MM_FILEPAGES] as number) + (rss[MM_ANONPAGES] as number) + (rss[MM_SHMEMPAGES] as number);
  }
}
