import type { Commitments, OvercommitParams } from './overcommit.ts';
import type { AdviceOps, FileOps, HugetlbOps, PageOps } from './page-ops.ts';

/** The sysctls that the address space obeys. Read at each use, so that a change counts at once. */
export interface AddressSpaceParams extends OvercommitParams {
  /** vm.max_map_count */
  readonly maxMapCount: number;
  /** vm.mmap_min_addr, bytes */
  readonly mmapMinAddr: number;
}

/** What all operations on an address space share. */
export interface AddressSpaceContext {
  readonly pages: PageOps;
  readonly advice: AdviceOps;
  readonly files: FileOps;
  readonly hugetlb: HugetlbOps;
  readonly params: AddressSpaceParams;
  readonly commitments: Commitments;
}
