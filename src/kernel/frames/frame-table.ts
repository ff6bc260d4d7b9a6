import type { Pfn } from '../../hardware/units.ts';

/** Page flags (include/linux/page-flags.h); bit numbers are ours. */
export const PG_LOCKED = 1 << 0;
export const PG_REFERENCED = 1 << 1;
export const PG_UPTODATE = 1 << 2;
export const PG_DIRTY = 1 << 3;
export const PG_LRU = 1 << 4;
export const PG_ACTIVE = 1 << 5;
export const PG_WORKINGSET = 1 << 6;
export const PG_WRITEBACK = 1 << 7;
/** Lives in the page cache or the swap cache: not freed when the last mapping goes. */
export const PG_CACHED = 1 << 8;
export const PG_SWAPCACHE = 1 << 9;
/** Anonymous and shared-memory pages; cleared by MADV_FREE (lazyfree). */
export const PG_SWAPBACKED = 1 << 10;
export const PG_UNEVICTABLE = 1 << 11;
export const PG_MLOCKED = 1 << 12;
export const PG_READAHEAD = 1 << 13;
/** First or further page of a large folio; the order stands beside. */
export const PG_HEAD = 1 << 14;
export const PG_TAIL = 1 << 15;
/** An anonymous page that one process owns alone: its write fault re-uses it (PG_anon_exclusive). */
export const PG_ANON_EXCLUSIVE = 1 << 16;
/** The page is a page table; `index` of a directory is the first of its spare tables, or 0. */
export const PG_TABLE = 1 << 17;
/** Head of a free block of the buddy allocator; the order stands beside. */
export const PG_BUDDY = 1 << 18;
/** Never given out: holes, the kernel's own image. */
export const PG_RESERVED = 1 << 19;
/** Waits in a per-CPU batch for its place on an LRU list. */
export const PG_LRU_PENDING = 1 << 20;
export const PG_RECLAIM = 1 << 21;
/** Waits in a batch to become a page that may be dropped (MADV_FREE). */
export const PG_LAZYFREE_PENDING = 1 << 22;
/** In the head of a large anonymous folio: some of its pages are mapped and some not any more (PG_partially_mapped). */
export const PG_PARTIALLY_MAPPED = 1 << 23;
/** Bits 24-27: order of a free block or of a large folio, in its head. */
export const PG_ORDER_SHIFT = 24;
export const PG_ORDER_MASK = 0xf << PG_ORDER_SHIFT;
/** A page of the pool of huge pages (hugetlb), in use or not: on no list, and in no count of other pages. */
export const PG_HUGETLB = 1 << 28;
/** A page of a file that was written to: its cgroup pays for a description of its block (PG_private, buffer_head). */
export const PG_PRIVATE = 1 << 30;
/** Waits in a batch to become active. */
export const PG_ACTIVATE_PENDING = 1 << 29;

/** Frames of a 2 MiB block. */
const BLOCK_SHIFT = 9;
const BLOCK_PAGES: number = 1 << BLOCK_SHIFT;

/**
 * The frame table: struct page as columns, 26 bytes for each simulated frame beside the 4 bytes of PhysicalMemory
 * (DESIGN.md allows 32), and 4 for each block of 2 MiB. What a column means depends on the flags, as in the kernel's unions.
 */
export class FrameTable {
  readonly frames: number;
  /** PG_* */
  readonly flags: Int32Array;
  /** With MGLRU a frame's generation says whether it counts as active, not its flag; undefined without. */
  isYoung: ((frame: number) => boolean) | undefined;
  /** How many page-table entries map this frame, those of huge pages included. */
  readonly mapcount: Int32Array;
  /** By 2 MiB block: how many entries of directories map the whole folio that begins there (_entire_mapcount). */
  readonly entireMapcount: Int32Array;
  /** 0 none; an inode's id; or, negative, an anon_vma's id. */
  readonly mapping: Int32Array;
  /** Page offset in the file, or the low 32 bits of the anonymous index. */
  readonly index: Int32Array;
  /** Links of the list that the frame is on: a buddy free list or an LRU list. 0 ends a list (frame 0 is reserved). */
  readonly next: Int32Array;
  readonly prev: Int32Array;
  /** Memory cgroup that pays for it, 0 for none. */
  readonly memcg: Uint16Array;

  constructor(frames: number) {
    this.frames = frames;
    this.flags = new Int32Array(frames);
    this.mapcount = new Int32Array(frames);
    this.entireMapcount = new Int32Array(Math.ceil(frames / BLOCK_PAGES));
    this.mapping = new Int32Array(frames);
    this.index = new Int32Array(frames);
    this.next = new Int32Array(frames);
    this.prev = new Int32Array(frames);
    this.memcg = new Uint16Array(frames);
  }

  has(frame: Pfn, flag: number): boolean {
    return ((this.flags[frame] as number) & flag) !== 0;
  }

  set(frame: Pfn, flag: number): void {
    (this.flags[frame] as number) |= flag;
  }

  clear(frame: Pfn, flag: number): void {
    (this.flags[frame] as number) &= ~flag;
  }

  order(frame: Pfn): number {
    return ((this.flags[frame] as number) >>> PG_ORDER_SHIFT) & 0xf;
  }

  setOrder(frame: Pfn, order: number): void {
    this.flags[frame] = ((this.flags[frame] as number) & ~PG_ORDER_MASK) | (order << PG_ORDER_SHIFT);
  }

  /** The first frame of the folio that a frame belongs to: folios are aligned to their size. */
  headOf(frame: Pfn): Pfn {
    return this.has(frame, PG_TAIL) ? ((frame & -(1 << this.order(frame))) as Pfn) : frame;
  }

  /** How many entries of directories map all of the folio of a frame at once. */
  entireMappings(head: Pfn): number {
    return this.entireMapcount[head >>> BLOCK_SHIFT] as number;
  }

  /** Counts one such entry more, or less. @returns how many there are now */
  addEntireMapping(head: Pfn, delta: number): number {
    const count = this.entireMappings(head) + delta;
    this.entireMapcount[head >>> BLOCK_SHIFT] = count;
    return count;
  }

  isAnonymous(frame: Pfn): boolean {
    return (this.mapping[frame] as number) < 0;
  }

  /** Every column as it is now, for a snapshot. */
  save(): FrameTableState {
    const { flags, mapcount, entireMapcount, mapping, index, next, prev, memcg } = this;
    return {
      flags: flags.slice(),
      mapcount: mapcount.slice(),
      entireMapcount: entireMapcount.slice(),
      mapping: mapping.slice(),
      index: index.slice(),
      next: next.slice(),
      prev: prev.slice(),
      memcg: memcg.slice(),
    };
  }

  /** Takes the state of a table of as many frames. */
  restore(state: FrameTableState): void {
    this.flags.set(state.flags);
    this.mapcount.set(state.mapcount);
    this.entireMapcount.set(state.entireMapcount);
    this.mapping.set(state.mapping);
    this.index.set(state.index);
    this.next.set(state.next);
    this.prev.set(state.prev);
    this.memcg.set(state.memcg);
  }
}

/** The columns of a frame table. */
export type FrameTableState = Readonly<
  Pick<FrameTable, 'flags' | 'mapcount' | 'entireMapcount' | 'mapping' | 'index' | 'next' | 'prev' | 'memcg'>
>;
