/**
 * Transparent huge pages of one machine: the switches, the huge page of zeros, the folios that wait to be split, and
 * khugepaged. What is done to page tables and folios is in the other files of this folder.
 */
import { type Pfn, pfn } from '../../hardware/units.ts';
import type { PageCore } from '../core.ts';
import {
  PG_HEAD,
  PG_ORDER_SHIFT,
  PG_PARTIALLY_MAPPED,
  PG_RESERVED,
  PG_TAIL,
  PG_UPTODATE,
} from '../frames/frame-table.ts';
import { MIGRATE_MOVABLE } from '../frames/zone.ts';
import { PMD_PAGES } from '../page-table/table-walk.ts';
import { THP_ZERO_PAGE_ALLOC, THP_ZERO_PAGE_ALLOC_FAILED } from '../vmstat.ts';
import { DeferredSplit, type DeferredSplitState } from './deferred-split.ts';
import { Khugepaged, type KhugepagedState } from './khugepaged.ts';
import {
  copyOfSettings,
  defaultThpSettings,
  LEAST_SHMEM_ORDER,
  PMD_ORDER,
  pmdSizeEnabled,
  smallSizesEnabled,
  type ThpMode,
  type ThpSettings,
} from './settings.ts';
import { SizeStats } from './size-stats.ts';
import { readThpSetting, sizeFolder, thpSettingNames, writeThpSetting } from './sysfs.ts';

export class HugePages {
  #settings: ThpSettings;
  #hasSmallSizes = false;
  readonly sizeStats = new SizeStats();
  readonly deferred: DeferredSplit;
  readonly khugepaged: Khugepaged;
  readonly #core: PageCore;
  /** First frame of the huge page of zeros, 0 before anybody needed it. */
  #zero = 0;

  constructor(core: PageCore, enabled: ThpMode) {
    this.#core = core;
    this.#settings = defaultThpSettings(enabled);
    this.deferred = new DeferredSplit(core);
    this.khugepaged = new Khugepaged(core);
  }

  get settings(): ThpSettings {
    return this.#settings;
  }

  set settings(settings: ThpSettings) {
    this.#settings = settings;
    this.#hasSmallSizes = smallSizesEnabled(settings);
  }

  /** Whether any fault in a block without a page table could get a huge page. */
  get isOn(): boolean {
    return pmdSizeEnabled(this.#settings);
  }

  /** Whether any fault could get one of the sizes below 2 MiB: asked at every fault in memory without pages. */
  get hasSmallSizes(): boolean {
    return this.#hasSmallSizes;
  }

  /** Whether a fault may reclaim and compact for a huge page (vma_thp_gfp_mask). */
  mayWaitFor(advised: boolean): boolean {
    const { defrag } = this.settings;
    return defrag === 'always' || (advised && (defrag === 'madvise' || defrag === 'defer+madvise'));
  }

  /**
   * A large anonymous folio, charged (vma_alloc_folio); when there is none in one piece, memory is compacted for it if the
   * requester may wait. @returns as UserPages.allocateAnonFolio
   */
  allocate(order: number, mayWait: boolean, payer?: number): Pfn | -1 | -2 {
    const { pages, compaction } = this.#core;
    const head = pages.allocateAnonFolio(order, mayWait, payer);
    if (head !== -1 || !mayWait || !compaction.direct(order)) return head;
    return pages.allocateAnonFolio(order, mayWait, payer);
  }

  /** The huge page of zeros, made when it is first needed (get_huge_zero_folio), or -1 when there is no memory. */
  hugeZeroFrame(): Pfn | -1 {
    if (this.#zero !== 0) return pfn(this.#zero);
    const { allocator, table, vmstat } = this.#core;
    const head = allocator.allocateAboveLow(PMD_ORDER, MIGRATE_MOVABLE);
    if (head < 0) {
      vmstat.count(THP_ZERO_PAGE_ALLOC_FAILED);
      return -1;
    }
    vmstat.count(THP_ZERO_PAGE_ALLOC);
    const common = PG_RESERVED | PG_UPTODATE | (PMD_ORDER << PG_ORDER_SHIFT);
    for (let i = 0; i < PMD_PAGES; i++) table.flags[head + i] = common | (i === 0 ? PG_HEAD : PG_TAIL);
    this.#zero = head;
    return head;
  }

  /** Names of all files below /sys/kernel/mm/transparent_hugepage. */
  static readonly fileNames: readonly string[] = [
    ...thpSettingNames,
    'khugepaged/pages_collapsed',
    'khugepaged/full_scans',
    ...[...SizeStats.names, 'nr_anon', 'nr_anon_partially_mapped'].flatMap((name) =>
      Array.from({ length: PMD_ORDER }, (_, i) => `${sizeFolder(i + LEAST_SHMEM_ORDER)}/stats/${name}`),
    ),
  ];

  /** @returns the text of a file below /sys/kernel/mm/transparent_hugepage, undefined when there is no such file */
  read(name: string): string | undefined {
    if (name === 'khugepaged/pages_collapsed') return String(this.khugepaged.pagesCollapsed);
    if (name === 'khugepaged/full_scans') return String(this.khugepaged.fullScans);
    const counted = this.sizeStats.read(name) ?? this.#countFolios(name);
    return counted === undefined ? readThpSetting(this.settings, name) : String(counted);
  }

  /** @returns 0, -EINVAL for a value that the kernel refuses, undefined when no such file can be written */
  write(name: string, text: string): number | undefined {
    const result = writeThpSetting(this.#settings, name, text);
    if (result === 0) {
      this.#hasSmallSizes = smallSizesEnabled(this.#settings);
      this.khugepaged.settingsChanged();
    }
    return result;
  }

  /** nr_anon and nr_anon_partially_mapped of a size: counted when somebody reads them. */
  #countFolios(name: string): number | undefined {
    const { table } = this.#core;
    for (let order = LEAST_SHMEM_ORDER; order <= PMD_ORDER; order++) {
      const isAll = name === `${sizeFolder(order)}/stats/nr_anon`;
      if (!isAll && name !== `${sizeFolder(order)}/stats/nr_anon_partially_mapped`) continue;
      const wanted = isAll ? PG_HEAD : PG_PARTIALLY_MAPPED;
      let folios = 0;
      for (let frame = 0; frame < table.frames; frame++)
        if (table.has(pfn(frame), wanted) && table.order(pfn(frame)) === order && table.isAnonymous(pfn(frame)))
          folios++;
      return folios;
    }
    return undefined;
  }

  save(): HugePagesState {
    return {
      settings: copyOfSettings(this.settings),
      zero: this.#zero,
      sizeStats: this.sizeStats.save(),
      deferred: this.deferred.save(),
      khugepaged: this.khugepaged.save(),
    };
  }

  restore(state: HugePagesState): void {
    this.settings = copyOfSettings(state.settings);
    this.#zero = state.zero;
    this.sizeStats.restore(state.sizeStats);
    this.deferred.restore(state.deferred);
    this.khugepaged.restore(state.khugepaged);
  }
}

export interface HugePagesState {
  readonly settings: ThpSettings;
  readonly zero: number;
  readonly sizeStats: Float64Array;
  readonly deferred: DeferredSplitState;
  readonly khugepaged: KhugepagedState;
}
