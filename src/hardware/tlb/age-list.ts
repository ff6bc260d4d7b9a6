/**
 * Which of many entries is the least recently used, when a use does no more than stamp its entry with the time.
 *
 * The entries stand in a list, newest first, ordered by the stamps that they had when they were put there. A use leaves
 * the list as it is. Only when a victim is wanted is the last one looked at: if its stamp is still the listed one, it is
 * the oldest of all, since no other can have a stamp below its listed one; else it moves up to where its stamp
 * belongs, near the front if it was used of late. So a hit costs one store, a miss a few steps, and the order is exact.
 */
export class AgeList {
  readonly #stamps: Float64Array;
  /** The stamp by which an entry stands where it stands. */
  readonly #listed: Float64Array;
  /** The next older and the next newer entry of each, in turn; index `entries` is both ends. */
  readonly #links: Int32Array;
  readonly #ends: number;

  /** @param stamps one for each entry, 0 when it is empty; the list keeps reading them */
  constructor(stamps: Float64Array) {
    this.#stamps = stamps;
    this.#ends = stamps.length;
    this.#listed = new Float64Array(stamps.length + 1);
    this.#links = new Int32Array(2 * stamps.length + 2);
    this.sort();
  }

  /** Takes the least recently used entry, which will be stamped `now`, later than all others. */
  renewOldest(now: number): number {
    const stamps = this.#stamps;
    const listed = this.#listed;
    const links = this.#links;
    const ends = this.#ends;
    for (;;) {
      const way = links[2 * ends + 1];
      const stamp = stamps[way];
      const wasListed = listed[way];
      this.#unlink(way);
      if (stamp === wasListed) {
        listed[way] = now;
        this.#linkAfter(ends, way);
        return way;
      }
      listed[way] = stamp;
      this.#linkAfter(this.#newerThan(stamp, wasListed), way);
    }
  }

  /**
   * The entry behind which a stamp belongs, looked for from the end that is nearer in time: an entry that was used until
   * it was left for good belongs near the old end, one that is still in use near the new one.
   */
  #newerThan(stamp: number, oldest: number): number {
    const listed = this.#listed;
    const links = this.#links;
    const ends = this.#ends;
    let newer = ends;
    if (stamp - oldest > listed[links[2 * ends]] - stamp) {
      while (listed[links[2 * newer]] > stamp) newer = links[2 * newer];
    } else {
      newer = links[2 * ends + 1];
      while (newer !== ends && listed[newer] <= stamp) newer = links[2 * newer + 1];
    }
    return newer;
  }

  /** Puts an entry that is empty now last. Empty ones stand by number, as `sort` has them: a restored cache fills the same ones. */
  makeOldest(way: number): void {
    const links = this.#links;
    this.#listed[way] = 0;
    this.#unlink(way);
    let newer = links[2 * this.#ends + 1];
    while (this.#listed[newer] === 0 && newer < way) newer = links[2 * newer + 1];
    this.#linkAfter(newer, way);
  }

  /** Orders all entries anew by their stamps. */
  sort(): void {
    const stamps = this.#stamps;
    const ends = this.#ends;
    this.#listed.set(stamps);
    this.#listed[ends] = -1;
    this.#links[2 * ends] = ends;
    this.#links[2 * ends + 1] = ends;
    const oldestFirst = Array.from(stamps.keys()).sort((a, b) => stamps[a] - stamps[b] || a - b);
    for (const way of oldestFirst) this.#linkAfter(ends, way);
  }

  #unlink(way: number): void {
    const links = this.#links;
    const older = links[2 * way];
    const newer = links[2 * way + 1];
    links[2 * newer] = older;
    links[2 * older + 1] = newer;
  }

  #linkAfter(newer: number, way: number): void {
    const links = this.#links;
    const older = links[2 * newer];
    links[2 * way] = older;
    links[2 * way + 1] = newer;
    links[2 * newer] = way;
    links[2 * older + 1] = way;
  }
}
