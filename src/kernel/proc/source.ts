import { entryFrame } from '../../hardware/paging/entry.ts';
import type { Pfn } from '../../hardware/units.ts';
import type { PageCore } from '../core.ts';
import { isMapped, PTE_SPECIAL } from '../page-table/soft-entry.ts';
import type { Swap } from '../swap/swap.ts';
import type { HugePages } from '../thp/huge-pages.ts';

/** What the views of one process read. Nothing in kernel/proc changes what it looks at. */
export interface ProcSource extends Pick<PageCore, 'table' | 'pageTables'> {
  readonly swap: Pick<Swap, 'references'>;
  readonly thp: Pick<HugePages, 'settings'>;
}

/**
 * The frame behind an entry that counts as a page of the process, or -1: nothing there, a swap entry, the zero page or
 * a raw frame (vm_normal_page in mm/memory.c).
 */
export const normalFrame = (lo: number, hi: number): Pfn | -1 =>
  isMapped(lo) && (lo & PTE_SPECIAL) === 0 ? entryFrame(lo, hi) : -1;
