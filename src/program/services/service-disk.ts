import { BlockDevice, type BlockDeviceModel, nvme } from '../../hardware/block-device.ts';
import { PAGE_SIZE } from '../../hardware/units.ts';
import { DEFAULT_RA_PAGES, ext4FileSystem, queueLimits } from '../../kernel/page-cache/file-system.ts';
import type { Machine } from '../../machine/machine.ts';

/** MKDEV(259, 0): where NVMe disks are numbered from. */
const DATA_DEVICE = 259 << 20;

/**
 * The disk that a service keeps its data on, with counts of its own. Who reads waits for it; the kernel's flusher writes
 * beside everybody, yet keeps the disk busy, and later reads queue behind it.
 */
export class ServiceDisk {
  readonly model: BlockDeviceModel;
  /** Requests and bytes so far. */
  reads = 0;
  readBytes = 0;
  writes = 0;
  writtenBytes = 0;
  readonly #device: BlockDevice;

  /**
   * Mounts an ext4 file system on a disk of the machine's kind, NVMe if it has none.
   * @param path the mount point; @param readAheadBytes queue/read_ahead_kb, 128 KiB when it is not given
   */
  constructor(machine: Machine, path: string, readAheadBytes: number = DEFAULT_RA_PAGES * PAGE_SIZE) {
    this.model = machine.options.disk ?? nvme;
    this.#device = new BlockDevice(this.model);
    const requestTime = (bytes: number, write: boolean, start: number): number => {
      const { now } = machine.clock;
      const done = this.#device.submit(now, start, bytes, write);
      if (write) {
        this.writes++;
        this.writtenBytes += bytes;
      } else {
        this.reads++;
        this.readBytes += bytes;
      }
      return done - now;
    };
    const { largeFolios } = machine.options;
    const raPages = Math.floor(readAheadBytes / PAGE_SIZE);
    machine.kernel.files.names.mount(
      path,
      ext4FileSystem(DATA_DEVICE, { largeFolios, requestTime, raPages, ...queueLimits(this.model) }),
    );
  }
}
