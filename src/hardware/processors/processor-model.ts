import type { PageSizeName } from '../tlb/translation.ts';
import type { CacheGeometry } from '../tlb/translation-cache.ts';

/** One array of a TLB level: the page sizes that it holds and its geometry. */
export interface TlbArrayModel extends CacheGeometry {
  readonly pages: readonly PageSizeName[];
}

/** The arrays of a level. A page size that none of them holds is not cached there. */
export type TlbLevelModel = readonly TlbArrayModel[];

/** What of a processor matters to translation. Models are data: nothing but this differs between them. */
export interface ProcessorModel {
  readonly name: string;
  /** What it stands for, in a few words. */
  readonly title: string;
  /** Where the numbers come from. */
  readonly sources: readonly string[];
  /** Core clock that the cost table's cycles are turned into nanoseconds with. */
  readonly gigahertz: number;
  readonly l1Instruction: TlbLevelModel;
  readonly l1Data: TlbLevelModel;
  /** The second level; for data alone when `l2Instruction` exists. */
  readonly l2: TlbLevelModel;
  readonly l2Instruction?: TlbLevelModel;
  /** Entries of the page-walk caches, by what an entry of them points to; 0 for none. */
  readonly walkCaches: {
    readonly pageTables: number;
    readonly directories: number;
    readonly directoryPointers: number;
  };
  /** CR4.PCIDE is set: translations of several address spaces live side by side. */
  readonly pcid: boolean;
  /** MAXPHYADDR: higher address bits in an entry are reserved. */
  readonly physicalBits: number;
  /** PDPTE entries may map 1 GiB. */
  readonly gigabytePages: boolean;
}
