import { type Pfn, pfn } from '../../hardware/units.ts';
import {
  type FrameTable,
  PG_DIRTY,
  PG_HEAD,
  PG_ORDER_MASK,
  PG_ORDER_SHIFT,
  PG_READAHEAD,
  PG_RECLAIM,
  PG_SWAPBACKED,
  PG_TAIL,
  PG_UPTODATE,
  PG_WRITEBACK,
} from '../frames/frame-table.ts';

/** The kernel keeps both in one bit: a page that reclaim marked is taken for a readahead marker (page-flags.h). */
export const READAHEAD_MARK: number = PG_READAHEAD | PG_RECLAIM;

/**
 * Folios in the frame table (include/linux/page-flags.h): a single page, or a naturally aligned run of frames. Flags that
 * belong to the folio (dirty, referenced, up to date) are kept on each of its pages, the readahead mark on its head; the
 * order stands in every page, so that the head is found by masking.
 */
export class Folios {
  protected readonly table: FrameTable;

  constructor(table: FrameTable) {
    this.table = table;
  }

  /** The first frame of the folio that a frame belongs to. */
  headOf(frame: Pfn): Pfn {
    const flags = this.table.flags[frame] as number;
    if ((flags & PG_TAIL) === 0) return frame;
    return pfn(frame & -(1 << ((flags & PG_ORDER_MASK) >>> PG_ORDER_SHIFT)));
  }

  /** log2 of the pages of the folio that a frame belongs to. */
  orderOf(frame: Pfn): number {
    return this.table.order(frame);
  }

  /** Pages of the folio that a frame belongs to. */
  folioPages(frame: Pfn): number {
    return 1 << this.table.order(frame);
  }

  /**
   * Splits a large folio around a page (folio_split, not uniform): it is halved, the half with the page again, until the
   * page is a folio of its own. Nothing may map it.
   */
  split(page: Pfn): void {
    const { table } = this;
    let head = this.headOf(page);
    for (let order = table.order(page) - 1; order >= 0; order--) {
      const half = pfn(head + (1 << order));
      this.#shape(head, order);
      this.#shape(half, order);
      if (page >= half) head = half;
    }
  }

  /** Makes single pages of a large folio that nothing maps (split_folio). */
  splitAll(frame: Pfn): void {
    const head = this.headOf(frame);
    for (let i = this.folioPages(head) - 1; i >= 0; i--) this.#shape(pfn(head + i), 0);
  }

  /** Makes one folio of a run of frames, or a single page with order 0. */
  #shape(head: Pfn, order: number): void {
    const { table } = this;
    for (let i = 0; i < 1 << order; i++) {
      const page = pfn(head + i);
      table.clear(page, PG_HEAD | PG_TAIL | PG_ORDER_MASK);
      if (order > 0) table.set(page, (i === 0 ? PG_HEAD : PG_TAIL) | (order << PG_ORDER_SHIFT));
    }
  }

  isDirty(frame: Pfn): boolean {
    return this.table.has(frame, PG_DIRTY);
  }

  /** On its way to the disk (folio_test_writeback). */
  isWriteback(frame: Pfn): boolean {
    return this.table.has(frame, PG_WRITEBACK);
  }

  /** Whether a page of the folio is mapped somewhere (folio_mapped). */
  isMapped(frame: Pfn): boolean {
    const head = this.headOf(frame);
    for (let i = this.folioPages(frame) - 1; i >= 0; i--)
      if ((this.table.mapcount[head + i] as number) > 0) return true;
    return false;
  }

  /** The page holds the file's bytes. */
  setUptodate(frame: Pfn): void {
    this.table.set(frame, PG_UPTODATE);
  }

  /**
   * Only some bytes of the page were looked at, as truncation does with the last page: its next reader asks the file system
   * again, which finds its block in memory.
   */
  clearUptodate(frame: Pfn): void {
    this.table.clear(frame, PG_UPTODATE);
  }

  /** Up to date and without a mark on its folio: nothing stands between a reader and the page's bytes. */
  isReady(frame: Pfn): boolean {
    const { flags } = this.table;
    const own = flags[frame] as number;
    if ((own & (PG_UPTODATE | READAHEAD_MARK)) !== PG_UPTODATE) return false;
    return (own & PG_TAIL) === 0 || ((flags[this.headOf(frame)] as number) & READAHEAD_MARK) === 0;
  }

  isUptodate(frame: Pfn): boolean {
    return this.table.has(frame, PG_UPTODATE);
  }

  /** Whether the reader of this folio should ask for more (folio_test_readahead). */
  isMarked(frame: Pfn): boolean {
    return this.table.has(this.headOf(frame), READAHEAD_MARK);
  }

  mark(head: Pfn): void {
    this.table.set(head, PG_READAHEAD);
  }

  clearMark(frame: Pfn): void {
    const head = this.headOf(frame);
    for (let i = this.folioPages(head) - 1; i >= 0; i--) this.table.clear(pfn(head + i), READAHEAD_MARK);
  }

  isShmem(frame: Pfn): boolean {
    return this.table.has(frame, PG_SWAPBACKED);
  }

  protected setFolioFlags(frame: Pfn, flags: number): void {
    const { table } = this;
    const head = this.headOf(frame);
    const pages = this.folioPages(frame);
    for (let i = 0; i < pages; i++) table.set(pfn(head + i), flags);
  }
}
