/** Where a new mapping goes (mm/mmap.c, __get_unmapped_area; arch/x86/kernel/sys_x86_64.c; mm/huge_memory.c). */
import { PAGE_SIZE } from '../../hardware/units.ts';
import { EINVAL, ENOMEM, EPERM } from '../errno.ts';
import type { File } from '../page-cache/file.ts';
import type { Process } from '../process/process.ts';
import { MAP_32BIT, MAP_FIXED, MAP_SHARED } from '../uapi.ts';
import {
  LEGACY_BASE,
  LOW_2G_END,
  LOW_2G_START,
  STACK_GUARD_GAP,
  TABLE_PAGES,
  TASK_PAGES,
  TASK_SIZE,
} from './layout.ts';
import type { Mm } from './mm.ts';
import { VM_GROWSDOWN } from './vm-flags.ts';
import type { Vma } from './vma.ts';

/** The lowest address that the kernel places something at for anyone (CONFIG_LSM_MMAP_MIN_ADDR). */
const LSM_MMAP_MIN_ADDR = 65536;

/** A place that is asked for. `hint` is a byte address, 0 for none; `pages` and `pgoff` are pages; `flags` MAP_*. */
export interface PlacementRequest {
  readonly hint: number;
  readonly pages: number;
  readonly pgoff: number;
  readonly flags: number;
  readonly file: File | undefined;
}

/** The lowest address that the search uses, in bytes: the higher one of the sysctl's and the security module's. */
export const lowestAddress = (mmapMinAddr: number): number => Math.max(mmapMinAddr, LSM_MMAP_MIN_ADDR);

/** A hint becomes a whole page, and none too low (round_hint_to_min). Bytes. */
export function roundHint(hint: number, mmapMinAddr: number): number {
  const page = hint - (hint % PAGE_SIZE);
  const lowest = lowestAddress(mmapMinAddr);
  return page !== 0 && page < lowest ? Math.ceil(lowest / PAGE_SIZE) * PAGE_SIZE : page;
}

/** Where a mapping begins for its neighbour below: a stack keeps a gap in front (vm_start_gap). */
export const startWithGap = (vma: Vma): number =>
  (vma.flags & VM_GROWSDOWN) !== 0 ? Math.max(0, vma.start - STACK_GUARD_GAP) : vma.start;

/**
 * Finds the place of a mapping.
 *
 * @param mmapMinAddr vm.mmap_min_addr
 * @returns the byte address, or -ENOMEM (no room), -EINVAL (MAP_FIXED within a page), -EPERM (too low for this user)
 */
export function getUnmappedArea(process: Process, mm: Mm, mmapMinAddr: number, request: PlacementRequest): number {
  if (request.pages > TASK_PAGES) return -ENOMEM;
  const address = place(mm, lowestAddress(mmapMinAddr) / PAGE_SIZE, request);
  if (address < 0) return address;
  if (address > TASK_SIZE - request.pages * PAGE_SIZE) return -ENOMEM;
  if (address % PAGE_SIZE !== 0) return -EINVAL;
  // cap_mmap_addr: the sysctl alone, which is lower than what the search keeps to.
  if (address < mmapMinAddr && !process.credentials.sysRawio) return -EPERM;
  return address;
}

/** Chooses by the kind of memory: files on a disk and large anonymous memory get room for huge pages. */
function place(mm: Mm, lowest: number, request: PlacementRequest): number {
  const { file, hint, pages, flags } = request;
  if (file !== undefined) {
    const { huge } = file.inode;
    if (huge !== undefined) return placeHuge(mm, lowest, request, huge.hstate.pages);
    const isShmem = file.inode.kind === 'shmem';
    return isShmem ? search(mm, lowest, request) : searchAligned(mm, lowest, request);
  }
  const anonymous = { ...request, pgoff: 0 };
  const aligned = (flags & MAP_SHARED) === 0 && hint === 0 && pages % TABLE_PAGES === 0;
  return aligned ? searchAligned(mm, lowest, anonymous) : search(mm, lowest, anonymous);
}

/**
 * Looks for a place where address and file offset agree modulo 2 MiB, by asking for 2 MiB more and cutting
 * (__thp_get_unmapped_area); an ordinary place when the mapping holds no whole 2 MiB or there is no room.
 */
function searchAligned(mm: Mm, lowest: number, request: PlacementRequest): number {
  const { pgoff, pages, hint } = request;
  const firstBoundary = Math.ceil(pgoff / TABLE_PAGES) * TABLE_PAGES;
  if (pgoff + pages - firstBoundary < TABLE_PAGES) return search(mm, lowest, request);
  const address = search(mm, lowest, { ...request, pages: pages + TABLE_PAGES });
  if (address <= 0) return search(mm, lowest, request);
  if (address === hint) return address;
  const page = address / PAGE_SIZE;
  const shift = (((pgoff - page) % TABLE_PAGES) + TABLE_PAGES) % TABLE_PAGES;
  // Already aligned: take the upper end of the padded place, as top-down placement likes it.
  return (page + (shift === 0 ? TABLE_PAGES : shift)) * PAGE_SIZE;
}

/**
 * A place of whole huge pages (hugetlb_get_unmapped_area): a hint is rounded up, a fixed place must fit. The search asks
 * for as much more as the alignment may cost (vm_unmapped_area with an align_mask).
 */
function placeHuge(mm: Mm, lowest: number, request: PlacementRequest, unit: number): number {
  const { hint, pages, flags } = request;
  const bytes = unit * PAGE_SIZE;
  if ((flags & MAP_FIXED) !== 0) return hint % bytes === 0 ? hint : -EINVAL;
  const aligned = Math.ceil(hint / bytes) * bytes;
  if (aligned !== 0 && TASK_SIZE - pages * PAGE_SIZE >= aligned && isFree(mm, aligned / PAGE_SIZE, pages))
    return aligned;
  const padded = pages + unit - 1;
  const start = searchTopDown(mm, lowest, mm.mmapBase, padded);
  if (start >= 0) return Math.floor((start + padded - pages) / unit) * bytes;
  const low = searchBottomUp(mm, Math.max(lowest, LEGACY_BASE), TASK_PAGES, padded, 0);
  return low < 0 ? low : Math.ceil(low / bytes) * bytes;
}

/** arch_get_unmapped_area_topdown: the hint if it is free, else below mmap_base, else bottom up. */
function search(mm: Mm, lowest: number, { hint, pages, flags }: PlacementRequest): number {
  if ((flags & MAP_FIXED) !== 0) return hint;
  if ((flags & MAP_32BIT) !== 0) return searchBottomUp(mm, Math.max(lowest, LOW_2G_START), LOW_2G_END, pages, hint);
  if (hint !== 0 && TASK_SIZE - pages * PAGE_SIZE >= hint) {
    const page = Math.floor(hint / PAGE_SIZE);
    if (isFree(mm, page, pages)) return page * PAGE_SIZE;
  }
  const end = searchTopDown(mm, lowest, mm.mmapBase, pages);
  if (end >= 0) return end * PAGE_SIZE;
  return searchBottomUp(mm, Math.max(lowest, LEGACY_BASE), TASK_PAGES, pages, hint);
}

/** Free, the gap in front of a stack above included. Nothing is asked of the neighbour below. */
function isFree(mm: Mm, page: number, pages: number): boolean {
  const above = mm.vmas.find(page);
  return above === undefined || page + pages <= startWithGap(above);
}

/** The highest place in [low, high) (unmapped_area_topdown): its first page, or -1. */
function searchTopDown(mm: Mm, low: number, high: number, pages: number): number {
  for (let limit = high; ; ) {
    const end = mm.vmas.highestGapEnd(pages, low, limit);
    if (end < 0) return -1;
    const above = mm.vmas.find(end);
    if (above === undefined || startWithGap(above) >= end) return end - pages;
    limit = startWithGap(above);
  }
}

/** The lowest place in [low, high), the hint first (arch_get_unmapped_area, unmapped_area): a byte address or -ENOMEM. */
function searchBottomUp(mm: Mm, low: number, high: number, pages: number, hint: number): number {
  if (pages > high) return -ENOMEM;
  const wanted = Math.ceil(hint / PAGE_SIZE);
  if (hint !== 0 && high - pages >= wanted && isFree(mm, wanted, pages)) return wanted * PAGE_SIZE;
  for (let from = low; ; ) {
    const start = mm.vmas.lowestGapStart(pages, from, high);
    if (start < 0) return -ENOMEM;
    const above = mm.vmas.find(start);
    if (above === undefined || startWithGap(above) >= start + pages) return start * PAGE_SIZE;
    from = above.end;
  }
}
