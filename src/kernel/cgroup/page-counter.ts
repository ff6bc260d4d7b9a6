/** What a counter keeps: pages in use, limits, and what of them is protected from reclaim (struct page_counter). */
export interface PageCounterState {
  readonly usage: number;
  readonly max: number;
  readonly high: number;
  readonly min: number;
  readonly low: number;
  readonly emin: number;
  readonly elow: number;
  readonly watermark: number;
  readonly localWatermark: number;
  readonly failcnt: number;
}

/** Counts pages against a limit, in every ancestor too (mm/page_counter.c). */
export class PageCounter {
  readonly parent: PageCounter | undefined;
  usage = 0;
  /** Pages; more is refused. */
  max = Number.POSITIVE_INFINITY;
  /** Pages; more is slow. */
  high = Number.POSITIVE_INFINITY;
  /** The highest usage so far. */
  watermark = 0;
  /** The highest usage since somebody wrote to an open memory.peak. */
  localWatermark = 0;
  /** Charges that were refused here. */
  failcnt = 0;
  /** Pages that others cannot have at all, and pages that they can have only when nothing else is left. */
  #min = 0;
  #low = 0;
  /** What the ancestors leave of that, computed while reclaim looks for pages (protection.ts). */
  emin = 0;
  elow = 0;
  /** Of `min` and `low` what is in use, which counts as claimed in the parent. */
  #claimedMin = 0;
  #claimedLow = 0;
  childrenMin = 0;
  childrenLow = 0;

  constructor(parent?: PageCounter) {
    this.parent = parent;
  }

  get min(): number {
    return this.#min;
  }

  set min(pages: number) {
    this.#min = pages;
    this.#claim();
  }

  get low(): number {
    return this.#low;
  }

  set low(pages: number) {
    this.#low = pages;
    this.#claim();
  }

  /** Pages that still fit here. */
  get margin(): number {
    return Math.max(0, this.max - this.usage);
  }

  /**
   * Charges pages here and in all ancestors, or nowhere (page_counter_try_charge). What is undone because an ancestor has no
   * room has been there for a moment: the highest usage remembers it.
   * @returns the counter that has no room, undefined when all have
   */
  tryCharge(pages: number): PageCounter | undefined {
    for (let at: PageCounter | undefined = this; at !== undefined; at = at.parent) {
      if (at.usage + pages > at.max) {
        at.failcnt++;
        return at;
      }
      at.#raiseWatermarks(at.usage + pages);
    }
    this.charge(pages);
    return undefined;
  }

  #raiseWatermarks(usage: number): void {
    if (usage > this.localWatermark) this.localWatermark = usage;
    if (usage > this.watermark) this.watermark = usage;
  }

  /** Charges whatever the limits say (page_counter_charge). */
  charge(pages: number): void {
    for (let at: PageCounter | undefined = this; at !== undefined; at = at.parent) {
      at.usage += pages;
      at.#raiseWatermarks(at.usage);
      if (at.#min !== 0 || at.#low !== 0) at.#claim();
    }
  }

  uncharge(pages: number): void {
    for (let at: PageCounter | undefined = this; at !== undefined; at = at.parent) {
      at.usage -= pages;
      if (at.#min !== 0 || at.#low !== 0) at.#claim();
    }
  }

  /** Tells the parent how much of the protection is in use (propagate_protected_usage). */
  #claim(): void {
    const min = Math.min(this.usage, this.#min);
    const low = Math.min(this.usage, this.#low);
    if (this.parent !== undefined) {
      this.parent.childrenMin += min - this.#claimedMin;
      this.parent.childrenLow += low - this.#claimedLow;
    }
    this.#claimedMin = min;
    this.#claimedLow = low;
  }

  save(): PageCounterState {
    const { usage, max, high, min, low, emin, elow, watermark, localWatermark, failcnt } = this;
    return { usage, max, high, min, low, emin, elow, watermark, localWatermark, failcnt };
  }

  /** Into a new counter, its parent first. */
  restore(state: PageCounterState): void {
    Object.assign(this, state);
  }
}
