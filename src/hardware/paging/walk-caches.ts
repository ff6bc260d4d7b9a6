import type { ProcessorModel } from '../processors/processor-model.ts';
import { FLAG_PCID_SHIFT, pcidStride } from '../tlb/translation.ts';
import { TranslationCache, type TranslationCacheState } from '../tlb/translation-cache.ts';

/** By level (PDE, PDPTE, PML4E): a page number times this, rounded down, is that of the entry. Faster than dividing. */
const SCALES = Float64Array.of(0, 2 ** -9, 2 ** -18, 2 ** -27);
const PAGES_PER_REGION = 512;
const FIRST = 1;
const LAST = 3;

/**
 * The paging-structure caches (SDM vol. 3, 4.10.3): where the tables of recent walks are, by the upper bits of the
 * page number, with the rights that the levels above leave. An entry exists only when its accessed bits are set, so a
 * walk that begins there need not go back up. A fifth level's entries are not cached.
 *
 * A page fault forgets the tables on the way to its page, and the walk after it, nearly always for the same page, learns
 * them again. So a fault only makes them doubtful: that next walk does not find them and writes them anew where they
 * stand; anything else first really forgets them (`#settle`).
 */
export class WalkCaches {
  /** What `find` found: the table to go on from and the rights so far. */
  table = 0;
  rights = 0;
  /** By level; undefined where the processor has none. */
  readonly #caches: (TranslationCache | undefined)[];
  readonly #stride: number;
  /** Number of the 2 MiB region and PCID of doubtful tables; -1 for none. */
  #doubtfulRegion = -1;
  #doubtfulPcid = 0;

  constructor(model: ProcessorModel['walkCaches'], levels: number) {
    const of = (entries: number) => (entries > 0 ? new TranslationCache({ entries, ways: entries }) : undefined);
    this.#caches = [undefined, of(model.pageTables), of(model.directories), of(model.directoryPointers)];
    this.#stride = pcidStride(levels);
  }

  /** The level to go on at, as deep as is known, with `table` and `rights`; -1 when nothing is known. */
  find(page: number, pcid: number, now: number): number {
    if (this.#doubtfulRegion >= 0) {
      if (Math.floor(page / PAGES_PER_REGION) === this.#doubtfulRegion && pcid === this.#doubtfulPcid) return -1;
      this.#settle();
    }
    for (let level = FIRST; level <= LAST; level++) {
      const cache = this.#caches[level];
      if (cache === undefined) continue;
      const way = cache.find(Math.floor(page * SCALES[level]) + pcid * this.#stride);
      if (way < 0) continue;
      cache.stamps[way] = now;
      this.table = cache.frameAt(way);
      this.rights = cache.flagsAt(way) & ((1 << FLAG_PCID_SHIFT) - 1);
      return level - 1;
    }
    return -1;
  }

  /** The entries of levels `top` to `leaf` + 1 have been used by a walk and are about to be kept. */
  beforeKeep(leaf: number): void {
    if (this.#doubtfulRegion < 0) return;
    if (leaf === 0) this.#doubtfulRegion = -1;
    else this.#settle();
  }

  /** Remembers the table that the entry of `level` points to. */
  keep(level: number, page: number, table: number, rights: number, pcid: number, now: number): void {
    const cache = level <= LAST ? this.#caches[level] : undefined;
    if (cache === undefined) return;
    const tag = Math.floor(page * SCALES[level]) + pcid * this.#stride;
    cache.insert(tag, table, rights | (pcid << FLAG_PCID_SHIFT), false, now);
  }

  /** Forgets the tables on the way to one page, as a fault there does. */
  drop(page: number, pcid: number): void {
    const region = Math.floor(page / PAGES_PER_REGION);
    if (region === this.#doubtfulRegion && pcid === this.#doubtfulPcid) return;
    this.#settle();
    this.#doubtfulRegion = region;
    this.#doubtfulPcid = pcid;
  }

  #settle(): void {
    const region = this.#doubtfulRegion;
    this.#doubtfulRegion = -1;
    if (region < 0) return;
    for (let level = FIRST; level <= LAST; level++)
      this.#caches[level]?.dropTag(
        Math.floor(region * PAGES_PER_REGION * SCALES[level]) + this.#doubtfulPcid * this.#stride,
      );
  }

  dropPcid(pcid: number): void {
    this.#settle();
    for (const cache of this.#caches) cache?.dropPcid(pcid);
  }

  dropAll(): void {
    this.#settle();
    for (const cache of this.#caches) cache?.dropAll(-1);
  }

  save(): (TranslationCacheState | undefined)[] {
    this.#settle();
    return this.#caches.map((cache) => cache?.save());
  }

  restore(states: readonly (TranslationCacheState | undefined)[]): void {
    this.#doubtfulRegion = -1;
    this.#caches.forEach((cache, level) => {
      const state = states[level];
      if ((cache === undefined) !== (state === undefined))
        throw new RangeError(`WalkCaches.restore: the state is of another processor model (level ${level})`);
      if (state !== undefined) cache?.restore(state);
    });
  }
}
