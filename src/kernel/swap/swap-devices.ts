import type { BlockDeviceModel } from '../../hardware/block-device.ts';

/** What a swap device is like (the block device's queue limits that mm/swapfile.c looks at). */
export interface SwapDevice {
  readonly name: string;
  /** Partition or file, as /proc/swaps says. */
  readonly kind: 'partition' | 'file';
  /** Reads and writes are done when the call returns: zram, pmem (SWP_SYNCHRONOUS_IO). */
  readonly synchronous: boolean;
  /** A disk with a head to move: neighbours on the disk are read ahead rather than neighbours in memory. */
  readonly rotational: boolean;
  /** Slots can be given up (bdev_max_discard_sectors). */
  readonly discards: boolean;
  /** Pages lie compressed in the machine's own memory. */
  readonly compressed: boolean;
}

/** A compressed disk in memory: synchronous, so nothing is read ahead and no page waits in the swap cache. */
export const zram: SwapDevice = {
  name: 'zram',
  kind: 'partition',
  synchronous: true,
  rotational: false,
  discards: true,
  compressed: true,
};

/** A disk without moving parts whose requests are answered later: readahead goes by neighbours in memory. */
export const loop: SwapDevice = {
  name: 'loop',
  kind: 'partition',
  synchronous: false,
  rotational: false,
  discards: true,
  compressed: false,
};

/** A swap file on a disk that counts as moving: readahead goes by neighbours on the disk. */
export const disk: SwapDevice = {
  name: 'disk',
  kind: 'file',
  synchronous: false,
  rotational: true,
  discards: false,
  compressed: false,
};

/** A swap file on flash. */
export const flash: SwapDevice = { ...loop, name: 'flash', kind: 'file' };

/** What a swap file on a disk is like; without a disk, as on flash. */
export const swapDeviceOn = (model: BlockDeviceModel | undefined): SwapDevice =>
  model !== undefined && model.longestSeek > 0 ? disk : flash;

const DEVICES: readonly SwapDevice[] = [zram, loop, disk, flash];

/** The device of a name. Throws RangeError that lists the known ones. */
export function swapDeviceNamed(name: string): SwapDevice {
  const device = DEVICES.find((known) => known.name === name);
  if (device === undefined)
    throw new RangeError(`unknown swap device '${name}'; known are ${DEVICES.map((d) => d.name).join(', ')}`);
  return device;
}
