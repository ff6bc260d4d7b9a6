/**
 * The reverse map (mm/rmap.c): who maps a frame. A frame knows its anon_vma or its file and its index; those know the
 * mappings; each mapping knows at which page the index lies. Nothing is stored for each page that is mapped.
 */
import { entryFrame } from '../../hardware/paging/entry.ts';
import type { Pfn, Vpn } from '../../hardware/units.ts';
import { VM_LOCKED } from '../address-space/vm-flags.ts';
import type { Vma } from '../address-space/vma.ts';
import {
  type FrameTable,
  PG_ANON_EXCLUSIVE,
  PG_CACHED,
  PG_MLOCKED,
  PG_SWAPBACKED,
  PG_SWAPCACHE,
} from '../frames/frame-table.ts';
import type { LruLists } from '../frames/lru.ts';
import type { UserPages } from '../frames/user-pages.ts';
import type { Inode } from '../page-cache/inode.ts';
import type { PageTables } from '../page-table/page-tables.ts';
import { isMapped } from '../page-table/soft-entry.ts';
import {
  NR_ANON_PAGES,
  NR_MAPPED,
  NR_MLOCK,
  UNEVICTABLE_PGS_CULLED,
  UNEVICTABLE_PGS_MLOCKED,
  UNEVICTABLE_PGS_MUNLOCKED,
  UNEVICTABLE_PGS_RESCUED,
  type VmStat,
} from '../vmstat.ts';
import type { AnonVmas } from './anon-vmas.ts';

export class ReverseMap {
  readonly #table: FrameTable;
  readonly #pageTables: PageTables;
  readonly #anonVmas: AnonVmas;
  readonly #inodeOf: (id: number) => Inode | undefined;
  readonly #pages: UserPages;
  readonly #lru: LruLists;
  readonly #vmstat: VmStat;

  constructor(needs: {
    table: FrameTable;
    pageTables: PageTables;
    anonVmas: AnonVmas;
    inodeOf: (id: number) => Inode | undefined;
    pages: UserPages;
    lru: LruLists;
    vmstat: VmStat;
  }) {
    this.#table = needs.table;
    this.#pageTables = needs.pageTables;
    this.#anonVmas = needs.anonVmas;
    this.#inodeOf = needs.inodeOf;
    this.#pages = needs.pages;
    this.#lru = needs.lru;
    this.#vmstat = needs.vmstat;
  }

  /** A new anonymous page of a mapping that has its anon_vma: one owner (folio_add_new_anon_rmap). */
  addNewAnon(frame: Pfn, vma: Vma, page: Vpn): void {
    const anonVma = this.#anonVmas.prepare(vma);
    this.#table.mapping[frame] = -anonVma.id;
    this.#table.index[frame] = (page - vma.start + vma.pgoff) | 0;
    this.#table.mapcount[frame] = 1;
    this.#table.set(frame, PG_ANON_EXCLUSIVE);
    this.#vmstat.count(NR_ANON_PAGES);
  }

  /** After a write found itself the only owner: the page belongs to the writer's anon_vma (folio_move_anon_rmap). */
  moveAnon(frame: Pfn, vma: Vma): void {
    this.#table.mapping[frame] = -this.#anonVmas.prepare(vma).id;
    this.#table.set(frame, PG_ANON_EXCLUSIVE);
  }

  /** One more process maps an anonymous page, by fork: nobody owns it alone any more (folio_try_dup_anon_rmap_pte). */
  shareAnon(frame: Pfn): void {
    (this.#table.mapcount[frame] as number)++;
    this.#table.clear(frame, PG_ANON_EXCLUSIVE);
  }

  /** One more mapping of a page of a file (folio_add_file_rmap_pte). */
  addFile(frame: Pfn): void {
    if ((this.#table.mapcount[frame] as number)++ === 0) this.#vmstat.count(NR_MAPPED);
  }

  /**
   * A mapping lets go of a frame (folio_remove_rmap_pte). A frame that nothing maps and no cache holds is freed; a locked
   * one is unlocked when no other locked mapping has it.
   */
  remove(frame: Pfn, vma: Vma): void {
    const left = --(this.#table.mapcount[frame] as number);
    if (left === 0) this.countUnmapped(frame);
    if (vma.flags & VM_LOCKED && this.#table.has(frame, PG_MLOCKED)) this.munlock(frame, vma);
    if (left === 0) this.#pages.releaseUnused(frame);
  }

  /** The last mapping of a frame is gone: the machine's counters of mapped pages. */
  countUnmapped(frame: Pfn): void {
    this.#vmstat.count(this.#table.isAnonymous(frame) ? NR_ANON_PAGES : NR_MAPPED, -1);
  }

  /** A page of a locked mapping leaves the evictable lists (mlock_folio). */
  mlock(frame: Pfn): void {
    if (this.#table.has(frame, PG_MLOCKED)) return;
    this.#lru.makeUnevictable(frame);
    this.#vmstat.count(NR_MLOCK);
    this.#vmstat.count(UNEVICTABLE_PGS_MLOCKED);
    this.#vmstat.count(UNEVICTABLE_PGS_CULLED);
  }

  /** Undoes `mlock`, unless another locked mapping maps the page too (munlock_folio, mlock_count). */
  munlock(frame: Pfn, vma: Vma): void {
    if (!this.#table.has(frame, PG_MLOCKED)) return;
    let stillLocked = false;
    this.forEachMapping(frame, (other) => {
      if (other !== vma && other.flags & VM_LOCKED) stillLocked = true;
    });
    if (stillLocked) return;
    this.#lru.makeEvictable(frame);
    this.#vmstat.count(NR_MLOCK, -1);
    this.#vmstat.count(UNEVICTABLE_PGS_MUNLOCKED);
    this.#vmstat.count(UNEVICTABLE_PGS_RESCUED);
  }

  /** Whether a write may keep this page instead of copying it (wp_can_reuse_anon_folio, for a single page). */
  canReuse(frame: Pfn): boolean {
    if (this.#table.has(frame, PG_ANON_EXCLUSIVE)) return true;
    return (this.#table.mapcount[frame] as number) === 1 && !this.#table.has(frame, PG_SWAPCACHE);
  }

  isAnonymous(frame: Pfn): boolean {
    return this.#table.isAnonymous(frame);
  }

  /** Shared memory and tmpfs pages: in a cache, yet backed by swap (folio_test_swapbacked && !anon). */
  isShmem(frame: Pfn): boolean {
    return (
      !this.#table.isAnonymous(frame) && this.#table.has(frame, PG_SWAPBACKED) && this.#table.has(frame, PG_CACHED)
    );
  }

  /** Calls `visit` for every entry that maps the frame (rmap_walk). */
  forEachMapping(frame: Pfn, visit: (vma: Vma, page: Vpn, slot: number) => void): void {
    const mapping = this.#table.mapping[frame] as number;
    const vmas = mapping < 0 ? this.#anonVmas.get(-mapping)?.vmas : this.#inodeOf(mapping)?.mappings;
    if (vmas === undefined) return;
    const index = this.#table.index[frame] as number;
    for (const vma of vmas) {
      // The column keeps 32 bits of the index, so the difference is taken modulo 2^32; the entry then proves it.
      const offset = (index - vma.pgoff) >>> 0;
      if (offset >= vma.pages) continue;
      const page = (vma.start + offset) as Vpn;
      const slot = this.#pageTables.find(vma.mm, page);
      if (slot < 0) continue;
      const lo = this.#pageTables.lo(slot);
      if (isMapped(lo) && entryFrame(lo, this.#pageTables.hi(slot)) === frame) visit(vma, page, slot);
    }
  }
}
