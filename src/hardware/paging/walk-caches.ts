import type { ProcessorModel } from '../processors/processor-model.ts';
import { FLAG_PCID_SHIFT, pcidStride } from '../tlb/translation.ts';
import { TranslationCache, type TranslationCacheState } from '../tlb/translation-cache.ts';

/** Page numbers covered by one entry of each cached level: PDE, PDPTE, PML4E. */
const COVERS = [0, 2 ** 9, 2 ** 18, 2 ** 27];
const FIRST = 1;
const LAST = 3;

/**
 * The paging-structure caches (SDM vol. 3, 4.10.3): where the tables of recent walks are, by the upper bits of the
 * page number, with the rights that the levels above leave. An entry exists only when its accessed bits are set, so a
 * walk that begins there need not go back up. A fifth level's entries are not cached.
 */
export class WalkCaches {
  /** What `find` found: the table to go on from and the rights so far. */
  table = 0;
  rights = 0;
  /** By level; undefined where the processor has none. */
  readonly #caches: (TranslationCache | undefined)[];
  readonly #stride: number;

  constructor(model: ProcessorModel['walkCaches'], levels: number) {
    const of = (entries: number) => (entries > 0 ? new TranslationCache({ entries, ways: entries }) : undefined);
    this.#caches = [undefined, of(model.pageTables), of(model.directories), of(model.directoryPointers)];
    this.#stride = pcidStride(levels);
  }

  /** The level to go on at, as deep as is known, with `table` and `rights`; -1 when nothing is known. */
  find(page: number, pcid: number, now: number): number {
    for (let level = FIRST; level <= LAST; level++) {
      const cache = this.#caches[level];
      if (cache === undefined) continue;
      const way = cache.find(Math.floor(page / COVERS[level]) + pcid * this.#stride);
      if (way < 0) continue;
      cache.stamps[way] = now;
      this.table = cache.frameAt(way);
      this.rights = cache.flagsAt(way) & ((1 << FLAG_PCID_SHIFT) - 1);
      return level - 1;
    }
    return -1;
  }

  /** Remembers the table that the entry of `level` points to. */
  keep(level: number, page: number, table: number, rights: number, pcid: number, now: number): void {
    const cache = level <= LAST ? this.#caches[level] : undefined;
    if (cache === undefined) return;
    const tag = Math.floor(page / COVERS[level]) + pcid * this.#stride;
    cache.insert(tag, table, rights | (pcid << FLAG_PCID_SHIFT), false, now);
  }

  /** Forgets the tables on the way to one page. */
  drop(page: number, pcid: number): void {
    for (let level = FIRST; level <= LAST; level++)
      this.#caches[level]?.dropTag(Math.floor(page / COVERS[level]) + pcid * this.#stride);
  }

  dropPcid(pcid: number): void {
    for (const cache of this.#caches) cache?.dropPcid(pcid);
  }

  dropAll(): void {
    for (const cache of this.#caches) cache?.dropAll(-1);
  }

  save(): (TranslationCacheState | undefined)[] {
    return this.#caches.map((cache) => cache?.save());
  }

  restore(states: readonly (TranslationCacheState | undefined)[]): void {
    this.#caches.forEach((cache, level) => {
      const state = states[level];
      if ((cache === undefined) !== (state === undefined))
        throw new RangeError(`WalkCaches.restore: the state is of another processor model (level ${level})`);
      if (state !== undefined) cache?.restore(state);
    });
  }
}
