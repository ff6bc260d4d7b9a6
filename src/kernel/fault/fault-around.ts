import { PTE_ACCESSED, PTE_DIRTY, PTE_WRITE } from '../../hardware/paging/entry.ts';
import { ENTRIES_PER_TABLE, PAGE_SIZE, type Pfn, pfn, type Vpn } from '../../hardware/units.ts';
import { MM_FILEPAGES, MM_SHMEMPAGES } from '../address-space/mm.ts';
import { VM_LOCKED, VM_SPECIAL } from '../address-space/vm-flags.ts';
import { indexOf, pageAt, type Vma } from '../address-space/vma.ts';
import type { PageCore } from '../core.ts';
import { PG_DIRTY, PG_WORKINGSET } from '../frames/frame-table.ts';
import type { PageCache } from '../page-cache/page-cache.ts';
import { wantsWriteNotify } from '../page-table/protect.ts';
import { addRss } from '../page-table/rss.ts';
import { isNone, mappedHi, mappedLo } from '../page-table/soft-entry.ts';
import { FILEMAP_MM_FILEMAP_MAP_PAGES } from '../tracepoints.ts';

/** fault_around_bytes, 64 KiB, in pages. */
export const FAULT_AROUND_PAGES = 16;

/** The page-table entries that fault-around may fill. */
export interface Window {
  readonly first: Vpn;
  readonly last: Vpn;
}

/**
 * Which pages a read fault maps beside its own (do_fault_around): the aligned 16 around it, inside its mapping and its
 * page table; at the start of a mapping, 16 from there.
 */
export function faultAroundWindow(vma: Vma, page: Vpn): Window {
  const entry = page % ENTRIES_PER_TABLE;
  const intoVma = page - vma.start;
  const from = Math.max(entry - (entry % FAULT_AROUND_PAGES), entry - Math.min(entry, intoVma));
  const to = Math.min(from + FAULT_AROUND_PAGES, ENTRIES_PER_TABLE, entry + vma.pages - intoVma) - 1;
  return { first: (page - entry + from) as Vpn, last: (page - entry + to) as Vpn };
}

/**
 * Maps `count` pages of a folio at entries that are empty (set_pte_range): young, and of a shared writable mapping
 * writable if nobody wants to hear of the first write. A write fault makes them writable and dirty. In a locked mapping a
 * folio that is mapped whole is locked (folio_add_file_rmap_ptes). The caller counts the pages as resident.
 */
export function mapFilePages(core: PageCore, vma: Vma, slot: number, frame: Pfn, count: number, write: boolean): void {
  const { table, pageTables, rmap } = core;
  const notify = wantsWriteNotify(vma);
  const locks = (vma.flags & (VM_LOCKED | VM_SPECIAL)) === VM_LOCKED && count === 1 << table.order(frame);
  for (let i = 0; i < count; i++) {
    const one = pfn(frame + i);
    let lo = mappedLo(one, vma.flags, PTE_ACCESSED);
    if (write) lo |= PTE_WRITE | PTE_DIRTY;
    else if (notify) lo &= ~PTE_WRITE;
    else if (lo & PTE_WRITE && table.has(one, PG_DIRTY)) lo |= PTE_DIRTY;
    pageTables.set(slot + i, lo, mappedHi(one, vma.flags));
    rmap.addFile(one);
    if (locks) rmap.mlock(one);
  }
}

/** Maps cached pages around a read fault without reading any (filemap_map_pages). */
export class FaultAround {
  readonly #core: PageCore;
  readonly #cache: PageCache;
  /** Pages that this fault has mapped. */
  #pages = 0;

  constructor(core: PageCore, cache: PageCache) {
    this.#core = core;
    this.#cache = cache;
  }

  /**
   * Maps what is cached in the window of a page, and of large folios all that lies in the mapping and the page table.
   * Folios with a readahead mark are passed over: the reader has to meet the mark.
   * @returns whether the page itself is mapped now
   */
  mapAround(vma: Vma, page: Vpn): boolean {
    const file = vma.file;
    if (file === undefined) return false;
    const { inode } = file;
    const { pageTables } = this.#core;
    const window = faultAroundWindow(vma, page);
    const fileEnd = Math.ceil(inode.size / PAGE_SIZE) - 1;
    const lastIndex = Math.min(indexOf(vma, window.last), fileEnd);
    let index = this.#nextUnmarked(vma, indexOf(vma, window.first), lastIndex);
    if (index < 0) return false;
    const lastWhole = inode.kind === 'shmem' ? Number.POSITIVE_INFINITY : fileEnd;
    // A missing page table is made here only when the first folio ends before the file does (filemap_map_pmd).
    const mayMake = this.#folioEnd(inode.pages.get(index), index) <= lastWhole;
    const firstSlot = mayMake ? pageTables.findOrCreate(vma.mm, window.first) : pageTables.find(vma.mm, window.first);
    if (firstSlot < 0) return false;
    let mapped = false;
    let hits = 0;
    this.#pages = 0;
    while (index >= 0) {
      const frame = pfn(inode.pages.get(index));
      const folioEnd = this.#folioEnd(frame, index);
      const folioStart = folioEnd - this.#cache.folioPages(frame);
      const whole = folioEnd <= lastWhole && this.#fits(vma, folioStart, folioEnd);
      const first = whole ? folioStart : index;
      const end = whole ? folioEnd : Math.min(folioEnd, lastIndex + 1);
      if (!this.#core.table.has(frame, PG_WORKINGSET)) hits += end - first;
      const target = pageAt(vma, first);
      const range = { page: target, slot: firstSlot + (target - window.first), frame: pfn(frame + (first - index)) };
      if (this.#mapEmpty(vma, range, end - first, page)) mapped = true;
      index = this.#nextUnmarked(vma, folioEnd, lastIndex);
    }
    const member = inode.kind === 'shmem' ? MM_SHMEMPAGES : MM_FILEPAGES;
    if (this.#pages > 0) addRss(this.#core, vma.mm, member, this.#pages);
    file.ra.mmapMiss = Math.max(0, file.ra.mmapMiss - hits);
    const { trace } = this.#core;
    if (trace.on) {
      const firstIndex = indexOf(vma, window.first);
      trace.emit(FILEMAP_MM_FILEMAP_MAP_PAGES, trace.pid, inode.ino, inode.dev, firstIndex, lastIndex);
    }
    return mapped;
  }

  /** Maps the pages of a folio whose entries are empty, run by run. @returns whether `wanted` is among them */
  #mapEmpty(vma: Vma, from: { page: Vpn; slot: number; frame: Pfn }, count: number, wanted: Vpn): boolean {
    const { pageTables } = this.#core;
    let mapped = false;
    let run = 0;
    for (let i = 0; i <= count; i++) {
      const slot = from.slot + i;
      if (i < count && isNone(pageTables.lo(slot), pageTables.hi(slot))) {
        run++;
        if (from.page + i === wanted) mapped = true;
        continue;
      }
      if (run > 0) mapFilePages(this.#core, vma, slot - run, pfn(from.frame + i - run), run, false);
      this.#pages += run;
      run = 0;
    }
    return mapped;
  }

  /** The next cached page that is up to date and has no readahead mark (next_uptodate_folio); -1 if there is none. */
  #nextUnmarked(vma: Vma, from: number, last: number): number {
    const pages = vma.file?.inode.pages;
    if (pages === undefined) return -1;
    let index = pages.next(from, last);
    while (index >= 0 && !this.#cache.isReady(pfn(pages.get(index))))
      index = pages.next(this.#folioEnd(pages.get(index), index), last);
    return index;
  }

  /** The index behind the folio of a frame that holds page `index`. */
  #folioEnd(frame: number, index: number): number {
    return index - (frame - this.#cache.headOf(pfn(frame))) + this.#cache.folioPages(pfn(frame));
  }

  /** Whether a folio lies wholly in the mapping and in one page table. */
  #fits(vma: Vma, start: number, end: number): boolean {
    if (start < vma.pgoff || end > vma.pgoff + vma.pages) return false;
    const first = pageAt(vma, start);
    return Math.floor(first / ENTRIES_PER_TABLE) === Math.floor((first + end - start - 1) / ENTRIES_PER_TABLE);
  }
}
