/** Counts pages against a limit, in every ancestor too (mm/page_counter.c). */
export class PageCounter {
  readonly parent: PageCounter | undefined;
  usage = 0;
  /** Pages. */
  max = Number.POSITIVE_INFINITY;
  /** The highest usage so far. */
  watermark = 0;
  /** Charges that were refused here. */
  failcnt = 0;

  constructor(parent?: PageCounter) {
    this.parent = parent;
  }

  /** Pages that still fit here. */
  get margin(): number {
    return Math.max(0, this.max - this.usage);
  }

  /**
   * Charges pages here and in all ancestors, or nowhere (page_counter_try_charge).
   * @returns the counter that has no room, undefined when all have
   */
  tryCharge(pages: number): PageCounter | undefined {
    for (let at: PageCounter | undefined = this; at !== undefined; at = at.parent) {
      if (at.usage + pages > at.max) {
        at.failcnt++;
        return at;
      }
    }
    this.charge(pages);
    return undefined;
  }

  /** Charges whatever the limits say (page_counter_charge). */
  charge(pages: number): void {
    for (let at: PageCounter | undefined = this; at !== undefined; at = at.parent) {
      at.usage += pages;
      if (at.usage > at.watermark) at.watermark = at.usage;
    }
  }

  save(): PageCounterState {
    const { usage, max, watermark, failcnt } = this;
    return { usage, max, watermark, failcnt };
  }

  restore(state: PageCounterState): void {
    Object.assign(this, state);
  }

  uncharge(pages: number): void {
    for (let at: PageCounter | undefined = this; at !== undefined; at = at.parent) at.usage -= pages;
  }
}

export type PageCounterState = Readonly<Pick<PageCounter, 'usage' | 'max' | 'watermark' | 'failcnt'>>;
