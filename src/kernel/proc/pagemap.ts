import { entryFrame, PTE_HUGE } from '../../hardware/paging/entry.ts';
import { pfn, type Vpn } from '../../hardware/units.ts';
import type { Mm } from '../address-space/mm.ts';
import {
  type FrameTable,
  PG_ACTIVE,
  PG_DIRTY,
  PG_HEAD,
  PG_HUGETLB,
  PG_LRU,
  PG_MLOCKED,
  PG_REFERENCED,
  PG_SWAPBACKED,
  PG_SWAPCACHE,
  PG_TAIL,
  PG_UNEVICTABLE,
  PG_WRITEBACK,
} from '../frames/frame-table.ts';
import { isGuard, isMapped, isSwapEntry } from '../page-table/soft-entry.ts';
import { normalFrame, type ProcSource } from './source.ts';

/** What /proc/PID/pagemap and /proc/kpageflags tell of one page together. */
export interface PageView {
  /** The frame of a present page, else -1. */
  readonly frame: number;
  /** Present, and not one that counts as the process's: the zero page or a raw frame. */
  readonly special: boolean;
  readonly swapped: boolean;
  readonly guard: boolean;
  /** Bit 61: of a file or of shared memory. */
  readonly file: boolean;
  /** Bit 56: mapped exactly once on the whole machine. */
  readonly exclusive: boolean;
  /** A huge page of a pool. */
  readonly hugetlb: boolean;
  /** PG_* of the frame; 0 when not present. */
  readonly flags: number;
}

const ABSENT: PageView = {
  frame: -1,
  special: false,
  swapped: false,
  guard: false,
  file: false,
  exclusive: false,
  hugetlb: false,
  flags: 0,
};

/**
 * What an entry says (pte_to_pagemap_entry in fs/proc/task_mmu.c).
 * @param inLeaf which page of it, where it maps a huge page
 */
export function pageView({ table }: ProcSource, lo: number, hi: number, inLeaf = 0): PageView {
  if (!isMapped(lo)) {
    if (isGuard(lo, hi)) return { ...ABSENT, guard: true };
    return isSwapEntry(lo, hi) ? { ...ABSENT, swapped: true } : ABSENT;
  }
  const frame = pfn(entryFrame(lo, hi) + inLeaf);
  const flags = table.flags[frame] as number;
  // The huge page of zeros has a struct page that is not anonymous, so it counts as a file's.
  if (normalFrame(lo, hi) < 0) return { ...ABSENT, frame, special: true, flags, file: (lo & PTE_HUGE) !== 0 };
  // Of a huge page the kernel asks for its first page only (pagemap_pmd_range does not advance `page`).
  const exclusive = table.mapcount[lo & PTE_HUGE ? table.headOf(frame) : frame] === 1;
  return { ...ABSENT, frame, flags, exclusive, file: !table.isAnonymous(frame) };
}

/** The pages of a range, one each, absent ones included (/proc/PID/pagemap). */
export function pageViews(source: ProcSource, mm: Mm, start: Vpn, count: number): PageView[] {
  const { pageTables } = source;
  const views = new Array<PageView>(count).fill(ABSENT);
  pageTables.forEachTable(
    mm,
    start,
    (start + count) as Vpn,
    (firstSlot, firstPage, entries) => {
      for (let i = 0; i < entries; i++) {
        const slot = firstSlot + i;
        views[firstPage + i - start] = pageView(source, pageTables.lo(slot), pageTables.hi(slot));
      }
    },
    (slot, firstPage, pages) => {
      const head = pageView(source, pageTables.lo(slot), pageTables.hi(slot));
      const from = Math.max(firstPage, start);
      const end = Math.min(firstPage + pages, start + count);
      if ((head.flags & PG_HUGETLB) === 0) {
        for (let page = from; page < end; page++)
          views[page - start] = pageView(source, pageTables.lo(slot), pageTables.hi(slot), page - firstPage);
        return;
      }
      const hugetlb = { ...head, hugetlb: true };
      // Whether it is dirty is known of the whole folio only.
      const flags = (source.table.flags[head.frame + 1] as number) | (head.flags & PG_DIRTY);
      const tail = { ...hugetlb, flags };
      for (let page = from; page < end; page++) views[page - start] = page === firstPage ? hugetlb : tail;
    },
  );
  return views;
}

/** CONFORMANCE.md's character of a page in `pagemap`. */
export function pagemapCharacter(page: PageView): string {
  if (page.frame < 0) return page.guard ? 'x' : page.swapped ? 'S' : '.';
  const large = (page.flags & (PG_HEAD | PG_TAIL)) !== 0;
  if (page.special) return large ? 'Z' : 'z';
  if (page.hugetlb) return page.exclusive ? 'G' : 'g';
  if (page.file) return page.exclusive ? 'F' : 'f';
  if (large) return page.exclusive ? 'T' : 't';
  return page.exclusive ? 'A' : 'a';
}

/** The character in `lru`: which list a frame is on, or `-`, `r`, `b`, `B` while it waits for one. */
export function lruCharacter(flags: number): string {
  if (flags & PG_UNEVICTABLE) return 'u';
  const referenced = (flags & PG_REFERENCED) !== 0;
  if ((flags & PG_LRU) === 0) return flags & PG_ACTIVE ? (referenced ? 'B' : 'b') : referenced ? 'r' : '-';
  return flags & PG_ACTIVE ? (referenced ? 'A' : 'a') : referenced ? 'I' : 'i';
}

const inSwapCache = (flags: number): boolean => (flags & PG_SWAPCACHE) !== 0 && (flags & PG_SWAPBACKED) !== 0;

/** The character in `dirty`: `w` under write-back, `S`/`s` in the swap cache, `m` clean and mlocked, `D` dirty, `c` clean. */
export function dirtyCharacter(flags: number): string {
  const dirty = (flags & PG_DIRTY) !== 0;
  if (inSwapCache(flags)) return dirty ? 'S' : 's';
  if (flags & PG_WRITEBACK) return 'w';
  if (dirty) return 'D';
  return flags & PG_MLOCKED ? 'm' : 'c';
}

/** The character in `compound` and `folios`: `1` a page of its own, `h` the first of a large folio, `t` a further one. */
export const folioCharacter = (flags: number): string => (flags & PG_HEAD ? 'h' : flags & PG_TAIL ? 't' : '1');

/** The scenario language's strings of a range, a character a page; a string that would say nothing is left out. */
export interface PageStrings {
  pagemap: string;
  lru?: string;
  dirty?: string;
  compound?: string;
}

/** What `pages` of the scenario language answers for a range of a process. */
export function pagesOf(source: ProcSource, mm: Mm, start: Vpn, count: number): PageStrings {
  const views = pageViews(source, mm, start, count);
  const perPage = (character: (flags: number) => string) =>
    views.map((page) => (page.frame < 0 ? '.' : character(page.flags))).join('');
  const strings: PageStrings = { pagemap: views.map(pagemapCharacter).join('') };
  const present = views.filter((page) => page.frame >= 0);
  if (present.length > 0) strings.lru = perPage(lruCharacter);
  if (present.some((page) => page.file || inSwapCache(page.flags) || page.flags & PG_WRITEBACK))
    strings.dirty = perPage(dirtyCharacter);
  if (present.some((page) => page.flags & (PG_HEAD | PG_TAIL))) strings.compound = perPage(folioCharacter);
  return strings;
}

/** What `fincore` and `fpages` answer for the cached pages of a file. */
export interface FilePageStrings {
  resident: string;
  lru: string;
  dirty: string;
  folios: string;
}

/**
 * The pages of a file, a character each.
 * @param frameAt the frame that caches a page and is up to date, or -1
 */
export function filePagesOf(table: FrameTable, pages: number, frameAt: (index: number) => number): FilePageStrings {
  const cached = Array.from({ length: pages }, (_, index) => frameAt(index));
  const perPage = (character: (flags: number) => string) =>
    cached.map((frame) => (frame < 0 ? '.' : character(table.flags[frame] as number))).join('');
  return {
    resident: cached.map((frame) => (frame < 0 ? '.' : '1')).join(''),
    lru: perPage((flags) => (flags & (PG_LRU | PG_UNEVICTABLE) ? lruCharacter(flags) : '-')),
    dirty: perPage((flags) => (flags & PG_WRITEBACK ? 'w' : flags & PG_DIRTY ? 'D' : 'c')),
    folios: perPage(folioCharacter),
  };
}
