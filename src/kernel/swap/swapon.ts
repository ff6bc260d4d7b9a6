import { PAGE_SIZE } from '../../hardware/units.ts';
import { EBUSY, EINVAL, EPERM } from '../errno.ts';
import type { Process } from '../process/process.ts';
import type { Swap } from './swap.ts';
import type { SwapArea } from './swap-area.ts';
import type { SwapBacking } from './swap-backing.ts';
import type { SwapDevice } from './swap-devices.ts';

/** Flags of swapon(2) (include/linux/swap.h). */
export const SWAP_FLAG_PREFER = 0x8000;
export const SWAP_FLAG_PRIO_MASK = 0x7fff;
export const SWAP_FLAG_DISCARD = 0x10000;
/** The whole area is given up once, at swapon. */
export const SWAP_FLAG_DISCARD_ONCE = 0x20000;
/** Single slots are given up as they become free; with neither of these two, both is done. */
export const SWAP_FLAG_DISCARD_PAGES = 0x40000;
const SWAP_FLAGS_VALID =
  SWAP_FLAG_PRIO_MASK | SWAP_FLAG_PREFER | SWAP_FLAG_DISCARD | SWAP_FLAG_DISCARD_ONCE | SWAP_FLAG_DISCARD_PAGES;

/** What is put into use. */
export interface SwaponRequest {
  /** As /proc/swaps shows it. */
  readonly path: string;
  readonly device: SwapDevice;
  /** Pages of the device or file, the header among them. */
  readonly slots: number;
  readonly flags?: number;
  /** Where contents go; left out, into the simulator's memory. */
  readonly backing?: SwapBacking | undefined;
  /** How many times smaller a compressed device makes a page. */
  readonly compression?: number | undefined;
}

/**
 * Puts a swap area into use (swapon(2)).
 * @param caller the process that asks; left out, the administrator
 * @returns 0, or -EINVAL (flags, no room for a page), -EPERM (no CAP_SYS_ADMIN, or as many areas as there can be) or
 * -EBUSY (in use already)
 */
export function swapon(swap: Swap, request: SwaponRequest, caller?: Process): number {
  const { path, device, slots, flags = 0, backing, compression } = request;
  if ((flags & ~SWAP_FLAGS_VALID) !== 0) return -EINVAL;
  if (caller !== undefined && !caller.credentials.sysAdmin) return -EPERM;
  if (swap.isUsedUp) return -EPERM;
  if (findArea(swap, path) !== undefined) return -EBUSY;
  if (slots < 2) return -EINVAL;
  const discard = (flags & SWAP_FLAG_DISCARD) !== 0 && (flags & SWAP_FLAG_DISCARD_ONCE) === 0 && device.discards;
  const priority = flags & SWAP_FLAG_PREFER ? flags & SWAP_FLAG_PRIO_MASK : undefined;
  swap.add({ path, device, slots, discard, backing, compression }, priority);
  return 0;
}

/** What the kernel's log says of a new area: its size, and what its device is and does. */
export function swaponLine({ path, device, priority, usable }: SwapArea, flags: number): string {
  const kb = (usable * PAGE_SIZE) / 1024;
  const discards = (flags & SWAP_FLAG_DISCARD) !== 0 && device.discards;
  const once = (flags & SWAP_FLAG_DISCARD_PAGES) === 0;
  const pages = (flags & SWAP_FLAG_DISCARD_ONCE) === 0;
  const marks = `${device.rotational ? '' : 'SS'}${discards ? `D${once ? 's' : ''}${pages ? 'c' : ''}` : ''}`;
  return `Adding ${kb}k swap on ${path}.  Priority:${priority} extents:1 across:${kb}k ${marks}`;
}

/** The area that lies on a device or file, if it is in use. */
export const findArea = (swap: Swap, path: string): SwapArea | undefined =>
  swap.areas.find((area) => area.path === path);
