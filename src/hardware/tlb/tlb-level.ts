import type { TlbLevelModel } from '../processors/processor-model.ts';
import {
  PAGE_SIZE_NAMES,
  PAGES_PER_SIZE,
  pcidCount,
  pcidOf,
  pcidStride,
  SIZE_4K,
  SIZE_STRIDE,
  sizeOf,
} from './translation.ts';
import { type SharedColumns, TranslationCache, type TranslationCacheState } from './translation-cache.ts';

/**
 * One level of TLB: up to three arrays, one for each page size, or fewer that hold several sizes. An entry is looked
 * for as a page of each size that has any entries at all, and as a global one when there are such.
 */
export class TlbLevel {
  /** The array that holds 4 KiB pages. */
  readonly small: TranslationCache;
  readonly #bySize: (TranslationCache | undefined)[];
  readonly #arrays: TranslationCache[] = [];
  readonly #stride: number;
  readonly #anyPcid: number;
  /** Global entries were ever kept; until then they are not looked for. */
  #hasGlobal = false;

  /** What `lookup` found. */
  way = 0;
  array: TranslationCache;

  /**
   * @param levels of page tables
   * @param smallColumns for the array of 4 KiB pages, as TranslationCache takes them
   *
   * Throws RangeError for a model in which no array, or more than one, holds 4 KiB pages.
   */
  constructor(model: TlbLevelModel, levels: number, smallColumns?: SharedColumns) {
    this.#bySize = PAGE_SIZE_NAMES.map(() => undefined);
    for (const arrayModel of model) {
      const array = new TranslationCache(arrayModel, arrayModel.pages.includes('4K') ? smallColumns : undefined);
      this.#arrays.push(array);
      for (const name of arrayModel.pages) {
        const size = PAGE_SIZE_NAMES.indexOf(name);
        if (this.#bySize[size] !== undefined) throw new RangeError(`TlbLevel: two arrays for ${name} pages`);
        this.#bySize[size] = array;
      }
    }
    const small = this.#bySize[SIZE_4K];
    if (small === undefined) throw new RangeError('TlbLevel: no array for 4K pages');
    this.small = small;
    this.array = small;
    this.#stride = pcidStride(levels);
    this.#anyPcid = pcidCount(levels);
  }

  /** Finds the translation of a page in `array` and `way`. Does not count as a use. */
  lookup(page: number, pcid: number): boolean {
    return (
      this.#lookupTagged(page, pcid * this.#stride) ||
      (this.#hasGlobal && this.#lookupTagged(page, this.#anyPcid * this.#stride))
    );
  }

  #lookupTagged(page: number, context: number): boolean {
    this.array = this.small;
    this.way = this.small.find(page + context);
    if (this.way >= 0) return true;
    for (let size = 1; size < PAGE_SIZE_NAMES.length; size++) {
      const array = this.#bySize[size];
      if (array === undefined || array.live[size] === 0) continue;
      this.way = array.find(Math.floor(page / PAGES_PER_SIZE[size]) + context + size * SIZE_STRIDE);
      if (this.way >= 0) {
        this.array = array;
        return true;
      }
    }
    return false;
  }

  /**
   * Keeps a translation; `flags` name its size and PCID. Returns its entry if that is in the array of 4 KiB pages,
   * else -1: such a page is not for the replay's inner loop.
   */
  insert(page: number, frame: number, flags: number, storable: boolean, now: number): number {
    const size = sizeOf(flags);
    const array = this.#bySize[size];
    if (array === undefined) return -1;
    const pcid = pcidOf(flags);
    if (pcid === this.#anyPcid) this.#hasGlobal = true;
    const tag = Math.floor(page / PAGES_PER_SIZE[size]) + pcid * this.#stride + size * SIZE_STRIDE;
    const way = array.insert(tag, frame, flags, storable, now);
    return size === SIZE_4K ? way : -1;
  }

  /** Forgets what translates this page, of any size. */
  drop(page: number, pcid: number): void {
    while (this.#lookupTagged(page, pcid * this.#stride)) this.array.drop(this.way);
  }

  /** Forgets what translates this page in every address space. */
  dropGlobal(page: number): void {
    if (this.#hasGlobal) this.drop(page, this.#anyPcid);
  }

  dropPcid(pcid: number): void {
    for (const array of this.#arrays) array.dropPcid(pcid);
  }

  dropAll(includingGlobal: boolean): void {
    for (const array of this.#arrays) array.dropAll(includingGlobal ? -1 : this.#anyPcid);
    if (includingGlobal) this.#hasGlobal = false;
  }

  /** Forgets the entries whose protection key is not 0: their rights changed. */
  dropKeyed(): void {
    for (const array of this.#arrays) array.dropKeyed();
  }

  save(): TranslationCacheState[] {
    return this.#arrays.map((array) => array.save());
  }

  restore(states: readonly TranslationCacheState[]): void {
    if (states.length !== this.#arrays.length)
      throw new RangeError(`TlbLevel.restore: a state of ${states.length} arrays, this has ${this.#arrays.length}`);
    this.#arrays.forEach((array, i) => {
      array.restore(states[i]);
    });
    this.#hasGlobal = true;
  }
}
