import type { PageCore } from '../core.ts';
import { NR_DIRTY } from '../vmstat.ts';
import type { Bdi, Work } from './bdi.ts';
import { type DirtyLimits, dirtyablePages, dirtyLimits } from './dirty-limits.ts';
import type { Inode } from './inode.ts';
import type { PageCache } from './page-cache.ts';
import type { WriteBack } from './write-back.ts';
import { traceBegin, traceInode, traceRound, WB_REASON_BACKGROUND } from './write-back-trace.ts';

const LAST_INDEX = 0x7fffffff;
/** MIN_WRITEBACK_PAGES, 4 MiB: shares of files are multiples of it. */
const SHARE_UNIT = 1024;
/** DIRTY_SCOPE: no file gets more at a time than this part of what may be dirty. */
const DIRTY_SCOPE = 8;
/** HZ/10: after so long the thread looks again whether the work is done. */
const ROUND_NS = 100e6;

/**
 * How the flusher goes through the dirty files of a device (wb_writeback, writeback_sb_inodes): in rounds, in the order in
 * which they became dirty, of each a share and then the next one's turn.
 */
export class WriteBackWork {
  readonly #core: PageCore;
  readonly #cache: PageCache;
  readonly #writeBack: WriteBack;

  constructor(core: PageCore, cache: PageCache, writeBack: WriteBack) {
    this.#core = core;
    this.#cache = cache;
    this.#writeBack = writeBack;
  }

  /** What may be dirty now, in pages (global_dirty_limits). */
  limits(): DirtyLimits {
    const { params, allocator, lru } = this.#core;
    return dirtyLimits(params, dirtyablePages(allocator, lru.filePages));
  }

  get dirty(): number {
    return this.#core.vmstat.value(NR_DIRTY);
  }

  /** @param dirtiedBefore in nanoseconds since boot */
  begin(reason: number, dirtiedBefore: number): Work {
    const asked = reason === WB_REASON_BACKGROUND ? Number.POSITIVE_INFINITY : this.dirty;
    return {
      reason,
      dirtiedBefore,
      asked,
      wroteAll: 0,
      inode: undefined,
      wrote: 0,
      left: 0,
      roundSince: -1,
      roundWrote: 0,
    };
  }

  /** Submits the next request. @returns false when the work is over */
  step(bdi: Bdi, work: Work): boolean {
    for (;;) {
      work.inode ??= this.#nextInode(bdi, work);
      if (work.inode === undefined) return false;
      if (this.#writeSome(work, work.inode)) return true;
      this.#leave(bdi, work, work.inode);
    }
  }

  /**
   * One request of the file at hand, from where it was left and once around (writeback_index, range_cyclic).
   * @returns false when its share is used up or nothing is left
   */
  #writeSome(work: Work, inode: Inode): boolean {
    if (work.left <= 0 || inode.dirtyPages === 0) return false;
    const before = inode.dirtyPages;
    let behind = this.#writeBack.submitNext(inode, inode.writebackIndex, LAST_INDEX, work.left, false);
    if (behind < 0) behind = this.#writeBack.submitNext(inode, 0, LAST_INDEX, work.left, false);
    if (behind < 0) return false;
    inode.writebackIndex = behind;
    const wrote = before - inode.dirtyPages;
    work.wrote += wrote;
    work.left -= wrote;
    return true;
  }

  /** The next file; when a round is over, the first of another, as long as there is reason for one. */
  #nextInode(bdi: Bdi, work: Work): Inode | undefined {
    const isLong =
      work.roundWrote > 0 && (work.wroteAll >= work.asked || this.#core.clock.now > work.roundSince + ROUND_NS);
    if (work.roundSince < 0 || isLong || bdi.io.size === 0) {
      if (work.roundSince >= 0) traceRound(this.#core.trace, bdi, work);
      if (!this.#hasReason(work)) return undefined;
      this.#beginRound(bdi, work);
    }
    const [inode] = bdi.io;
    if (inode === undefined) return undefined;
    bdi.io.delete(inode);
    work.wrote = 0;
    work.left = this.#share(bdi, work);
    return inode;
  }

  #hasReason(work: Work): boolean {
    if (work.wroteAll >= work.asked) return false;
    if (work.reason === WB_REASON_BACKGROUND && this.dirty <= this.limits().background) return false;
    return work.roundSince < 0 || work.roundWrote > 0;
  }

  /** queue_io: those that had their turn come again before those that have become old enough since. */
  #beginRound(bdi: Bdi, work: Work): void {
    const { now } = this.#core.clock;
    const before = work.reason === WB_REASON_BACKGROUND ? now : work.dirtiedBefore;
    if (bdi.io.size === 0) {
      for (const inode of bdi.moreIo) bdi.io.add(inode);
      bdi.moreIo.clear();
      for (const inode of this.#cache.dirtyInodes)
        if (inode.dev === bdi.fs.dev && inode.dirtiedWhen <= before) bdi.io.add(inode);
    }
    traceBegin(this.#core.trace, bdi, work, now, bdi.io.size > 0);
    work.roundSince = now;
    work.roundWrote = 0;
  }

  /** Pages of one file before it is the next one's turn: half a second's worth of the disk (writeback_chunk_size). */
  #share(bdi: Bdi, work: Work): number {
    const pages = Math.min(bdi.writeBandwidth / 2, this.limits().hard / DIRTY_SCOPE, work.asked - work.wroteAll);
    return Math.floor((pages + SHARE_UNIT) / SHARE_UNIT) * SHARE_UNIT;
  }

  /**
   * The turn of a file is over (requeue_inode): with its share used up it will have another; where the rest could not be
   * written, because it is in flight already, it counts as dirty since now.
   */
  #leave(bdi: Bdi, work: Work, inode: Inode): void {
    if (work.wrote > 0 || inode.dirtyPages > 0) traceInode(this.#core.trace, bdi, work);
    work.wroteAll += work.wrote;
    work.roundWrote += work.wrote;
    work.inode = undefined;
    if (inode.dirtyPages === 0) return;
    if (work.left <= 0) {
      bdi.moreIo.add(inode);
      return;
    }
    inode.dirtiedWhen = this.#core.clock.now;
    this.#cache.dirtyInodes.delete(inode);
    this.#cache.dirtyInodes.add(inode);
  }
}
