/** Finds the next of several words in bytes, looking at few of them (Wu and Manber: a shift by the last two bytes of a window). */

const PAIRS = 1 << 16;

export class WordSearch {
  private readonly words: readonly Uint8Array[];
  /** Bytes that are compared at once: as many as the shortest word has. */
  private readonly window: number;
  /** How far the window may move on when it ends with a pair of bytes. */
  private readonly shifts: Uint8Array;

  /** @param words of ASCII characters, each at least two long */
  constructor(words: readonly string[]) {
    this.window = Math.min(...words.map(({ length }) => length));
    this.words = words.map((word) => Uint8Array.from(word, (letter) => letter.charCodeAt(0)));
    this.shifts = new Uint8Array(PAIRS).fill(this.window - 1);
    for (const word of this.words) {
      for (let i = 1; i < this.window; i++) {
        const pair = (word[i - 1] as number) | ((word[i] as number) << 8);
        this.shifts[pair] = Math.min(this.shifts[pair] as number, this.window - 1 - i);
      }
    }
  }

  /** @returns where a word begins first at or after `from` whose first bytes lie before `end`, or `end` */
  next(bytes: Uint8Array, from: number, end: number = bytes.length): number {
    const { shifts, window } = this;
    for (let last = from + window - 1; last < end; ) {
      const shift = shifts[(bytes[last - 1] as number) | ((bytes[last] as number) << 8)] as number;
      if (shift > 0) last += shift;
      else if (this.stands(bytes, last - window + 1)) return last - window + 1;
      else last++;
    }
    return end;
  }

  private stands(bytes: Uint8Array, at: number): boolean {
    for (const word of this.words) {
      let same = 0;
      while (same < word.length && bytes[at + same] === word[same]) same++;
      if (same === word.length) return true;
    }
    return false;
  }
}
