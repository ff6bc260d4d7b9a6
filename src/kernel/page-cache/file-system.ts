import type { BlockDeviceModel } from '../../hardware/block-device.ts';
import { PAGE_SIZE } from '../../hardware/units.ts';
import type { HugePool } from '../hugetlb/huge-inode.ts';

/**
 * What a mounted file system and the device below it decide about the page cache (struct super_block and its
 * backing_dev_info). One object is shared by all its files, so a change of read_ahead_kb reaches every later open.
 */
export interface FileSystem {
  readonly name: string;
  /** st_dev: major << 20 | minor, as the kernel's MKDEV. */
  readonly dev: number;
  /** Cache pages in folios of up to 2 MiB (mapping_set_large_folios): ext4 does since 6.16. */
  readonly largeFolios: boolean;
  /** Largest readahead window in pages: queue/read_ahead_kb / 4. */
  raPages: number;
  /** Largest request of the device in pages: queue/max_sectors_kb / 4 (bdi->io_pages). */
  readonly ioPages: number;
  /** What O_DIRECT's positions and lengths are multiples of, in bytes: queue/logical_block_size. */
  readonly logicalBlock: number;
  /** Of hugetlbfs: the pool that its files are made of, and the mount's limits. */
  readonly pool?: HugePool | undefined;
  /** Pages must not change while the device reads them (BLK_FEAT_STABLE_WRITES): who would change one waits. */
  readonly stableWrites?: boolean | undefined;
  /**
   * Time of one request in nanoseconds; undefined answers at once, as a disk in memory does.
   * @param start where on the device it begins, in bytes
   */
  readonly requestTime?: ((bytes: number, write: boolean, start: number) => number) | undefined;
}

/** VM_READAHEAD_PAGES: 128 KiB. */
export const DEFAULT_RA_PAGES = 32;
/** Of an NVMe disk without a limit of its own: BLK_DEF_MAX_SECTORS_CAP, 1280 KiB. */
export const DEFAULT_IO_PAGES = 320;
/** MAX_PAGECACHE_ORDER: a folio of the cache is at most 2 MiB. */
export const MAX_FOLIO_ORDER = 9;

/** Where memfd, shared memory and tmpfs files live. It has no device, so nothing is ever read or written back. */
export const shmemFileSystem = (dev: number): FileSystem => ({
  name: 'tmpfs',
  dev,
  largeFolios: false,
  raPages: 0,
  ioPages: 0,
  logicalBlock: 1,
});

/** An ordinary file system on a disk. */
export const ext4FileSystem = (dev: number, options: Partial<Omit<FileSystem, 'dev'>> = {}): FileSystem => ({
  name: 'ext4',
  dev,
  largeFolios: true,
  raPages: DEFAULT_RA_PAGES,
  ioPages: DEFAULT_IO_PAGES,
  logicalBlock: 512,
  ...options,
});

/** What the queue of a device lets the kernel do (struct queue_limits). */
export const queueLimits = (
  device: BlockDeviceModel,
): Pick<FileSystem, 'ioPages' | 'logicalBlock' | 'stableWrites'> => ({
  ioPages: Math.floor(device.largestRequest / PAGE_SIZE),
  logicalBlock: device.logicalBlock,
  stableWrites: device.stableWrites,
});
