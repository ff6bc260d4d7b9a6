import { NameHash } from './name-hash.ts';
import { NameRegions } from './name-regions.ts';
import type { RequestBuffer } from './request-buffer.ts';

/** Names of a region that are in use on average when regions are begun with, and when they are given up. */
const DENSE = 8;
const SPARSE = 4;
/** Objects after which one looks for the first time. */
const FIRST_LOOK = 1 << 14;

/**
 * Gives every object of a trace a dense number, in order of first appearance. A request is looked up here once, however
 * many policies it is replayed on: they index their columns with the number.
 *
 * Pages of disks and files, and objects that were numbered by somebody, lie close together: regions of 64 names take a
 * third of the time and a quarter of the memory of a hash table then. Names that are hashes themselves lie nowhere. Which
 * of the two a trace has is looked at whenever the objects have doubled.
 */
export class ObjectTable {
  #names: NameHash | NameRegions = new NameHash();
  #nextLook = FIRST_LOOK;

  /** Distinct objects so far; their numbers are below it. */
  get count(): number {
    return this.#names.count;
  }

  /** Writes the numbers of `requests.count` objects to `numbers`. */
  number({ low, high, count }: RequestBuffer, numbers: Int32Array): void {
    this.#names.number(low, high, count, numbers);
    if (this.#names.count >= this.#nextLook) this.#look();
  }

  /** Changes the way of keeping names if the other one is better for those that there are; their numbers stay. */
  #look(): void {
    const { count } = this.#names;
    this.#nextLook = count * 2;
    const { low, high } = this.#names.names();
    const numbers = new Int32Array(count);
    if (this.#names instanceof NameRegions) {
      if (this.#names.regions * SPARSE <= count) return;
      this.#names = new NameHash();
      this.#names.number(low, high, count, numbers);
    } else {
      const regions = new NameRegions();
      regions.number(low, high, count, numbers);
      if (regions.regions * DENSE <= count) this.#names = regions;
    }
  }
}
