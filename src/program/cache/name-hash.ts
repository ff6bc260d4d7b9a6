/** Words of an entry: the halves of the name, number + 1 (0: the entry is free), and one that makes four to a line. */
const WORDS = 4;
const HIGH = 1;
const NUMBER = 2;
/** Entries in one line (64 bytes) of the processor's cache. */
const LINE = 4;
const LINE_BITS = 2;
/** Odd, so that it meets every entry. */
const STEP = LINE + 1;
const FIRST_ENTRIES = 1 << 12;

/**
 * Numbers names of 64 bits in order of first appearance.
 *
 * Open addressing, at most half full. What costs time is not arithmetic but lines that are in no cache, so all of an entry
 * lies in one, and names that differ in their last bits only share one, because pages are asked for in sequence more often
 * than not. A search goes on in the next line, one place further, which leads it through all entries.
 */
export class NameHash {
  /** Distinct names so far; their numbers are below it. */
  count = 0;
  #entries = new Int32Array(FIRST_ENTRIES * WORDS);
  #mask = FIRST_ENTRIES - 1;
  /** Where the search for each name of a batch begins. */
  #homes = new Int32Array(0);

  /** Writes the numbers of the first `count` names to `numbers`. */
  number(low: Int32Array, high: Int32Array, count: number, numbers: Int32Array): void {
    this.#reserve(this.count + count);
    if (this.#homes.length < count) this.#homes = new Int32Array(count);
    const homes = this.#homes;
    const entries = this.#entries;
    const mask = this.#mask;
    // In a loop of its own, so that the processor has more searches under way at once: half the time where they miss.
    for (let i = 0; i < count; i++) homes[i] = home(low[i], high[i], mask) * WORDS;
    let known = this.count;
    for (let i = 0; i < count; i++) {
      const lo = low[i];
      const hi = high[i];
      let at = homes[i];
      while (entries[at + NUMBER] !== 0 && (entries[at] !== lo || entries[at + HIGH] !== hi))
        at = (at + STEP * WORDS) & (mask * WORDS);
      if (entries[at + NUMBER] === 0) {
        entries[at] = lo;
        entries[at + HIGH] = hi;
        entries[at + NUMBER] = ++known;
      }
      numbers[i] = entries[at + NUMBER] - 1;
    }
    this.count = known;
  }

  /** All names in the order of their numbers. */
  names(): { low: Int32Array; high: Int32Array } {
    const low = new Int32Array(this.count);
    const high = new Int32Array(this.count);
    const entries = this.#entries;
    for (let at = 0; at < entries.length; at += WORDS) {
      const number = entries[at + NUMBER];
      if (number === 0) continue;
      low[number - 1] = entries[at];
      high[number - 1] = entries[at + HIGH];
    }
    return { low, high };
  }

  /** Doubles the table until `names` leave half of it free. */
  #reserve(names: number): void {
    let size = this.#mask + 1;
    while (size < names * 2) size *= 2;
    if (size === this.#mask + 1) return;
    const old = this.#entries;
    const mask = size - 1;
    const entries = new Int32Array(size * WORDS);
    for (let from = 0; from < old.length; from += WORDS) {
      if (old[from + NUMBER] === 0) continue;
      let at = home(old[from], old[from + HIGH], mask) * WORDS;
      while (entries[at + NUMBER] !== 0) at = (at + STEP * WORDS) & (mask * WORDS);
      entries[at] = old[from];
      entries[at + HIGH] = old[from + HIGH];
      entries[at + NUMBER] = old[from + NUMBER];
    }
    this.#entries = entries;
    this.#mask = mask;
  }
}

/**
 * Where the search for a name begins: its line is scattered; its place there is its last bits, turned by bits of the line, or
 * names that are all multiples of four, as sector numbers are, would share one place of each line.
 */
function home(low: number, high: number, mask: number): number {
  let line = Math.imul((low >>> LINE_BITS) ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1);
  line ^= line >>> 15;
  return ((line << LINE_BITS) | ((low ^ (line >>> 20)) & (LINE - 1))) & mask;
}
