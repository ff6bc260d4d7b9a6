import { LEAST_SHMEM_ORDER, PMD_ORDER } from './settings.ts';
import { sizeFolder } from './sysfs.ts';

/** Events of each size of huge pages (enum mthp_stat_item), under the kernel's names. */
const NAMES = [
  'anon_fault_alloc',
  'anon_fault_fallback',
  'anon_fault_fallback_charge',
  'zswpout',
  'swpin',
  'swpin_fallback',
  'swpin_fallback_charge',
  'swpout',
  'swpout_fallback',
  'shmem_alloc',
  'shmem_fallback',
  'shmem_fallback_charge',
  'split',
  'split_failed',
  'split_deferred',
] as const;

export const ANON_FAULT_ALLOC = 0;
export const ANON_FAULT_FALLBACK = 1;
export const ANON_FAULT_FALLBACK_CHARGE = 2;
export const SWPOUT = 7;
export const SWPOUT_FALLBACK = 8;
export const SHMEM_ALLOC = 9;
export const SHMEM_FALLBACK = 10;
export const SHMEM_FALLBACK_CHARGE = 11;
export const SPLIT = 12;
export const SPLIT_DEFERRED = 14;

/** The counters below hugepages-*kB/stats. */
export class SizeStats {
  readonly #values = new Float64Array((PMD_ORDER + 1) * NAMES.length);

  count(order: number, item: number, n = 1): void {
    (this.#values[order * NAMES.length + item] as number) += n;
  }

  /** @returns the events counted in `hugepages-64kB/stats/split` and the like, undefined for another name */
  read(name: string): number | undefined {
    const [folder, stats, item] = name.split('/');
    const index = (NAMES as readonly string[]).indexOf(item ?? '');
    if (stats !== 'stats' || index < 0) return undefined;
    for (let order = LEAST_SHMEM_ORDER; order <= PMD_ORDER; order++)
      if (sizeFolder(order) === folder) return this.#values[order * NAMES.length + index];
    return undefined;
  }

  /** Names of the counters, below hugepages-*kB/stats. */
  static readonly names: readonly string[] = NAMES;

  save(): Float64Array {
    return this.#values.slice();
  }

  restore(state: Float64Array): void {
    this.#values.set(state);
  }
}
