/**
 * The switches of transparent huge pages (/sys/kernel/mm/transparent_hugepage; Documentation/admin-guide/mm/transhuge.rst):
 * what the administrator allows, as plain values that a snapshot can keep.
 */

/** Who gets huge pages: everybody, mappings with MADV_HUGEPAGE, nobody. */
export type ThpMode = 'always' | 'madvise' | 'never';
/** The same for one size; `inherit` follows the switch for all sizes. */
export type SizeMode = ThpMode | 'inherit';
/** What a fault may do for a huge page: reclaim and compact itself, leave it to kswapd, or nothing. */
export type DefragMode = 'always' | 'defer' | 'defer+madvise' | 'madvise' | 'never';
/** Shared memory: `within_size` only inside the file's length, `advise` with MADV_HUGEPAGE. */
export type ShmemMode = 'always' | 'within_size' | 'advise' | 'never' | 'deny' | 'force';
export type ShmemSizeMode = 'always' | 'inherit' | 'within_size' | 'advise' | 'never';

/** Orders of anonymous huge pages: 16 KiB to 2 MiB (THP_ORDERS_ALL_ANON). */
export const LEAST_ORDER = 2;
export const PMD_ORDER = 9;
/** Shared memory may have 8 KiB pages too (THP_ORDERS_ALL_FILE_DEFAULT). */
export const LEAST_SHMEM_ORDER = 1;

export interface Khugepaged {
  /** Pages that are looked at before khugepaged sleeps. */
  pagesToScan: number;
  scanSleepMillisecs: number;
  /** How long it sleeps when no huge page was to be had. */
  allocSleepMillisecs: number;
  /** Of the 512 pages of a block, how many may be missing, in swap, shared with another process. */
  maxPtesNone: number;
  maxPtesSwap: number;
  maxPtesShared: number;
  /** Whether it may reclaim and compact for a huge page. */
  defrag: boolean;
}

export interface ThpSettings {
  enabled: ThpMode;
  defrag: DefragMode;
  /** A load of fresh memory maps the huge page of zeros. */
  useZeroPage: boolean;
  /** Huge pages that hold mostly zeros are split when memory is short. */
  shrinkUnderused: boolean;
  shmemEnabled: ShmemMode;
  /** By order from 0 to 9; orders that do not exist are 'never'. */
  readonly sizes: SizeMode[];
  readonly shmemSizes: ShmemSizeMode[];
  readonly khugepaged: Khugepaged;
}

/** What a kernel boots with (mm/huge_memory.c, mm/khugepaged.c, mm/shmem.c); `enabled` is chosen by its configuration. */
export const defaultThpSettings = (enabled: ThpMode): ThpSettings => ({
  enabled,
  defrag: 'madvise',
  useZeroPage: true,
  shrinkUnderused: true,
  shmemEnabled: 'never',
  sizes: Array.from({ length: PMD_ORDER + 1 }, (_, order) => (order === PMD_ORDER ? 'inherit' : 'never')),
  shmemSizes: Array.from({ length: PMD_ORDER + 1 }, (_, order) => (order === PMD_ORDER ? 'inherit' : 'never')),
  khugepaged: {
    pagesToScan: 4096,
    scanSleepMillisecs: 10_000,
    allocSleepMillisecs: 60_000,
    maxPtesNone: 511,
    maxPtesSwap: 64,
    maxPtesShared: 256,
    defrag: true,
  },
});

/** A copy that shares nothing with the original. */
export const copyOfSettings = (settings: ThpSettings): ThpSettings => ({
  ...settings,
  sizes: [...settings.sizes],
  shmemSizes: [...settings.shmemSizes],
  khugepaged: { ...settings.khugepaged },
});

/** Whether pages of an order are to be given to a mapping with or without MADV_HUGEPAGE, by the switches alone. */
export function orderAllowed({ enabled, sizes }: ThpSettings, order: number, advised: boolean): boolean {
  const size = sizes[order];
  const mode = size === 'inherit' ? enabled : size;
  return mode === 'always' || (mode === 'madvise' && advised);
}

const isEnabled = ({ enabled, sizes }: ThpSettings, order: number): boolean =>
  (sizes[order] === 'inherit' ? enabled : sizes[order]) !== 'never';

/** Whether anybody could get anonymous pages of 16 KiB to 1 MiB. */
export function smallSizesEnabled(settings: ThpSettings): boolean {
  for (let order = LEAST_ORDER; order < PMD_ORDER; order++) if (isEnabled(settings, order)) return true;
  return false;
}

/** Whether anybody could get anonymous pages of 2 MiB at a fault. */
export const pmdSizeEnabled = (settings: ThpSettings): boolean => isEnabled(settings, PMD_ORDER);

/** Whether anybody could get an anonymous page of 2 MiB (hugepage_pmd_enabled, but for shared memory). */
export const pmdEnabled = (settings: ThpSettings): boolean =>
  pmdSizeEnabled(settings) || settings.enabled !== 'never' || settings.shmemEnabled === 'always';
