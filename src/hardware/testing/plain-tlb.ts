import type { ProcessorModel } from '../processors/processor-model.ts';
import type { CacheGeometry } from '../tlb/translation-cache.ts';

/** The obvious LRU cache: each set an array of tags, the last used first. */
export class PlainCache {
  readonly #sets: number[][];
  readonly #ways: number;
  readonly #folds: boolean;

  constructor({ entries, ways, index }: CacheGeometry) {
    this.#sets = Array.from({ length: entries / ways }, () => []);
    this.#ways = ways;
    this.#folds = index === 'xor';
  }

  #setOf(tag: number): number[] {
    const sets = this.#sets.length;
    const low = tag % sets;
    return this.#sets[this.#folds ? low ^ (Math.floor(tag / sets) % sets) : low] ?? [];
  }

  /** Uses a tag, in place of the one unused for longest if need be. Returns whether it was there. */
  use(tag: number): boolean {
    const set = this.#setOf(tag);
    const at = set.indexOf(tag);
    if (at >= 0) set.splice(at, 1);
    set.unshift(tag);
    if (set.length > this.#ways) set.pop();
    return at >= 0;
  }

  /** Forgets every tag that matches. */
  drop(matches: (tag: number) => boolean): void {
    for (const set of this.#sets) set.splice(0, set.length, ...set.filter((tag) => !matches(tag)));
  }

  /** All tags, in ascending order. */
  get tags(): number[] {
    return this.#sets.flat().sort((a, b) => a - b);
  }
}

/** A processor's two TLB levels for 4 KiB pages of one address space, of plain caches: what to hold the fast ones against. */
export class PlainTlb {
  readonly misses = { l1Data: 0, l1Instruction: 0, l2: 0 };
  readonly #l1Data: PlainCache;
  readonly #l1Instruction: PlainCache;
  readonly #l2Data: PlainCache;
  readonly #l2Instruction: PlainCache;

  constructor(model: ProcessorModel) {
    this.#l1Data = new PlainCache(model.l1Data[0]);
    this.#l1Instruction = new PlainCache(model.l1Instruction[0]);
    this.#l2Data = new PlainCache(model.l2[0]);
    this.#l2Instruction = model.l2Instruction ? new PlainCache(model.l2Instruction[0]) : this.#l2Data;
  }

  access(page: number, isFetch: boolean): void {
    if ((isFetch ? this.#l1Instruction : this.#l1Data).use(page)) return;
    this.misses[isFetch ? 'l1Instruction' : 'l1Data']++;
    if (!(isFetch ? this.#l2Instruction : this.#l2Data).use(page)) this.misses.l2++;
  }

  invlpg(page: number): void {
    for (const cache of [this.#l1Data, this.#l1Instruction, this.#l2Data, this.#l2Instruction])
      cache.drop((tag) => tag === page);
  }
}
