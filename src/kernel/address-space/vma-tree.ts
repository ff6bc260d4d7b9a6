import type { Vpn } from '../../hardware/units.ts';
import { panic } from '../panic.ts';
import type { Vma } from './vma.ts';

const LEAF_LIMIT = 128;

/** A run of neighbouring mappings, and the largest hole in front of any of them. */
interface Leaf {
  readonly vmas: Vma[];
  maxGap: number;
}

/**
 * The mappings of an address space in address order: what the maple tree of an mm_struct does. Mappings never overlap.
 *
 * They lie in leaves of at most 128. A lookup is two binary searches; a search for a hole skips every leaf whose largest
 * hole is too small, so that it stays quick at vm.max_map_count (65,530) mappings.
 */
export class VmaTree {
  readonly #leaves: Leaf[] = [];
  #count = 0;
  /** The mapping of the last lookup: faults come in runs. */
  #recent: Vma | undefined;

  /** Number of mappings (mm->map_count). */
  get count(): number {
    return this.#count;
  }

  /** The mapping that holds the page, or else the first above it (find_vma). */
  find(page: number): Vma | undefined {
    const recent = this.#recent;
    if (recent !== undefined && page >= recent.start && page < recent.end) return recent;
    const index = this.#leafOf(page);
    const leaf = this.#leaves[index];
    if (leaf === undefined) return undefined;
    const at = firstEndingAbove(leaf.vmas, page);
    const vma = at < leaf.vmas.length ? leaf.vmas[at] : this.#leaves[index + 1]?.vmas[0];
    this.#recent = vma;
    return vma;
  }

  /** The mapping that holds the page (vma_lookup). */
  lookup(page: number): Vma | undefined {
    const vma = this.find(page);
    return vma !== undefined && vma.start <= page ? vma : undefined;
  }

  /** The first mapping with a page in [start, end) (find_vma_intersection). */
  intersection(start: number, end: number): Vma | undefined {
    const vma = start < end ? this.find(start) : undefined;
    return vma !== undefined && vma.start < end ? vma : undefined;
  }

  /** The last mapping that ends at or below the page. */
  before(page: number): Vma | undefined {
    const index = this.#leafOf(page);
    const leaf = this.#leaves[index];
    if (leaf === undefined) return undefined;
    const at = firstEndingAbove(leaf.vmas, page);
    return at > 0 ? leaf.vmas[at - 1] : this.#leaves[index - 1]?.vmas.at(-1);
  }

  first(): Vma | undefined {
    return this.#leaves[0]?.vmas[0];
  }

  next(vma: Vma): Vma | undefined {
    return this.find(vma.end);
  }

  prev(vma: Vma): Vma | undefined {
    return this.before(vma.start);
  }

  /** Every mapping, lowest first. The tree may not change meanwhile; loops that change it use `find`. */
  *[Symbol.iterator](): IterableIterator<Vma> {
    for (const leaf of this.#leaves) yield* leaf.vmas;
  }

  /** Adds a mapping to a free range. */
  insert(vma: Vma): void {
    const clash = this.intersection(vma.start, vma.end);
    if (clash !== undefined || vma.start >= vma.end)
      panic(`VmaTree.insert: ${vma.start}..${vma.end} is not a free range`);
    this.#count++;
    if (this.#leaves.length === 0) {
      this.#leaves.push({ vmas: [vma], maxGap: vma.start });
      return;
    }
    const index = this.#leafOf(vma.start);
    const { vmas } = this.#leaves[index] as Leaf;
    vmas.splice(firstEndingAbove(vmas, vma.start), 0, vma);
    if (vmas.length > LEAF_LIMIT) this.#splitLeaf(index);
    this.#measure(index);
    this.#measure(index + 1);
  }

  remove(vma: Vma): void {
    const index = this.#leafOf(vma.start);
    const vmas = this.#leaves[index]?.vmas ?? [];
    const at = firstEndingAbove(vmas, vma.start);
    if (vmas[at] !== vma) panic(`VmaTree.remove: ${vma.start}..${vma.end} is not in the tree`);
    if (this.#recent === vma) this.#recent = undefined;
    vmas.splice(at, 1);
    this.#count--;
    if (vmas.length === 0) this.#leaves.splice(index, 1);
    this.#measure(index);
    this.#measure(index + 1);
  }

  /** Moves the ends of a mapping, which may not step over a neighbour. Its file offset is the caller's business. */
  resize(vma: Vma, start: Vpn, end: Vpn): void {
    const index = this.#leafOf(vma.start);
    const below = this.prev(vma);
    const above = this.next(vma);
    if (start >= end || (below !== undefined && below.end > start) || (above !== undefined && above.start < end))
      panic(`VmaTree.resize: ${start}..${end} steps over a neighbour`);
    vma.start = start;
    vma.end = end;
    this.#measure(index);
    this.#measure(index + 1);
  }

  /**
   * The highest hole of at least `pages` pages in [low, high): the page behind its last one, or -1
   * (mas_empty_area_rev). A hole that sticks out of the limits is cut to them first.
   */
  highestGapEnd(pages: number, low: number, high: number): number {
    const top = this.#leaves.at(-1)?.vmas.at(-1);
    const above = top === undefined ? 0 : top.end;
    if (high - Math.max(above, low) >= pages) return high;
    // One leaf further up than `high`: the hole in front of its first mapping may reach below.
    for (let index = Math.min(this.#leafOf(high) + 1, this.#leaves.length - 1); index >= 0; index--) {
      const leaf = this.#leaves[index] as Leaf;
      if (leaf.maxGap < pages) continue;
      for (let at = leaf.vmas.length - 1; at >= 0; at--) {
        const end = Math.min((leaf.vmas[at] as Vma).start, high);
        const start = Math.max(this.#endBefore(index, at), low);
        if (end - start >= pages) return end;
        if (end <= low) return -1;
      }
    }
    return -1;
  }

  /** The lowest hole of at least `pages` pages in [low, high): its first page, or -1 (mas_empty_area). */
  lowestGapStart(pages: number, low: number, high: number): number {
    for (let index = Math.max(0, this.#leafOf(low)); index < this.#leaves.length; index++) {
      const leaf = this.#leaves[index] as Leaf;
      if (leaf.maxGap < pages) continue;
      for (let at = 0; at < leaf.vmas.length; at++) {
        const start = Math.max(this.#endBefore(index, at), low);
        if (start + pages > high) return -1;
        if ((leaf.vmas[at] as Vma).start - start >= pages) return start;
      }
    }
    const top = this.#leaves.at(-1)?.vmas.at(-1);
    const start = Math.max(top === undefined ? 0 : top.end, low);
    return start + pages <= high ? start : -1;
  }

  /** The end of the mapping in front of the one at (leaf, at); 0 when it is the first. */
  #endBefore(index: number, at: number): number {
    const { vmas } = this.#leaves[index] as Leaf;
    const below = at > 0 ? vmas[at - 1] : this.#leaves[index - 1]?.vmas.at(-1);
    return below === undefined ? 0 : below.end;
  }

  /** The last leaf that begins at or below the page; the first leaf when all are above; -1 when there is none. */
  #leafOf(page: number): number {
    const leaves = this.#leaves;
    let low = 0;
    let high = leaves.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (((leaves[middle] as Leaf).vmas[0] as Vma).start <= page) low = middle;
      else high = middle - 1;
    }
    return high < 0 ? -1 : low;
  }

  #splitLeaf(index: number): void {
    const { vmas } = this.#leaves[index] as Leaf;
    this.#leaves.splice(index + 1, 0, { vmas: vmas.splice(vmas.length >>> 1), maxGap: 0 });
    this.#measure(index + 2);
  }

  #measure(index: number): void {
    const leaf = this.#leaves[index];
    if (leaf === undefined) return;
    let end = this.#endBefore(index, 0);
    let maxGap = 0;
    for (const vma of leaf.vmas) {
      maxGap = Math.max(maxGap, vma.start - end);
      end = vma.end;
    }
    leaf.maxGap = maxGap;
  }
}

/** Index of the first mapping whose end lies above the page; the length when there is none. */
function firstEndingAbove(vmas: readonly Vma[], page: number): number {
  let low = 0;
  let high = vmas.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((vmas[middle] as Vma).end > page) high = middle;
    else low = middle + 1;
  }
  return low;
}
