/**
 * Looking for holes in the cache, as readahead does (page_cache_next_miss and page_cache_prev_miss in mm/filemap.c). With
 * single pages this is a plain scan. With large folios the kernel's walk is not: a folio fills several slots of a node
 * of the xarray, loading one of them puts the cursor on the folio's first slot while the index stays, and from there on
 * slot and index go step by step, apart by that distance, until the next node. The windows that come out of it are
 * visible, so the walk is done here in the same way.
 */
import { pfn } from '../../hardware/units.ts';
import type { Inode } from './inode.ts';
import type { PageCache } from './page-cache.ts';

/** XA_CHUNK_SHIFT. */
const CHUNK_SHIFT = 6;
const CHUNK = 1 << CHUNK_SHIFT;
/** A folio of this order or more is a slot (or several) of an upper node. */
const UPPER_ORDER = 6;

/** The cursor (struct xa_state): a slot of a leaf (shift 0) or of a node above the leaves (shift 6), and an index. */
class Cursor {
  readonly #cache: PageCache;
  readonly #inode: Inode;
  index: number;
  #shift = 0;
  /** First index of the node. */
  #base = 0;
  #offset = 0;

  constructor(cache: PageCache, inode: Inode, index: number) {
    this.#cache = cache;
    this.#inode = inode;
    this.index = index;
  }

  /** Goes to the index (xas_load): whether a page is there. */
  load(): boolean {
    const frame = this.#cache.find(this.#inode, this.index);
    if (frame < 0) return false;
    const head = this.index - (frame - this.#cache.headOf(pfn(frame)));
    this.#shift = this.#cache.folioPages(pfn(frame)) >= 1 << UPPER_ORDER ? CHUNK_SHIFT : 0;
    this.#base = startOf(this.index, this.#shift);
    this.#offset = (head - this.#base) >> this.#shift;
    return true;
  }

  /** One step up or down (xas_next, xas_prev): whether a page is in the slot that it comes to. */
  step(by: 1 | -1): boolean {
    this.index += by;
    if (this.index < 0) return false;
    const atEdge = this.#offset === (by > 0 ? CHUNK - 1 : 0);
    if (this.#shift === 0 && !atEdge) {
      this.#offset += by;
      return this.#cache.find(this.#inode, this.#base + this.#offset) >= 0;
    }
    if (this.#offset !== this.#slotOfIndex()) this.#offset += by;
    return this.#enter();
  }

  /** The slot of this node that the index belongs to (get_offset). */
  #slotOfIndex(): number {
    return (this.index >> this.#shift) & (CHUNK - 1);
  }

  /** Leaves a node whose end was reached, and goes down to the leaf when the slot there holds one. */
  #enter(): boolean {
    while (this.#offset === CHUNK || this.#offset < 0) {
      const beside = this.#offset < 0 ? -1 : 1;
      const parent = startOf(this.#base, this.#shift + CHUNK_SHIFT);
      this.#offset = ((this.#base - parent) >> (this.#shift + CHUNK_SHIFT)) + beside;
      this.#base = parent;
      this.#shift += CHUNK_SHIFT;
      if (this.#shift > 5 * CHUNK_SHIFT) return false;
    }
    const first = this.#base + this.#offset * 2 ** this.#shift;
    const found = this.#inode.pages.next(first, first + 2 ** this.#shift - 1);
    if (found < 0) return false;
    const order = Math.log2(this.#cache.folioPages(pfn(this.#inode.pages.get(found))));
    if (this.#shift === CHUNK_SHIFT && order >= UPPER_ORDER) return true;
    this.#shift = 0;
    this.#base = startOf(this.index, 0);
    this.#offset = this.#slotOfIndex();
    return this.#cache.find(this.#inode, this.index) >= 0;
  }
}

/** The first index of the node of a shift that an index lies in. */
const startOf = (index: number, shift: number): number => {
  const span = 2 ** (shift + CHUNK_SHIFT);
  return Math.floor(index / span) * span;
};

/** The first index from `from` on where the walk meets no page; `from + most` when it meets none in `most` steps. */
export function nextMiss(cache: PageCache, inode: Inode, from: number, most: number): number {
  if (!inode.fs.largeFolios) return inode.pages.nextMiss(from, most);
  const cursor = new Cursor(cache, inode, from);
  if (!cursor.load()) return from;
  for (let left = most - 1; left > 0; left--) if (!cursor.step(1)) return cursor.index;
  return from + most;
}

/** The same downwards: -1 when the walk reaches the start of the file, the last index it saw when it met no hole. */
export function prevMiss(cache: PageCache, inode: Inode, from: number, most: number): number {
  if (!inode.fs.largeFolios) return inode.pages.prevMiss(from, most);
  const cursor = new Cursor(cache, inode, from);
  if (!cursor.load()) return from;
  for (let left = most - 1; left > 0; left--) if (!cursor.step(-1)) return cursor.index;
  return cursor.index;
}
