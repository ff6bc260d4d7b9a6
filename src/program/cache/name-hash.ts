import { grownWords } from './columns.ts';

/** Words of an entry: low half of the name, and number + 1 (0: the entry is free). */
const WORDS = 2;
/** Entries in one line (64 bytes) of the processor's cache. */
const LINE = 8;
const LINE_BITS = 3;
/** Odd, so that it meets every entry. */
const STEP = LINE + 1;
const FIRST_ENTRIES = 1 << 12;

/**
 * Numbers names of 64 bits in order of first appearance.
 *
 * Open addressing, at most half full. What costs time is not arithmetic but lines that are in no cache, so entries are
 * small, and eight names that differ in their last three bits only share one line, because pages are asked for in sequence
 * more often than not. A search goes on in the next line, one place further, which leads it through all entries.
 */
export class NameHash {
  /** Distinct names so far; their numbers are below it. */
  count = 0;
  #entries = new Int32Array(FIRST_ENTRIES * WORDS);
  #mask = FIRST_ENTRIES - 1;
  /** High half of each name. Not looked at while all of them are 0, as in most traces. */
  #high = new Int32Array(0);
  #wide = false;
  /** Where the search for each name of a batch begins. */
  #homes = new Int32Array(0);

  /** Writes the numbers of the first `count` names to `numbers`. */
  number(low: Int32Array, high: Int32Array, count: number, numbers: Int32Array): void {
    this.#reserve(this.count + count);
    this.#wide ||= anyBits(high, count);
    if (this.#homes.length < count) this.#homes = new Int32Array(count);
    const homes = this.#homes;
    const entries = this.#entries;
    const highs = this.#high;
    const mask = this.#mask;
    const wide = this.#wide;
    // In a loop of its own, so that the processor has more searches under way at once: half the time where they miss.
    for (let i = 0; i < count; i++) homes[i] = home(low[i], high[i], mask) * WORDS;
    let known = this.count;
    for (let i = 0; i < count; i++) {
      const lo = low[i];
      let at = homes[i];
      let number = entries[at + 1];
      while (number !== 0 && (entries[at] !== lo || (wide && highs[number - 1] !== high[i]))) {
        at = (at + STEP * WORDS) & (mask * WORDS);
        number = entries[at + 1];
      }
      if (number === 0) {
        highs[known] = high[i];
        number = ++known;
        entries[at] = lo;
        entries[at + 1] = number;
      }
      numbers[i] = number - 1;
    }
    this.count = known;
  }

  /** All names in the order of their numbers. */
  names(): { low: Int32Array; high: Int32Array } {
    const low = new Int32Array(this.count);
    const entries = this.#entries;
    for (let at = 0; at < entries.length; at += WORDS)
      if (entries[at + 1] !== 0) low[entries[at + 1] - 1] = entries[at];
    return { low, high: this.#high.slice(0, this.count) };
  }

  /** Doubles the table until `names` leave half of it free. */
  #reserve(names: number): void {
    this.#high = grownWords(this.#high, names);
    let size = this.#mask + 1;
    while (size < names * 2) size *= 2;
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
