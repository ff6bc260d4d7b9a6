import type { BlockDeviceModel } from '../hardware/block-device.ts';
import { PAGE_SIZE } from '../hardware/units.ts';
import type { SwapBacking } from '../kernel/swap/swap-backing.ts';
import { swapDeviceOn, zram } from '../kernel/swap/swap-devices.ts';
import { SWAP_FLAG_DISCARD, SWAP_FLAG_PREFER, SWAP_FLAG_PRIO_MASK, type SwaponRequest } from '../kernel/swap/swapon.ts';

/** A swap area that a machine has from its boot on. */
export interface SwapOptions {
  /** Bytes, the page of the header among them. */
  readonly bytes: number;
  /** 'file': on the machine's disk (default). 'zram': compressed in its memory. */
  readonly kind?: 'file' | 'zram';
  /** From 0 to 32767; left out, each area comes behind the ones before it. */
  readonly priority?: number | undefined;
  readonly discard?: boolean | undefined;
  /** How many times smaller zram makes a page; default 2. */
  readonly compression?: number | undefined;
  /** Where the pages of a machine with contents go; left out, into the simulator's memory. */
  readonly backing?: SwapBacking | undefined;
}

/**
 * The areas that a machine's option asks for.
 * @param swap bytes of one file, or areas; @throws RangeError for a size, priority or compression that no area can have
 */
export function swapAreasOf(swap: number | readonly SwapOptions[]): readonly SwapOptions[] {
  const areas = typeof swap !== 'number' ? swap : swap === 0 ? [] : [{ bytes: swap }];
  for (const { bytes, priority = 0, compression = 1 } of areas) {
    if (!Number.isInteger(bytes) || bytes < 2 * PAGE_SIZE)
      throw new RangeError(`Machine: a swap area of ${bytes} bytes`);
    if (!Number.isInteger(priority) || priority < 0 || priority > SWAP_FLAG_PRIO_MASK)
      throw new RangeError(`Machine: swap priority ${priority}; from 0 to ${SWAP_FLAG_PRIO_MASK} are possible`);
    if (!(compression >= 1))
      throw new RangeError(`Machine: a swap compression of ${compression}; from 1 on is possible`);
  }
  return areas;
}

const pathOf = (kind: 'file' | 'zram', number: number): string =>
  kind === 'zram' ? `/dev/zram${number}` : `/swapfile${number === 0 ? '' : number}`;

/** The requests of swapon(2) that put the areas into use, in their order. */
export function swaponRequests(areas: readonly SwapOptions[], disk: BlockDeviceModel | undefined): SwaponRequest[] {
  const counts = { file: 0, zram: 0 };
  return areas.map(({ bytes, kind = 'file', priority, discard, compression, backing }) => ({
    path: pathOf(kind, counts[kind]++),
    device: kind === 'zram' ? zram : swapDeviceOn(disk),
    slots: Math.floor(bytes / PAGE_SIZE),
    flags: (priority === undefined ? 0 : SWAP_FLAG_PREFER | priority) | (discard ? SWAP_FLAG_DISCARD : 0),
    compression,
    backing,
  }));
}
