/** How much of the cache may be dirty (mm/page-writeback.c). All numbers are pages. */
import { PAGE_SIZE } from '../../hardware/units.ts';
import type { FrameAllocator } from '../frames/allocator.ts';
import type { Params } from '../params.ts';

/** The tunables that decide: bytes count where they are set, else the ratio. */
export type DirtyParams = Pick<Params, 'dirtyRatio' | 'dirtyBytes' | 'dirtyBackgroundRatio' | 'dirtyBackgroundBytes'>;

export interface DirtyLimits {
  /** Above it the flusher works until below (nr_dirty_background_threshold). */
  readonly background: number;
  /** Writers are stopped here (nr_dirty_threshold). */
  readonly hard: number;
}

/**
 * Memory that dirty pages may be a share of (global_dirtyable_memory): what is free above the reserves, and the cache.
 * @param filePages on the two LRU lists of files
 */
export function dirtyablePages(allocator: Pick<FrameAllocator, 'free' | 'totalReserve'>, filePages: number): number {
  // One more, so that nobody divides by zero.
  return Math.max(0, allocator.free - allocator.totalReserve) + filePages + 1;
}

/** The limits for so much dirtyable memory (domain_dirty_limits); the kernel computes with parts of a page, not per cent. */
export function dirtyLimits(params: DirtyParams, dirtyable: number): DirtyLimits {
  const hard = limit(params.dirtyBytes, params.dirtyRatio, dirtyable);
  const background = limit(params.dirtyBackgroundBytes, params.dirtyBackgroundRatio, dirtyable);
  return { hard, background: background >= hard ? Math.floor(hard / 2) : background };
}

function limit(bytes: number, ratio: number, dirtyable: number): number {
  if (bytes > 0) return Math.ceil(bytes / PAGE_SIZE);
  return Math.floor((Math.floor((ratio * PAGE_SIZE) / 100) * dirtyable) / PAGE_SIZE);
}

/** Below this nobody who writes is held up (dirty_freerun_ceiling). */
export const freerunCeiling = ({ background, hard }: DirtyLimits): number => Math.floor((background + hard) / 2);

/** How many pages a writer may dirty until it asks again (dirty_poll_interval): fewer as the limit comes near. */
export const dirtyPollInterval = (dirty: number, hard: number): number =>
  hard > dirty ? 1 << (Math.floor(Math.log2(hard - dirty)) >> 1) : 1;
