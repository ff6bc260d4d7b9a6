import type { PageCore } from '../core.ts';
import type { Timers } from '../time/clock.ts';
import { NR_DIRTY } from '../vmstat.ts';
import { type Bdi, type BdiState, bdiOf, restoreBdi, saveBdi, type Work } from './bdi.ts';
import { type DirtyLimits, dirtyablePages, dirtyLimits } from './dirty-limits.ts';
import type { FileSystem } from './file-system.ts';
import type { Inode } from './inode.ts';
import type { Metadata } from './metadata.ts';
import type { PageCache } from './page-cache.ts';
import type { WriteBack } from './write-back.ts';
import {
  traceBegin,
  traceEnd,
  traceInode,
  traceWake,
  WB_REASON_BACKGROUND,
  WB_REASON_PERIODIC,
} from './write-back-trace.ts';

const NS_PER_CENTISECOND = 10_000_000;
/** Pages of one request at most, 4 MiB (MIN_WRITEBACK_PAGES). */
const CHUNK_PAGES = 1024;

/**
 * The kernel's threads that write dirty pages (fs/fs-writeback.c), one for each device, as events on the clock: each wakes
 * every 5 s, writes files that have been dirty for 30 s, and what is above the background limit. They run beside the
 * programs: these wait only for what the disk is busy with. A thread has one request in flight; its pages are called
 * clean when the disk has answered.
 */
export class Flusher {
  readonly #core: PageCore;
  readonly #cache: PageCache;
  readonly #writeBack: WriteBack;
  readonly #metadata: Metadata;
  readonly #clock: Timers;
  readonly #bdis = new Map<number, Bdi>();

  constructor(core: PageCore, cache: PageCache, writeBack: WriteBack, metadata: Metadata) {
    this.#metadata = metadata;
    this.#core = core;
    this.#cache = cache;
    this.#writeBack = writeBack;
    this.#clock = core.clock;
  }

  /** The device of a file system, as write-back sees it. */
  bdi(fs: FileSystem): Bdi {
    let bdi = this.#bdis.get(fs.dev);
    if (bdi === undefined) {
      bdi = bdiOf(fs);
      this.#bdis.set(fs.dev, bdi);
    }
    return bdi;
  }

  /** What may be dirty now, in pages (global_dirty_limits). */
  limits(): DirtyLimits {
    const { params, allocator, lru } = this.#core;
    return dirtyLimits(params, dirtyablePages(allocator, lru.filePages));
  }

  get dirty(): number {
    return this.#core.vmstat.value(NR_DIRTY);
  }

  /** A file became dirty (__mark_inode_dirty): the device's first one starts its clock (wb_wakeup_delayed). */
  inodeDirtied(inode: Inode): void {
    inode.dirtiedWhen = this.#clock.now;
    this.#wakeLater(this.bdi(inode.fs));
  }

  /** There is more dirty than the background limit allows, or a writer waits (wb_start_background_writeback). */
  startBackground(): void {
    for (const bdi of this.#devices()) {
      if (bdi.work !== undefined) continue;
      traceWake(this.#core.trace, bdi);
      bdi.work = this.#begin(bdi, WB_REASON_BACKGROUND, this.#clock.now);
      this.#run(bdi);
    }
  }

  /** The flusher's period was changed: it writes everything, and counts from now on (dirty_writeback_centisecs_handler). */
  periodChanged(): void {
    for (const bdi of this.#devices()) {
      bdi.work ??= this.#begin(bdi, WB_REASON_PERIODIC, this.#clock.now);
      if (bdi.request === undefined) this.#run(bdi);
    }
  }

  /** Some device writes (writeback_in_progress). */
  get isBusy(): boolean {
    for (const bdi of this.#bdis.values()) if (bdi.request !== undefined) return true;
    return false;
  }

  /**
   * Writes everything that is dirty, and whoever calls waits for the disks (wakeup_flusher_threads with reclaim's wait
   * for write-back; sync(2)).
   */
  writeAll(reason: number, dev?: number): void {
    for (const bdi of this.#devices()) {
      if (dev !== undefined && bdi.fs.dev !== dev) continue;
      const work = this.#begin(bdi, reason, Number.POSITIVE_INFINITY);
      const before = this.dirty;
      this.#writeBack.syncAll(bdi.fs.dev);
      work.pages -= before - this.dirty;
      this.#end(bdi, work);
    }
  }

  /** The devices that have dirty files, in the order in which they got them. */
  #devices(): Bdi[] {
    const devices = new Set<Bdi>();
    for (const inode of this.#cache.dirtyInodes) devices.add(this.bdi(inode.fs));
    return [...devices];
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
      if (bdi.work === undefined) bdi.work = this.#oldData(bdi) ?? this.#background(bdi);
      this.#run(bdi);
    });
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
    return this.#begin(bdi, WB_REASON_PERIODIC, dirtiedBefore);
  }

  #background(bdi: Bdi): Work | undefined {
    if (this.dirty <= this.limits().background) return undefined;
    return this.#begin(bdi, WB_REASON_BACKGROUND, this.#clock.now);
  }

  #begin(bdi: Bdi, reason: number, dirtiedBefore: number): Work {
    const work: Work = { reason, dirtiedBefore, pages: this.dirty, asked: this.dirty, inode: undefined, wrote: 0 };
    traceBegin(this.#core.trace, bdi, work, this.#clock.now, this.#next(bdi, work) !== undefined);
    return work;
  }

  /** Goes on with a device's work until the disk must be waited for, or nothing is left (wb_workfn). */
  #run(bdi: Bdi): void {
    if (bdi.request !== undefined) this.#answered(bdi);
    while (bdi.work !== undefined && bdi.request === undefined) {
      if (this.#step(bdi, bdi.work)) continue;
      const { reason } = bdi.work;
      this.#end(bdi, bdi.work);
      bdi.work = reason === WB_REASON_PERIODIC ? this.#background(bdi) : undefined;
    }
    if (bdi.work === undefined && this.#hasDirty(bdi)) this.#wakeLater(bdi);
  }

  /** Writes the next run of pages, or starts to. @returns whether there was one to write */
  #step(bdi: Bdi, work: Work): boolean {
    if (work.pages <= 0) return false;
    if (work.reason === WB_REASON_BACKGROUND && this.dirty <= this.limits().background) return false;
    const inode = this.#next(bdi, work);
    if (inode !== work.inode) this.#leaveInode(bdi, work);
    if (inode === undefined) return false;
    work.inode = inode;
    const run = this.#writeBack.nextRun(inode, inode.writebackIndex, CHUNK_PAGES);
    if (run === undefined) return false;
    bdi.request = { inode, first: run[0], end: run[1], since: this.#clock.now };
    inode.writebackIndex = run[1];
    const time = this.#writeBack.submit(inode, run[0], run[1]);
    if (time > 0) this.#wakeAt(bdi, this.#clock.now + time);
    else this.#answered(bdi);
    return true;
  }

  /** The disk has the pages of the request: what is still dirty of them is clean now. */
  #answered(bdi: Bdi): void {
    const { request, work } = bdi;
    bdi.request = undefined;
    if (request === undefined) return;
    const before = this.dirty;
    this.#writeBack.complete(request.inode, request.first, request.end);
    const written = before - this.dirty;
    bdi.measure(request.end - request.first, this.#clock.now - request.since);
    if (work === undefined) return;
    // Pages that somebody else wrote meanwhile count too, or the work would never end.
    work.pages -= Math.max(1, written);
    work.wrote += written;
  }

  #end(bdi: Bdi, work: Work): void {
    this.#leaveInode(bdi, work);
    traceEnd(this.#core.trace, bdi, work);
  }

  /** The oldest dirty file of the device that the work is about. */
  #next(bdi: Bdi, work: Work): Inode | undefined {
    for (const inode of this.#cache.dirtyInodes)
      if (inode.dev === bdi.fs.dev && inode.dirtiedWhen <= work.dirtiedBefore) return inode;
    return undefined;
  }

  #hasDirty(bdi: Bdi): boolean {
    for (const inode of this.#cache.dirtyInodes) if (inode.dev === bdi.fs.dev) return true;
    return false;
  }

  #leaveInode(bdi: Bdi, work: Work): void {
    traceInode(this.#core.trace, bdi, work);
    work.inode = undefined;
    work.wrote = 0;
  }

  save(): BdiState[] {
    return [...this.#bdis.values()].map(saveBdi);
  }

  /** @param fileSystems by device number; a device whose file system is gone is left out */
  restore(
    state: readonly BdiState[],
    fileSystems: ReadonlyMap<number, FileSystem>,
    inodeOf: (id: number) => Inode | undefined,
  ): void {
    this.#bdis.clear();
    for (const saved of state) {
      const fs = fileSystems.get(saved.dev);
      if (fs === undefined) continue;
      const bdi = restoreBdi(saved, fs, inodeOf);
      this.#bdis.set(saved.dev, bdi);
      if (bdi.due > 0) this.#wakeAt(bdi, bdi.due);
    }
  }
}
