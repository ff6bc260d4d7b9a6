import { PAGE_SIZE } from '../../hardware/units.ts';
import type { Task } from '../process/process.ts';
import type { Clock } from '../time/clock.ts';
import type { FileSystem } from './file-system.ts';
import type { Inode } from './inode.ts';

/** Blocks of a file system's own books: the inodes, and what says which blocks are free (bitmap and group descriptor). */
const INODE_BLOCKS = 1;
const FREE_SPACE_BLOCKS = 2;
/** The coarse clock that files take their times from moves with the timer interrupt, HZ=250. */
const TICK_NS = 4_000_000;

/**
 * The file system's own blocks lie in the cache of the block device, and the first change of one that is clean is charged
 * to the task like any page that becomes dirty (__folio_mark_dirty). They are clean only after the device was synced.
 */
export class Metadata {
  readonly #cleanInodes = new Set<FileSystem>();
  readonly #cleanFreeSpace = new Set<FileSystem>();
  /** When the first change since came, in nanoseconds since boot; nothing for file systems that are as they were at boot. */
  readonly #dirtiedWhen = new Map<FileSystem, number>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** syncfs(2) wrote the whole device (sync_blockdev). */
  synced(fs: FileSystem): void {
    this.#cleanInodes.add(fs);
    this.#cleanFreeSpace.add(fs);
  }

  /** The flusher writes what is dirty for too long: the device's blocks too, if they were changed then or before. */
  expired(fs: FileSystem, dirtiedBefore: number): void {
    if ((this.#dirtiedWhen.get(fs) ?? 0) <= dirtiedBefore) this.synced(fs);
  }

  /**
   * A file's contents changed, and with them its times, unless they show this tick of the clock already
   * (inode_needs_update_time); its inode is dirty then (ext4_mark_inode_dirty).
   */
  inodeChanged(task: Task | undefined, inode: Inode): void {
    const tick = Math.floor(this.#clock.now / TICK_NS);
    if (inode.changedTick === tick) return;
    inode.changedTick = tick;
    if (this.#cleanInodes.delete(inode.fs)) this.#dirtied(task, inode.fs, INODE_BLOCKS);
  }

  /** Blocks of a file were given back (ext4_free_blocks). */
  blocksFreed(task: Task | undefined, inode: Inode): void {
    if (this.#cleanFreeSpace.delete(inode.fs)) this.#dirtied(task, inode.fs, FREE_SPACE_BLOCKS);
  }

  #dirtied(task: Task | undefined, fs: FileSystem, blocks: number): void {
    this.#dirtiedWhen.set(fs, this.#clock.now);
    if (task !== undefined) task.process.writtenBytes += blocks * PAGE_SIZE;
  }
}
