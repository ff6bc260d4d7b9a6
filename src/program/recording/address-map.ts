/**
 * Where the pages of a recording lie on the simulated machine. Under the recorder a program has another layout than
 * natively, so the simulated kernel places every mapping itself, and each recorded page is found again by its segment
 * and its offset in it.
 *
 * The map is a sorted list of ranges of recorded pages with the same distance to their simulated pages. It changes with
 * every mapping call of the recording, and is asked for each page that a block brings anew.
 */

/** A run of recorded pages [start, end) and how far away their simulated pages are. */
export interface MappedRange {
  readonly start: number;
  readonly end: number;
  /** Simulated page less recorded page. */
  readonly distance: number;
}

/** A piece of a recorded range, in the order of recorded addresses; `page` is the simulated page of `start`. */
export interface Piece {
  readonly start: number;
  readonly end: number;
  readonly page: number;
}

/** Answers remembered by the low bits of the page; a power of two. */
const CACHE = 4096;

export class AddressMap {
  #ranges: MappedRange[] = [];
  /** Recorded pages and their answers; -1 is an empty place. */
  readonly #keys = new Float64Array(CACHE).fill(-1);
  readonly #answers = new Float64Array(CACHE);

  /** The simulated page of a recorded page, or -1 where the recording has no mapping. */
  translate(page: number): number {
    const place = page & (CACHE - 1);
    if (this.#keys[place] === page) return this.#answers[place];
    const range = this.#ranges[this.#above(page) - 1];
    const answer = range !== undefined && page < range.end ? page + range.distance : -1;
    this.#keys[place] = page;
    this.#answers[place] = answer;
    return answer;
  }

  /** Lets `count` recorded pages from `start` lie at `page`; what was there is forgotten. */
  map(start: number, count: number, page: number): void {
    if (count <= 0) return;
    this.unmap(start, count);
    const at = this.#above(start);
    const before = this.#ranges[at - 1];
    const after = this.#ranges[at];
    const distance = page - start;
    const joinsBefore = before !== undefined && before.end === start && before.distance === distance;
    const joinsAfter = after !== undefined && after.start === start + count && after.distance === distance;
    const first = joinsBefore ? before.start : start;
    const end = joinsAfter ? after.end : start + count;
    this.#ranges.splice(at - (joinsBefore ? 1 : 0), Number(joinsBefore) + Number(joinsAfter), {
      start: first,
      end,
      distance,
    });
  }

  /** Forgets `count` recorded pages from `start`. */
  unmap(start: number, count: number): void {
    this.#keys.fill(-1);
    const end = start + count;
    let first = this.#above(start);
    if (first > 0 && (this.#ranges[first - 1] as MappedRange).end > start) first--;
    let last = first;
    const kept: MappedRange[] = [];
    for (let range = this.#ranges[last]; range !== undefined && range.start < end; range = this.#ranges[++last]) {
      if (range.start < start) kept.push({ ...range, end: start });
      if (range.end > end) kept.push({ ...range, start: end });
    }
    this.#ranges.splice(first, last - first, ...kept);
  }

  /** The mapped parts of a recorded range, in order. */
  pieces(start: number, count: number): Piece[] {
    const end = start + count;
    const pieces: Piece[] = [];
    let at = Math.max(0, this.#above(start) - 1);
    for (let range = this.#ranges[at]; range !== undefined && range.start < end; range = this.#ranges[++at]) {
      const from = Math.max(range.start, start);
      const to = Math.min(range.end, end);
      if (from < to) pieces.push({ start: from, end: to, page: from + range.distance });
    }
    return pieces;
  }

  /** The simulated page behind the range that ends at recorded page `page`, or -1: where a mapping meant to grow it goes. */
  following(page: number): number {
    const range = this.#ranges[this.#above(page - 1) - 1];
    return range !== undefined && range.end === page ? page + range.distance : -1;
  }

  /** How many ranges begin at or below `page`: the index of the first one above it. */
  #above(page: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ranges[middle] as MappedRange).start <= page) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** A map of its own with the same ranges: what a forked child starts with. */
  copy(): AddressMap {
    return AddressMap.restore(this.save());
  }

  save(): MappedRange[] {
    return [...this.#ranges];
  }

  static restore(ranges: readonly MappedRange[]): AddressMap {
    const map = new AddressMap();
    map.#ranges = [...ranges];
    return map;
  }
}
