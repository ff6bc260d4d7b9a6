import { RadixTree } from './radix-tree.ts';

/**
 * The pages of a file (the xarray i_pages): page index to an int32, a frame when positive, a shadow of an evicted page
 * when negative, 0 for nothing. Files of up to 8 TiB.
 */
export class PageIndex extends RadixTree {
  #present = 0;
  #shadows = 0;

  /** How many pages are present. */
  get present(): number {
    return this.#present;
  }

  /** How many shadows of evicted pages are kept. */
  get shadows(): number {
    return this.#shadows;
  }

  override set(index: number, entry: number): number {
    const old = super.set(index, entry);
    this.#count(old, -1);
    this.#count(entry, 1);
    return old;
  }

  /** Forgets what is at an index and returns it. */
  delete(index: number): number {
    return this.set(index, 0);
  }

  #count(entry: number, change: 1 | -1): void {
    if (entry > 0) this.#present += change;
    else if (entry < 0) this.#shadows += change;
  }

  /**
   * The first index from `from` on that has no page, looking at `maxScan` indexes; `from + maxScan` when all of them
   * have one (page_cache_next_miss).
   */
  nextMiss(from: number, maxScan: number): number {
    for (let index = from; index < from + maxScan; index++) if (this.get(index) <= 0) return index;
    return from + maxScan;
  }

  /**
   * The last index down from `from` that has no page, looking at `maxScan` indexes; -1 when pages reach down to the
   * file's start, and the last index looked at when all have one (page_cache_prev_miss).
   */
  prevMiss(from: number, maxScan: number): number {
    let index = from;
    for (let left = maxScan; left > 0; left--) {
      if (index < 0 || this.get(index) <= 0) return index;
      if (left > 1) index--;
    }
    return index;
  }

  /** Visits what is in [from, last] in order: pages, and shadows when asked. Deleting the visited one is allowed. */
  forEach(from: number, last: number, visit: (index: number, entry: number) => void, shadows = false): void {
    for (let index = this.next(from, last, shadows); index >= 0; index = this.next(index + 1, last, shadows))
      visit(index, this.get(index));
  }

  save(): PageIndexState {
    const indexes: number[] = [];
    const entries: number[] = [];
    this.forEach(
      0,
      0x7fffffff,
      (index, entry) => {
        indexes.push(index);
        entries.push(entry);
      },
      true,
    );
    return { indexes: Int32Array.from(indexes), entries: Int32Array.from(entries) };
  }

  restore(state: PageIndexState): void {
    this.reset();
    this.#present = 0;
    this.#shadows = 0;
    state.indexes.forEach((index, i) => {
      this.set(index, state.entries[i] as number);
    });
  }
}

export interface PageIndexState {
  readonly indexes: Int32Array;
  readonly entries: Int32Array;
}
