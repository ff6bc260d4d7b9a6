import { grownWords } from './columns.ts';
import type { RequestBuffer } from './request-buffer.ts';

/** Words of an entry: low half of the name, and number + 1 (0: the entry is free). */
const WORDS = 2;
/** Entries in one line (64 bytes) of the processor's cache. */
const LINE = 8;
const LINE_BITS = 3;
/** Odd, so that it meets every entry. */
const STEP = LINE + 1;
const FIRST_ENTRIES = 1 << 12;

/**
 * Gives every object of a trace a dense number, in order of first appearance. A request is hashed here once, however
 * many policies it is replayed on: they index their columns with the number.
 *
 * Open addressing, at most half full. What costs time is not arithmetic but lines that are in no cache, so entries are
 * small, and eight names that differ in their last three bits only share one line, because pages are asked for in sequence
 * more often than not. A search goes on in the next line, one place further, which leads it through all entries.
 */
export class ObjectTable {
  /** Distinct objects so far; their numbers are below it. */
  count = 0;
  #entries = new Int32Array(FIRST_ENTRIES * WORDS);
  #mask = FIRST_ENTRIES - 1;
  /** High half of each object's name. Not looked at while all of them are 0, as in most traces. */
  #high = new Int32Array(0);
  #wide = false;

  /** Writes the numbers of `requests.count` objects to `numbers`. */
  number(requests: RequestBuffer, numbers: Int32Array): void {
    const { low, high, count } = requests;
    this.#reserve(this.count + count);
    this.#wide ||= anyBits(high, count);
    const entries = this.#entries;
    const highs = this.#high;
    const mask = this.#mask;
    const wide = this.#wide;
    for (let i = 0; i < count; i++) {
      const lo = low[i];
      const hi = high[i];
      let at = home(lo, hi, mask) * WORDS;
      let number = entries[at + 1];
      while (number !== 0 && (entries[at] !== lo || (wide && highs[number - 1] !== hi))) {
        at = (at + STEP * WORDS) & (mask * WORDS);
        number = entries[at + 1];
      }
      if (number === 0) {
        highs[this.count] = hi;
        number = ++this.count;
        entries[at] = lo;
        entries[at + 1] = number;
      }
      numbers[i] = number - 1;
    }
  }

  /** Doubles the table until `objects` leave half of it free. */
  #reserve(objects: number): void {
    this.#high = grownWords(this.#high, objects);
    let size = this.#mask + 1;
    while (size < objects * 2) size *= 2;
    if (size === this.#mask + 1) return;
    const old = this.#entries;
    const mask = size - 1;
    const entries = new Int32Array(size * WORDS);
    for (let from = 0; from < old.length; from += WORDS) {
      const number = old[from + 1];
      if (number === 0) continue;
      let at = home(old[from], this.#high[number - 1], mask) * WORDS;
      while (entries[at + 1] !== 0) at = (at + STEP * WORDS) & (mask * WORDS);
      entries[at] = old[from];
      entries[at + 1] = number;
    }
    this.#entries = entries;
    this.#mask = mask;
  }
}

/**
 * Where the search for a name begins: its line is scattered; its place there is its last bits, turned by bits of the line, or
 * names that are all multiples of eight, as sector numbers are, would share one place of each line.
 */
function home(low: number, high: number, mask: number): number {
  let line = Math.imul((low >>> LINE_BITS) ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1);
  line ^= line >>> 15;
  return ((line << LINE_BITS) | ((low ^ (line >>> 20)) & (LINE - 1))) & mask;
}

function anyBits(words: Int32Array, count: number): boolean {
  let bits = 0;
  for (let i = 0; i < count; i++) bits |= words[i];
  return bits !== 0;
}
