/**
 * A set of pages kept as sorted, disjoint, non-adjacent ranges: the parts of a file that have blocks on the disk (its
 * extents). A page outside is a hole: it reads as zeros without asking the disk.
 */
export class PageRanges {
  /** start and end (behind the last page) of each range, one after the other. */
  #edges: number[] = [];

  /** How many pages are in the set. */
  get pages(): number {
    let sum = 0;
    for (let i = 0; i < this.#edges.length; i += 2) sum += (this.#edges[i + 1] as number) - (this.#edges[i] as number);
    return sum;
  }

  has(page: number): boolean {
    return (this.#edgesUpTo(page) & 1) === 1;
  }

  /** How many pages of [start, end) are in the set. */
  count(start: number, end: number): number {
    let sum = 0;
    for (const [from, to] of this.ranges()) sum += Math.max(0, Math.min(to, end) - Math.max(from, start));
    return sum;
  }

  /** Adds [start, end). */
  add(start: number, end: number): void {
    if (start < end) this.#replace(start, end, true);
  }

  /** Takes [start, end) away. @returns whether any of it was there */
  remove(start: number, end: number): boolean {
    if (start >= end) return false;
    const inside = this.has(start) || (this.#edges[this.#edgesUpTo(start)] ?? end) < end;
    if (inside) this.#replace(start, end, false);
    return inside;
  }

  /** The ranges in order, as [start, end). */
  ranges(): [start: number, end: number][] {
    const ranges: [number, number][] = [];
    for (let i = 0; i < this.#edges.length; i += 2)
      ranges.push([this.#edges[i] as number, this.#edges[i + 1] as number]);
    return ranges;
  }

  /** How many edges lie at or before a page; odd inside a range. */
  #edgesUpTo(page: number): number {
    let low = 0;
    let high = this.#edges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#edges[middle] as number) <= page) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Drops the edges in [start, end] and draws new ones where membership changes. */
  #replace(start: number, end: number, member: boolean): void {
    const first = this.#edgesUpTo(start - 1);
    const behind = this.#edgesUpTo(end);
    const edges: number[] = [];
    if (((first & 1) === 1) !== member) edges.push(start);
    if (((behind & 1) === 1) !== member) edges.push(end);
    this.#edges.splice(first, behind - first, ...edges);
  }
}
