import type { PageCore } from '../core.ts';
import type { Timers } from '../time/clock.ts';
import { NR_WRITEBACK } from '../vmstat.ts';
import type { Bdi, BdiState, Work } from './bdi.ts';
import { Bdis } from './bdis.ts';
import type { DirtyLimits } from './dirty-limits.ts';
import type { FileSystem } from './file-system.ts';
import type { WriteRequest } from './in-flight.ts';
import type { Inode } from './inode.ts';
import type { Metadata } from './metadata.ts';
import type { PageCache } from './page-cache.ts';
import type { WriteBack } from './write-back.ts';
import {
  traceBegin,
  traceEnd,
  traceRound,
  traceWake,
  WB_REASON_BACKGROUND,
  WB_REASON_PERIODIC,
} from './write-back-trace.ts';
import { WriteBackWork } from './write-back-work.ts';

const NS_PER_CENTISECOND = 10_000_000;
/** Requests of a flusher that a disk has at a time (wb_background of block/blk-wbt.c). */
const REQUESTS_IN_FLIGHT = 4;

/**
 * The kernel's threads that write dirty pages (fs/fs-writeback.c), one for each device, as events on the clock: each wakes
 * every 5 s, writes files that have been dirty for 30 s, and what is above the background limit. They run beside the
 * programs: these wait only for what the disk is busy with.
 */
export class Flusher {
  readonly #core: PageCore;
  readonly #writeBack: WriteBack;
  readonly #metadata: Metadata;
  readonly #clock: Timers;
  readonly #work: WriteBackWork;
  readonly #bdis: Bdis;

  constructor(core: PageCore, cache: PageCache, writeBack: WriteBack, metadata: Metadata) {
    this.#metadata = metadata;
    this.#core = core;
    this.#writeBack = writeBack;
    this.#clock = core.clock;
    this.#work = new WriteBackWork(core, cache, writeBack);
    this.#bdis = new Bdis(cache.dirtyInodes);
  }

  /** The device of a file system, as write-back sees it. */
  bdi(fs: FileSystem): Bdi {
    return this.#bdis.of(fs);
  }

  /** What may be dirty now, in pages (global_dirty_limits). */
  limits(): DirtyLimits {
    return this.#work.limits();
  }

  /** Dirty pages of files. */
  get dirty(): number {
    return this.#work.dirty;
  }

  /** The same with those under write-back: what writers are measured by. */
  get dirtyOrWriting(): number {
    return this.dirty + this.#core.vmstat.value(NR_WRITEBACK);
  }

  /** A file became dirty (__mark_inode_dirty): the device's first one starts its clock (wb_wakeup_delayed). */
  inodeDirtied(inode: Inode): void {
    inode.dirtiedWhen = this.#clock.now;
    const bdi = this.bdi(inode.fs);
    if (bdi.work === undefined) this.#wakeLater(bdi);
  }

  /** There is more dirty than the background limit allows, or a writer waits (wb_start_background_writeback). */
  startBackground(): void {
    for (const bdi of this.#bdis.withDirty()) {
      if (bdi.work !== undefined) continue;
      traceWake(this.#core.trace, bdi);
      bdi.work = this.#work.begin(WB_REASON_BACKGROUND, this.#clock.now);
      this.#run(bdi);
    }
  }

  /**
   * Everything that is dirty now will be written, and nobody waits for it (wakeup_flusher_threads): the threads begin when
   * the present work is done. @param reason WB_REASON_*
   */
  startAll(reason: number): void {
    for (const bdi of this.#bdis.withDirty()) {
      bdi.startAll = reason;
      if (bdi.work === undefined) this.#wakeAt(bdi, this.#clock.now);
    }
  }

  /** The flusher's period was changed: it writes everything, and counts from now on (dirty_writeback_centisecs_handler). */
  periodChanged(): void {
    for (const bdi of this.#bdis.withDirty()) {
      if (bdi.work !== undefined) continue;
      bdi.work = this.#work.begin(WB_REASON_PERIODIC, this.#clock.now);
      this.#run(bdi);
    }
  }

  /** Some device writes (writeback_in_progress). */
  get isBusy(): boolean {
    return this.#bdis.isAnyBusy || this.#writeBack.inFlight.count() > 0;
  }

  /**
   * Writes everything that is dirty, and whoever calls waits for the disks (sync(2); wakeup_flusher_threads with reclaim's
   * wait for write-back). @param reason WB_REASON_*
   */
  writeAll(reason: number, dev?: number): void {
    const { trace, clock } = this.#core;
    for (const bdi of this.#bdis.withDirty()) {
      if (dev !== undefined && bdi.fs.dev !== dev) continue;
      const work = this.#work.begin(reason, Number.POSITIVE_INFINITY);
      traceBegin(trace, bdi, work, clock.now, true);
      const before = this.dirty;
      this.#writeBack.syncAll(bdi.fs.dev);
      work.wroteAll = before - this.dirty;
      traceRound(trace, bdi, work);
      traceEnd(trace, work);
    }
    this.#writeBack.inFlight.waitAll(dev);
  }

  /** A disk answered a request: its thread goes on if it waited for that, when nobody is in the middle of something. */
  answered({ inode, first, blocksEnd, since }: WriteRequest): void {
    const bdi = this.bdi(inode.fs);
    bdi.answered(blocksEnd - first, since, this.#clock.now);
    if (bdi.work !== undefined && bdi.due === 0) this.#wakeAt(bdi, this.#clock.now);
  }

  #wakeLater(bdi: Bdi): void {
    const interval = this.#core.params.dirtyWritebackCentisecs * NS_PER_CENTISECOND;
    if (interval > 0 && bdi.due === 0) this.#wakeAt(bdi, this.#clock.now + interval);
  }

  #wakeAt(bdi: Bdi, due: number): void {
    bdi.due = due;
    this.#clock.at(due, () => {
      if (bdi.due !== due) return;
      bdi.due = 0;
      bdi.work ??= this.#nextWork(bdi, undefined);
      this.#run(bdi);
    });
  }

  /** What there is to do behind a piece of work, in the order of wb_do_writeback. */
  #nextWork(bdi: Bdi, done: Work | undefined): Work | undefined {
    const all = this.#all(bdi);
    if (all !== undefined || done?.reason === WB_REASON_BACKGROUND) return all;
    return this.#oldData(bdi) ?? this.#background();
  }

  /** wb_check_start_all. */
  #all(bdi: Bdi): Work | undefined {
    const reason = bdi.startAll;
    bdi.startAll = -1;
    return reason < 0 || this.dirty === 0 ? undefined : this.#work.begin(reason, Number.POSITIVE_INFINITY);
  }

  /** What has been dirty for too long, at most once in an interval (wb_check_old_data_flush). */
  #oldData(bdi: Bdi): Work | undefined {
    const { dirtyWritebackCentisecs, dirtyExpireCentisecs } = this.#core.params;
    const { now } = this.#clock;
    if (dirtyWritebackCentisecs === 0) return undefined;
    if (now < bdi.lastOldFlush + dirtyWritebackCentisecs * NS_PER_CENTISECOND) return undefined;
    bdi.lastOldFlush = now;
    if (this.dirty === 0) return undefined;
    const dirtiedBefore = now - dirtyExpireCentisecs * NS_PER_CENTISECOND;
    this.#metadata.expired(bdi.fs, dirtiedBefore);
    return this.#work.begin(WB_REASON_PERIODIC, dirtiedBefore);
  }

  #background(): Work | undefined {
    if (this.dirty <= this.limits().background) return undefined;
    return this.#work.begin(WB_REASON_BACKGROUND, this.#clock.now);
  }

  /** Goes on with a device's work until the disk must be waited for, or nothing is left (wb_workfn). */
  #run(bdi: Bdi): void {
    const { inFlight } = this.#writeBack;
    bdi.due = 0;
    while (bdi.work !== undefined) {
      if (inFlight.count(bdi.fs.dev) >= REQUESTS_IN_FLIGHT) return;
      if (this.#work.step(bdi, bdi.work)) continue;
      traceEnd(this.#core.trace, bdi.work);
      bdi.work = this.#nextWork(bdi, bdi.work);
    }
    if (this.#bdis.hasDirty(bdi)) this.#wakeLater(bdi);
  }

  save(): BdiState[] {
    return this.#bdis.save();
  }

  /** As Bdis.restore; threads that were to wake do. */
  restore(
    state: readonly BdiState[],
    fileSystems: ReadonlyMap<number, FileSystem>,
    inodeOf: (id: number) => Inode | undefined,
  ): void {
    for (const bdi of this.#bdis.restore(state, fileSystems, inodeOf)) if (bdi.due > 0) this.#wakeAt(bdi, bdi.due);
  }
}
