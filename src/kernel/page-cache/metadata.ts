import { PAGE_SIZE } from '../../hardware/units.ts';
import type { Task } from '../process/process.ts';
import type { Clock } from '../time/clock.ts';
import type { FileSystem } from './file-system.ts';
import { hasHole, type Inode } from './inode.ts';

/**
 * Blocks of a file system's own books by what they hold; those of the inode table have numbers from 0. Files in one directory
 * and one block group are what the machine has, so there is one of each other kind.
 */
const GROUP_DESCRIPTOR = -1;
const BLOCK_BITMAP = -2;
const INODE_BITMAP = -3;
const DIRECTORY = -4;
/** The block of the inode table with the directory's own inode, 2; only the first five files of a disk share it. */
const DIRECTORY_INODE = 0;
/** Inodes of 256 bytes in a block. */
const INODES_PER_BLOCK = 16;
const blockOf = ({ ino }: Inode): number => DIRECTORY_INODE + 1 + Math.floor(ino / INODES_PER_BLOCK);

/** The coarse clock that files take their times from moves with the timer interrupt, HZ=250. */
const TICK_NS = 4_000_000;

/**
 * The file system's own blocks lie in the cache of the block device, and the first change of one that is clean is charged
 * to the task like any page that becomes dirty (__folio_mark_dirty). They are clean only after the device was synced. Which
 * call changes which block was read from block:block_dirty_buffer of Linux 6.18, ext4 without a journal.
 */
export class Metadata {
  /** Blocks that were changed since the device was synced; of one that never was, all count as changed. */
  readonly #changed = new Map<number, Set<number>>();
  /** When the first change since came, in nanoseconds since boot; nothing for file systems that are as they were at boot. */
  readonly #dirtiedWhen = new Map<number, number>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** syncfs(2) wrote the whole device (sync_blockdev). */
  synced(fs: FileSystem): void {
    this.#changed.set(fs.dev, new Set());
  }

  /** The flusher writes what is dirty for too long: the device's blocks too, if they were changed then or before. */
  expired(fs: FileSystem, dirtiedBefore: number): void {
    if ((this.#dirtiedWhen.get(fs.dev) ?? 0) <= dirtiedBefore) this.synced(fs);
  }

  /**
   * Bytes of a file are written, and its times are of now, unless they show this tick of the clock already
   * (inode_needs_update_time).
   */
  written(task: Task | undefined, inode: Inode): void {
    if (inode.changedTick !== this.#tick) this.inodeChanged(task, inode);
  }

  get #tick(): number {
    return Math.floor(this.#clock.now / TICK_NS);
  }

  /** A file's size or blocks change, and its times with them (ext4_mark_inode_dirty). */
  inodeChanged(task: Task | undefined, inode: Inode): void {
    inode.changedTick = this.#tick;
    this.#change(task, inode, blockOf(inode));
  }

  /** A file was made in a directory (ext4_create). */
  created(task: Task | undefined, inode: Inode): void {
    this.#change(task, inode, INODE_BITMAP, GROUP_DESCRIPTOR, blockOf(inode), DIRECTORY, DIRECTORY_INODE);
  }

  /** A name went (ext4_unlink). */
  unlinked(task: Task | undefined, inode: Inode): void {
    this.#change(task, inode, DIRECTORY, DIRECTORY_INODE, blockOf(inode));
  }

  /** A file without names and users went, with its blocks (ext4_evict_inode, ext4_free_inode). */
  deleted(task: Task | undefined, inode: Inode): void {
    if (inode.extents.pages + inode.unwritten.pages > 0) this.blocksChanged(task, inode);
    this.#change(task, inode, blockOf(inode), INODE_BITMAP, GROUP_DESCRIPTOR);
  }

  /** The pages [first, end) of a file need blocks: those that have none yet get them. */
  allocated(task: Task | undefined, inode: Inode, first: number, end: number): void {
    if (this.#changed.has(inode.fs.dev) && hasHole(inode, first, end)) this.blocksChanged(task, inode);
  }

  /** Blocks were given to a file or taken from it (ext4_mb_mark_diskspace_used, ext4_free_blocks). */
  blocksChanged(task: Task | undefined, inode: Inode): void {
    this.#change(task, inode, BLOCK_BITMAP, GROUP_DESCRIPTOR, blockOf(inode));
  }

  #change(task: Task | undefined, { kind, fs }: Inode, ...blocks: number[]): void {
    const changed = this.#changed.get(fs.dev);
    if (changed === undefined || kind !== 'file') return;
    for (const block of blocks) {
      if (changed.has(block)) continue;
      if (changed.size === 0) this.#dirtiedWhen.set(fs.dev, this.#clock.now);
      changed.add(block);
      if (task !== undefined) task.process.writtenBytes += PAGE_SIZE;
    }
  }

  save(): MetadataState[] {
    return [...this.#changed].map(([dev, blocks]) => ({ dev, blocks: [...blocks], since: this.#dirtiedWhen.get(dev) }));
  }

  /** Takes the place of all that is known. */
  restore(state: readonly MetadataState[]): void {
    this.#changed.clear();
    this.#dirtiedWhen.clear();
    for (const { dev, blocks, since } of state) {
      this.#changed.set(dev, new Set(blocks));
      if (since !== undefined) this.#dirtiedWhen.set(dev, since);
    }
  }
}

export interface MetadataState {
  readonly dev: number;
  readonly blocks: readonly number[];
  readonly since: number | undefined;
}
