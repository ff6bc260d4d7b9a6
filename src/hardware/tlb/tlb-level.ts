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
 * One level of TLB: up to three arrays, one for each page size, or fewer that hold several sizes. The common case, a
 * page of 4 KiB of the current PCID, is looked for in `small` directly.
 */
export class TlbLevel {
  /** The array that holds 4 KiB pages. */
  readonly small: TranslationCache;
  /** Sizes of large pages that were kept, a bit each, and whether any page was global: `small.find` does not know these. */
  #largeSizes = 0;
  #hasGlobal = false;
  /** What `lookup` found. */
  array: TranslationCache;
  way = 0;

  readonly #bySize: (TranslationCache | undefined)[];
  readonly #arrays: TranslationCache[] = [];
  readonly #stride: number;
  readonly #anyPcid: number;

  /**
   * @param levels of page tables
   * @param columns to be cut up among the arrays, that of 4 KiB pages first
   *
   * Throws RangeError for a model in which no array, or more than one, holds 4 KiB pages.
   */
  constructor(model: TlbLevelModel, levels: number, columns?: SharedColumns) {
    this.#bySize = PAGE_SIZE_NAMES.map(() => undefined);
    const isSmall = ({ pages }: TlbLevelModel[number]): number => Number(pages.includes('4K'));
    let first = 0;
    for (const geometry of [...model].sort((a, b) => isSmall(b) - isSmall(a))) {
      const array = new TranslationCache(geometry, columns && part(columns, first, geometry.entries));
      first += geometry.entries;
      this.#arrays.push(array);
      for (const name of geometry.pages) {
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

  /** A large or a global page was kept: `small.find` does not know all. */
  get hasOthers(): boolean {
    return this.#largeSizes !== 0 || this.#hasGlobal;
  }

  /** Finds the translation of a page, of any size, in `array` and `way`. Does not count as a use. */
  lookup(page: number, pcid: number): boolean {
    return this.#lookupTagged(page, pcid) || (this.#hasGlobal && this.#lookupTagged(page, this.#anyPcid));
  }

  #lookupTagged(page: number, pcid: number): boolean {
    for (let size = 0; size < PAGE_SIZE_NAMES.length; size++) {
      const array = this.#bySize[size];
      if (array === undefined || (size !== SIZE_4K && (this.#largeSizes & (1 << size)) === 0)) continue;
      this.way = array.find(this.#tag(page, size, pcid));
      if (this.way < 0) continue;
      this.array = array;
      return true;
    }
    return false;
  }

  #tag(page: number, size: number, pcid: number): number {
    return Math.floor(page / PAGES_PER_SIZE[size]) + pcid * this.#stride + size * SIZE_STRIDE;
  }

  /**
   * Keeps a translation; `flags` name its size and PCID. Returns the place of its entry if that is one of the page's own
   * PCID, else -1.
   */
  insert(page: number, frame: number, flags: number, storable: boolean, now: number): number {
    const size = sizeOf(flags);
    const pcid = pcidOf(flags);
    const array = this.#bySize[size];
    if (array === undefined) return -1;
    const way = array.insert(this.#tag(page, size, pcid), frame, flags, storable, now);
    if (size !== SIZE_4K) this.#largeSizes |= 1 << size;
    if (pcid !== this.#anyPcid) return array.first + way;
    this.#hasGlobal = true;
    return -1;
  }

  /** Forgets what translates this page, of any size. */
  drop(page: number, pcid: number): void {
    while (this.#lookupTagged(page, pcid)) this.array.drop(this.way);
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
    if (!includingGlobal) return;
    this.#largeSizes = 0;
    this.#hasGlobal = false;
  }

  /** Forgets the entries whose protection key is not 0: their rights changed. */
  dropKeyed(): void {
    for (const array of this.#arrays) array.dropKeyed();
  }

  save(): TlbLevelState {
    return {
      largeSizes: this.#largeSizes,
      hasGlobal: this.#hasGlobal,
      arrays: this.#arrays.map((array) => array.save()),
    };
  }

  /** Takes the place of everything kept. Throws RangeError when the state is of another model. */
  restore(state: TlbLevelState): void {
    if (state.arrays.length !== this.#arrays.length)
      throw new RangeError(
        `TlbLevel.restore: a state of ${state.arrays.length} arrays, this has ${this.#arrays.length}`,
      );
    this.#arrays.forEach((array, i) => {
      array.restore(state.arrays[i]);
    });
    this.#largeSizes = state.largeSizes;
    this.#hasGlobal = state.hasGlobal;
  }
}

/** The part of longer columns that one array has. */
const part = ({ tags, storeTags, stamps }: SharedColumns, first: number, entries: number): SharedColumns => ({
  first,
  tags: tags.subarray(first, first + entries),
  storeTags: storeTags.subarray(first, first + entries),
  stamps: stamps.subarray(first, first + entries),
});

export interface TlbLevelState {
  readonly largeSizes: number;
  readonly hasGlobal: boolean;
  readonly arrays: TranslationCacheState[];
}
