/** How long a disk takes: four kinds as data, and one model that serves requests in simulated time. */

export interface BlockDeviceModel {
  readonly name: string;
  readonly title: string;
  readonly sources: readonly string[];
  /** Capacity; it scales the seeks of a disk that has arms. */
  readonly bytes: number;
  /** From submission to the first byte, in ns, of a read and of a write (into the device's cache), without a seek. */
  readonly readLatency: number;
  readonly writeLatency: number;
  /** Bytes per nanosecond once data flows, read and written: GB/s. */
  readonly bandwidth: number;
  readonly writeBandwidth: number;
  /** Requests that wait for their first byte at the same time. */
  readonly parallel: number;
  /** Arm movement: to the next track, over the whole disk, and half a turn; ns. Zero for flash. */
  readonly shortestSeek: number;
  readonly longestSeek: number;
  readonly halfTurn: number;
  /** Bytes of the largest request that the kernel makes (queue/max_sectors_kb), and of the smallest (logical_block_size). */
  readonly largestRequest: number;
  readonly logicalBlock: number;
  /** The kernel must leave pages alone that it writes, for what it has read of them is used twice (queue/stable_writes). */
  readonly stableWrites: boolean;
}

/** What disks have that set no limits of their own: BLK_DEF_MAX_SECTORS_CAP, sectors of 512 bytes. */
const NO_LIMITS = { largestRequest: 1280 * 1024, logicalBlock: 512, stableWrites: false };
/** Flash has no arm. */
const NO_ARM = { shortestSeek: 0, longestSeek: 0, halfTurn: 0 };

export const nvme: BlockDeviceModel = {
  name: 'nvme',
  title: 'NVMe flash, PCIe 3',
  sources: [
    'random 4 KiB reads take 70 to 100 us on data-centre NAND drives; 3.2 GB/s is the usual sheet figure of PCIe 3 x4',
  ],
  bytes: 2 ** 40,
  readLatency: 80_000,
  writeLatency: 20_000,
  bandwidth: 3.2,
  writeBandwidth: 3.2,
  parallel: 64,
  ...NO_ARM,
  ...NO_LIMITS,
};

export const ssd: BlockDeviceModel = {
  name: 'ssd',
  title: 'SATA flash',
  sources: [
    'SATA 6 Gb/s leaves 550 MB/s after 8b/10b coding and framing; 32 requests by NCQ; NAND read and protocol about 120 us',
  ],
  bytes: 2 ** 40,
  readLatency: 120_000,
  writeLatency: 60_000,
  bandwidth: 0.55,
  writeBandwidth: 0.55,
  parallel: 32,
  ...NO_ARM,
  ...NO_LIMITS,
};

export const hdd: BlockDeviceModel = {
  name: 'hdd',
  title: 'hard disk, 7200 turns a minute',
  sources: [
    'half a turn at 7200 rpm is 4.17 ms; 8.5 ms average seek and 200 MB/s are usual sheet figures of 3.5-inch disks',
  ],
  bytes: 4 * 2 ** 40,
  readLatency: 100_000,
  writeLatency: 100_000,
  bandwidth: 0.2,
  writeBandwidth: 0.2,
  parallel: 1,
  shortestSeek: 1_000_000,
  longestSeek: 15_000_000,
  halfTurn: 4_170_000,
  ...NO_LIMITS,
};

/** Memory that holds its pages compressed; a request is the processor's own work, one page after the other. */
export const zram: BlockDeviceModel = {
  name: 'zram',
  title: 'compressed memory, lzo-rle',
  sources: [
    'measured: O_DIRECT on ext4 on zram, Linux 6.18.44, lzo-rle, machine code as data (1.4:1), AMD EPYC (KVM), beside other ' +
      'work, medians: 31 pages read 96 us, written 228 us; 1 page 4.5 and 9.0 us',
    'limits: max_sectors_kb 124, logical_block_size 4096, BLK_FEAT_STABLE_WRITES of drivers/block/zram',
  ],
  bytes: 2 ** 40,
  readLatency: 1400,
  writeLatency: 1700,
  bandwidth: 1.32,
  writeBandwidth: 0.556,
  parallel: 1,
  ...NO_ARM,
  largestRequest: 124 * 1024,
  logicalBlock: 4096,
  stableWrites: true,
};

export const blockDevices: Readonly<Record<string, BlockDeviceModel>> = { nvme, ssd, hdd, zram };

/** The model of a name. Throws RangeError that lists the known ones. */
export function blockDeviceNamed(name: string): BlockDeviceModel {
  const model = Object.hasOwn(blockDevices, name) ? blockDevices[name] : undefined;
  if (model === undefined)
    throw new RangeError(`unknown disk '${name}'; known are ${Object.keys(blockDevices).join(', ')}`);
  return model;
}

/**
 * Time from when a device takes up a request to its first byte. An arm's seek grows with the root of the distance
 * (Ruemmler and Wilkes, An Introduction to Disk Drive Modeling, 1994); where the last request ended it is in place.
 * @param from the byte after the last request @param start of this request
 */
export function accessTime(model: BlockDeviceModel, from: number, start: number, isWrite: boolean): number {
  const latency = isWrite ? model.writeLatency : model.readLatency;
  if (model.longestSeek === 0 || from === start) return latency;
  const way = Math.min(1, Math.abs(start - from) / model.bytes);
  return latency + model.halfTurn + model.shortestSeek + (model.longestSeek - model.shortestSeek) * Math.sqrt(way);
}

/**
 * A disk at work: up to `parallel` requests look for their data at once, and the data of all pass one after the other
 * through the same wire.
 */
export class BlockDevice {
  readonly model: BlockDeviceModel;
  /** When each of the `parallel` places is free. */
  readonly #freeAt: Float64Array;
  #wireFreeAt = 0;
  #head = 0;

  constructor(model: BlockDeviceModel) {
    this.model = model;
    this.#freeAt = new Float64Array(model.parallel);
  }

  /** Submits a request at time `now` (ns). Returns when it is done. */
  submit(now: number, start: number, bytes: number, isWrite: boolean): number {
    let place = 0;
    for (let i = 1; i < this.#freeAt.length; i++) if (this.#freeAt[i] < this.#freeAt[place]) place = i;
    const begin = Math.max(now, this.#freeAt[place]);
    const firstByte = begin + accessTime(this.model, this.#head, start, isWrite);
    const { bandwidth, writeBandwidth } = this.model;
    const done = Math.max(firstByte, this.#wireFreeAt) + bytes / (isWrite ? writeBandwidth : bandwidth);
    this.#freeAt[place] = done;
    this.#wireFreeAt = done;
    this.#head = start + bytes;
    return done;
  }

  save(): BlockDeviceState {
    return { freeAt: this.#freeAt.slice(), wireFreeAt: this.#wireFreeAt, head: this.#head };
  }

  /** Goes on from the state of a device of the same model. */
  restore(state: BlockDeviceState): void {
    if (state.freeAt.length !== this.#freeAt.length)
      throw new RangeError(
        `BlockDevice.restore: a state of ${state.freeAt.length} places, this has ${this.#freeAt.length}`,
      );
    this.#freeAt.set(state.freeAt);
    this.#wireFreeAt = state.wireFreeAt;
    this.#head = state.head;
  }
}

export interface BlockDeviceState {
  readonly freeAt: Float64Array;
  readonly wireFreeAt: number;
  readonly head: number;
}
