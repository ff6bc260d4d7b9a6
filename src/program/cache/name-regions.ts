import { grownWords } from './columns.ts';
import { NameHash } from './name-hash.ts';

/** Names in a region, as a shift. */
const REGION_BITS = 6;
const REGION = 1 << REGION_BITS;
const REST_BITS = 32 - REGION_BITS;

/**
 * Numbers names of 64 bits in order of first appearance, like NameHash, in regions of 64 names: these are hashed, and a
 * region's names have a cell each. Four bytes a name where names lie close together, and a hash table so small that it
 * stays in the processor's caches; wasteful where they do not.
 */
export class NameRegions {
  count = 0;
  readonly #regions = new NameHash();
  /** Number + 1 of each name of each region; 0: not seen. */
  #cells = new Int32Array(0);
  #low = new Int32Array(0);
  #high = new Int32Array(0);

  /** Regions with a name that was seen. */
  get regions(): number {
    return this.#regions.count;
  }

  /** Writes the numbers of the first `count` names to `numbers`. */
  number(low: Int32Array, high: Int32Array, count: number, numbers: Int32Array): void {
    this.#numberRegions(low, high, count, numbers);
    this.#cells = grownWords(this.#cells, this.#regions.count * REGION);
    const cells = this.#cells;
    let known = this.count;
    for (let i = 0; i < count; i++) {
      const cell = (numbers[i] << REGION_BITS) + (low[i] & (REGION - 1));
      let number = cells[cell];
      if (number === 0) {
        number = ++known;
        cells[cell] = number;
      }
      numbers[i] = number - 1;
    }
    this.count = known;
  }

  #numberRegions(low: Int32Array, high: Int32Array, count: number, regions: Int32Array): void {
    if (this.#low.length < count) {
      this.#low = new Int32Array(count);
      this.#high = new Int32Array(count);
    }
    for (let i = 0; i < count; i++) {
      this.#low[i] = (low[i] >>> REGION_BITS) | (high[i] << REST_BITS);
      this.#high[i] = high[i] >>> REGION_BITS;
    }
    this.#regions.number(this.#low, this.#high, count, regions);
  }

  /** All names in the order of their numbers. */
  names(): { low: Int32Array; high: Int32Array } {
    const regions = this.#regions.names();
    const low = new Int32Array(this.count);
    const high = new Int32Array(this.count);
    for (let cell = 0; cell < this.#regions.count * REGION; cell++) {
      const number = this.#cells[cell];
      if (number === 0) continue;
      const region = cell >> REGION_BITS;
      low[number - 1] = (regions.low[region] << REGION_BITS) | (cell & (REGION - 1));
      high[number - 1] = (regions.high[region] << REGION_BITS) | (regions.low[region] >>> REST_BITS);
    }
    return { low, high };
  }
}
