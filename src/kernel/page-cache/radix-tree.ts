const FANOUT_SHIFT = 6;
const FANOUT = 1 << FANOUT_SHIFT;
const SLOT_MASK = FANOUT - 1;
const FIRST_NODES = 1;
const LAST_INDEX = 0x7fffffff;

/**
 * int32 entries by index, 0 for none: a radix tree with 64 entries a node, as the kernel's xarray, whose nodes lie in one
 * growing array. A lookup is two or three loads for a file of gigabytes, and a sparse file of terabytes costs only the nodes
 * on the way to its pages. The node of the last lookup is remembered, because neighbours follow neighbours.
 */
export class RadixTree {
  /** Nodes of 64 entries. Node 0 is the root's place when the tree is empty, so 0 means no node. */
  #nodes = new Int32Array((FIRST_NODES + 1) * FANOUT);
  /** Entries in use of each node. */
  #used = new Uint8Array(FIRST_NODES + 1);
  /** Negative entries of each leaf, and how many leaves hold no others. */
  #negative = new Uint8Array(FIRST_NODES + 1);
  #negativeLeaves = 0;
  #freeNodes: number[] = [];
  #allocated = 1;
  #root = 0;
  /** Levels of the tree; it reaches indexes below 64^levels. */
  #levels = 0;
  /** index >> 6 of the leaf that was used last, and where its entries begin. */
  #lastLeaf = -1;
  #lastBase = 0;

  /** Bytes of memory that the tree takes. */
  get bytes(): number {
    return this.#nodes.byteLength + this.#used.byteLength + this.#freeNodes.length * 8;
  }

  /** Nodes in use. */
  get nodes(): number {
    return this.#allocated - FIRST_NODES - this.#freeNodes.length;
  }

  /** Leaves whose entries are all negative. */
  get negativeLeaves(): number {
    return this.#negativeLeaves;
  }

  /** The first index from `from` on that lies in such a leaf, or -1. */
  nextNegativeLeaf(from: number): number {
    for (
      let index = this.next(from, LAST_INDEX, true);
      index >= 0;
      index = this.next((index | SLOT_MASK) + 1, LAST_INDEX, true)
    )
      if (this.#isNegative(this.#leafOf(index))) return index;
    return -1;
  }

  #isNegative(leaf: number): boolean {
    return this.#negative[leaf] !== 0 && this.#negative[leaf] === this.#used[leaf];
  }

  /** The entry at an index from 0 to 2^31-1, 0 for none. */
  get(index: number): number {
    if (index >> FANOUT_SHIFT === this.#lastLeaf) return this.#nodes[this.#lastBase + (index & SLOT_MASK)] as number;
    const leaf = this.#leafOf(index);
    if (leaf === 0) return 0;
    this.#remember(index, leaf);
    return this.#nodes[(leaf << FANOUT_SHIFT) + (index & SLOT_MASK)] as number;
  }

  /**
   * Puts an entry at an index, none with 0, and returns what was there.
   * @throws RangeError when the index is not from 0 to 2^31-1
   */
  set(index: number, entry: number): number {
    if (!(index >= 0 && index < 0x80000000)) throw new RangeError(`RadixTree.set: index ${index}`);
    if (entry === 0) return this.#remove(index);
    if (index >> FANOUT_SHIFT !== this.#lastLeaf) this.#remember(index, this.#makeLeaf(index));
    const at = this.#lastBase + (index & SLOT_MASK);
    const leaf = this.#lastBase >> FANOUT_SHIFT;
    const old = this.#nodes[at] as number;
    this.#nodes[at] = entry;
    if (old > 0 && entry > 0) return old;
    if (this.#isNegative(leaf)) this.#negativeLeaves--;
    if (old === 0) (this.#used[leaf] as number)++;
    (this.#negative[leaf] as number) += Number(entry < 0) - Number(old < 0);
    if (this.#isNegative(leaf)) this.#negativeLeaves++;
    return old;
  }

  /** The first index from `from` to `last` with a positive entry (or a negative one, when asked); -1 if there is none. */
  next(from: number, last: number, negative = false): number {
    let index = from;
    while (index <= last) {
      const leaf = index >> FANOUT_SHIFT === this.#lastLeaf ? this.#lastBase >> FANOUT_SHIFT : this.#leafOf(index);
      if (leaf === 0) {
        index = this.#afterGap(index);
        continue;
      }
      const base = leaf << FANOUT_SHIFT;
      const end = Math.min(last, index | SLOT_MASK);
      for (; index <= end; index++) {
        const entry = this.#nodes[base + (index & SLOT_MASK)] as number;
        if (entry > 0 || (negative && entry < 0)) return index;
      }
    }
    return -1;
  }

  #remember(index: number, leaf: number): void {
    this.#lastLeaf = index >> FANOUT_SHIFT;
    this.#lastBase = leaf << FANOUT_SHIFT;
  }

  protected reset(): void {
    this.#nodes = new Int32Array((FIRST_NODES + 1) * FANOUT);
    this.#used = new Uint8Array(FIRST_NODES + 1);
    this.#negative = new Uint8Array(FIRST_NODES + 1);
    this.#negativeLeaves = 0;
    this.#freeNodes = [];
    this.#allocated = 1;
    this.#root = 0;
    this.#levels = 0;
    this.#lastLeaf = -1;
  }

  /** The leaf node of an index, or 0. */
  #leafOf(index: number): number {
    if (this.#levels < 6 && index >> (FANOUT_SHIFT * this.#levels) !== 0) return 0;
    let node = this.#root;
    for (let shift = FANOUT_SHIFT * (this.#levels - 1); shift > 0 && node !== 0; shift -= FANOUT_SHIFT)
      node = this.#nodes[(node << FANOUT_SHIFT) + ((index >> shift) & SLOT_MASK)] as number;
    return node;
  }

  /** The first index behind the largest missing subtree that `index` lies in. */
  #afterGap(index: number): number {
    if (this.#levels < 6 && index >> (FANOUT_SHIFT * this.#levels) !== 0) return 0x80000000;
    let node = this.#root;
    let shift = FANOUT_SHIFT * (this.#levels - 1);
    while (shift > 0 && node !== 0) {
      node = this.#nodes[(node << FANOUT_SHIFT) + ((index >> shift) & SLOT_MASK)] as number;
      if (node === 0) break;
      shift -= FANOUT_SHIFT;
    }
    return (Math.floor(index / 2 ** shift) + 1) * 2 ** shift;
  }

  #makeLeaf(index: number): number {
    while (this.#levels === 0 || (this.#levels < 6 && index >> (FANOUT_SHIFT * this.#levels) !== 0)) this.#grow();
    let node = this.#root;
    for (let shift = FANOUT_SHIFT * (this.#levels - 1); shift > 0; shift -= FANOUT_SHIFT) {
      const at = (node << FANOUT_SHIFT) + ((index >> shift) & SLOT_MASK);
      let child = this.#nodes[at] as number;
      if (child === 0) {
        child = this.#makeNode();
        this.#nodes[at] = child;
        (this.#used[node] as number)++;
      }
      node = child;
    }
    return node;
  }

  /** Puts a new root above the old one. */
  #grow(): void {
    const root = this.#makeNode();
    if (this.#root !== 0) {
      this.#nodes[root << FANOUT_SHIFT] = this.#root;
      this.#used[root] = 1;
    }
    this.#root = root;
    this.#levels++;
  }

  #makeNode(): number {
    const free = this.#freeNodes.pop();
    if (free !== undefined) return free;
    if (this.#allocated << FANOUT_SHIFT === this.#nodes.length) {
      const grown = Math.ceil(this.#allocated * 1.5);
      const nodes = new Int32Array(grown << FANOUT_SHIFT);
      nodes.set(this.#nodes);
      this.#nodes = nodes;
      const used = new Uint8Array(grown);
      used.set(this.#used);
      this.#used = used;
      const negative = new Uint8Array(grown);
      negative.set(this.#negative);
      this.#negative = negative;
    }
    return this.#allocated++;
  }

  #remove(index: number): number {
    const leaf = this.#leafOf(index);
    if (leaf === 0) return 0;
    const at = (leaf << FANOUT_SHIFT) + (index & SLOT_MASK);
    const old = this.#nodes[at] as number;
    if (old === 0) return 0;
    this.#nodes[at] = 0;
    if (this.#isNegative(leaf)) this.#negativeLeaves--;
    (this.#used[leaf] as number)--;
    if (old < 0) (this.#negative[leaf] as number)--;
    if (this.#isNegative(leaf)) this.#negativeLeaves++;
    if (this.#used[leaf] === 0) this.#prune(index);
    return old;
  }

  /** Gives back the nodes on the way to an index that have nothing left in them. */
  #prune(index: number): void {
    this.#lastLeaf = -1;
    const path: number[] = [];
    let node = this.#root;
    for (let shift = FANOUT_SHIFT * (this.#levels - 1); ; shift -= FANOUT_SHIFT) {
      path.push(node);
      if (shift === 0) break;
      node = this.#nodes[(node << FANOUT_SHIFT) + ((index >> shift) & SLOT_MASK)] as number;
    }
    for (let depth = path.length - 1; depth > 0 && this.#used[path[depth] as number] === 0; depth--) {
      const parent = path[depth - 1] as number;
      const shift = FANOUT_SHIFT * (path.length - depth);
      this.#nodes[(parent << FANOUT_SHIFT) + ((index >> shift) & SLOT_MASK)] = 0;
      (this.#used[parent] as number)--;
      this.#freeNodes.push(path[depth] as number);
    }
    if (this.#used[this.#root] === 0) this.reset();
  }
}
