/**
 * The reverse map (mm/rmap.c): who maps a frame. A frame knows its anon_vma or its file and its index; those know the
 * mappings; each mapping knows at which page the index lies. Nothing is stored for each page that is mapped.
 */
import { entryFrame } from '../../hardware/paging/entry.ts';
import { type Pfn, pfn, type Vpn, vpn } from '../../hardware/units.ts';
import type { Mm } from '../address-space/mm.ts';
import { VM_LOCKED } from '../address-space/vm-flags.ts';
import type { Vma } from '../address-space/vma.ts';
import {
  type FrameTable,
  PG_ANON_EXCLUSIVE,
  PG_CACHED,
  PG_HEAD,
  PG_MLOCKED,
  PG_SWAPBACKED,
  PG_SWAPCACHE,
  PG_TAIL,
} from '../frames/frame-table.ts';
import type { LruLists } from '../frames/lru.ts';
import type { UserPages } from '../frames/user-pages.ts';
import type { Inode } from '../page-cache/inode.ts';
import type { PageTables } from '../page-table/page-tables.ts';
import { isMapped } from '../page-table/soft-entry.ts';
import { PMD_PAGES } from '../page-table/table-walk.ts';
import {
  NR_ANON_PAGES,
  NR_ANON_TRANSPARENT_HUGEPAGES,
  NR_FILE_PMDMAPPED,
  NR_MAPPED,
  NR_MLOCK,
  NR_SHMEM_PMDMAPPED,
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
  readonly #partiallyMapped: (head: Pfn) => void;

  constructor(needs: {
    table: FrameTable;
    pageTables: PageTables;
    anonVmas: AnonVmas;
    inodeOf: (id: number) => Inode | undefined;
    pages: UserPages;
    lru: LruLists;
    vmstat: VmStat;
    /** A large anonymous folio of which some pages are mapped lost the last mapping of another (deferred_split_folio). */
    partiallyMapped: (head: Pfn) => void;
  }) {
    this.#table = needs.table;
    this.#pageTables = needs.pageTables;
    this.#anonVmas = needs.anonVmas;
    this.#inodeOf = needs.inodeOf;
    this.#pages = needs.pages;
    this.#lru = needs.lru;
    this.#vmstat = needs.vmstat;
    this.#partiallyMapped = needs.partiallyMapped;
  }

  /**
   * A new anonymous page of a mapping that has its anon_vma: one owner (folio_add_new_anon_rmap).
   * @param isShared it comes from swap, where entries of other processes refer to it too
   */
  addNewAnon(frame: Pfn, vma: Vma, page: Vpn, isShared = false): void {
    const anonVma = this.#anonVmas.prepare(vma);
    // A page from swap that relatives want too must be found from all of them (__folio_set_anon).
    this.#table.mapping[frame] = isShared ? -anonVma.root.id : -anonVma.id;
    this.#table.index[frame] = (page - vma.start + vma.pgoff) | 0;
    this.#table.mapcount[frame] = 1;
    if (!isShared) this.#table.set(frame, PG_ANON_EXCLUSIVE);
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
    if (left !== 0) return;
    const isLarge = this.#table.has(frame, PG_HEAD | PG_TAIL) && this.#table.isAnonymous(frame);
    this.#pages.releaseUnused(frame);
    if (isLarge && this.#table.isAnonymous(frame)) this.#partiallyMapped(this.#table.headOf(frame));
  }

  /** New large anonymous folio, mapped by single entries or by one of a directory: one owner. */
  addNewAnonFolio(head: Pfn, pages: number, vma: Vma, page: Vpn, byLeaf: boolean): void {
    const id = -this.#anonVmas.prepare(vma).id;
    const { mapping, index, mapcount } = this.#table;
    for (let i = 0; i < pages; i++) {
      mapping[head + i] = id;
      index[head + i] = (page + i - vma.start + vma.pgoff) | 0;
      mapcount[head + i] = 1;
      this.#table.set(pfn(head + i), PG_ANON_EXCLUSIVE);
    }
    this.#vmstat.count(NR_ANON_PAGES, pages);
    if (byLeaf) this.#addLeaf(head);
  }

  /** The folio that a leaf maps belongs to the writer alone (folio_move_anon_rmap). */
  moveAnonFolio(head: Pfn, vma: Vma): void {
    for (let i = 0; i < PMD_PAGES; i++) this.moveAnon(pfn(head + i), vma);
  }

  /** One more leaf maps an anonymous folio, by fork (folio_try_dup_anon_rmap_pmd). */
  shareAnonLeaf(head: Pfn): void {
    for (let i = 0; i < PMD_PAGES; i++) this.shareAnon(pfn(head + i));
    this.#addLeaf(head);
  }

  /** One more leaf maps a folio of a file or of shared memory (folio_add_file_rmap_pmd). */
  addFileLeaf(head: Pfn): void {
    for (let i = 0; i < PMD_PAGES; i++) this.addFile(pfn(head + i));
    this.#addLeaf(head);
  }

  #addLeaf(head: Pfn): void {
    if (this.#table.addEntireMapping(head, 1) === 1) this.#vmstat.count(this.#leafItem(head));
  }

  /** A leaf maps a folio no longer, though its pages may be mapped one by one from now on. */
  dropLeaf(head: Pfn): void {
    if (this.#table.addEntireMapping(head, -1) === 0) this.#vmstat.count(this.#leafItem(head), -1);
  }

  /** /proc/vmstat counts huge pages that are mapped as such in units of 2 MiB. */
  #leafItem(head: Pfn): number {
    if (this.#table.isAnonymous(head)) return NR_ANON_TRANSPARENT_HUGEPAGES;
    return this.isShmem(head) ? NR_SHMEM_PMDMAPPED : NR_FILE_PMDMAPPED;
  }

  /** A mapping lets go of a folio that one leaf maps (folio_remove_rmap_pmd). */
  removeLeaf(head: Pfn, vma: Vma): void {
    this.dropLeaf(head);
    const { mapcount } = this.#table;
    let unmapped = 0;
    for (let i = 0; i < PMD_PAGES; i++) if (--(mapcount[head + i] as number) === 0) unmapped++;
    if (unmapped > 0) this.#vmstat.count(this.#table.isAnonymous(head) ? NR_ANON_PAGES : NR_MAPPED, -unmapped);
    if (vma.flags & VM_LOCKED) for (let i = 0; i < PMD_PAGES; i++) this.munlock(pfn(head + i), vma);
    if (unmapped === PMD_PAGES) this.#pages.releaseUnused(head);
    else if (unmapped > 0 && this.#table.isAnonymous(head)) this.#partiallyMapped(head);
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

  /** Whether a write of an address space may keep this page instead of copying it (wp_can_reuse_anon_folio). */
  canReuse(frame: Pfn, mm: Mm): boolean {
    if (this.#table.has(frame, PG_ANON_EXCLUSIVE)) return true;
    if (this.#table.has(frame, PG_HEAD | PG_TAIL))
      return !this.isShared(frame, mm) && !this.#table.has(frame, PG_SWAPCACHE);
    return (this.#table.mapcount[frame] as number) === 1 && !this.#table.has(frame, PG_SWAPCACHE);
  }

  /** Whether another address space maps any page of the folio too (folio_maybe_mapped_shared). */
  isShared(frame: Pfn, mm: Mm): boolean {
    const head = this.#table.headOf(frame);
    const end = head + (1 << this.#table.order(frame));
    let shared = false;
    for (let page: number = head; page < end && !shared; page++) {
      if (this.#table.mapcount[page] === 0) continue;
      this.forEachMapping(pfn(page), (vma) => {
        if (vma.mm !== mm) shared = true;
      });
    }
    return shared;
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

  /** Calls `visit` for every entry that maps the frame (rmap_walk); the slot may be that of a huge page with the frame in it. */
  forEachMapping(frame: Pfn, visit: (vma: Vma, page: Vpn, slot: number) => void): void {
    const mapping = this.#table.mapping[frame] as number;
    const vmas = mapping < 0 ? this.#anonVmas.get(-mapping)?.vmas : this.#inodeOf(mapping)?.mappings;
    if (vmas === undefined) return;
    const index = this.#table.index[frame] as number;
    for (const vma of vmas) {
      // The column keeps 32 bits of the index, so the difference is taken modulo 2^32; the entry then proves it.
      const offset = (index - vma.pgoff) >>> 0;
      if (offset >= vma.pages) continue;
      const page = vpn(vma.start + offset);
      const slot = this.#pageTables.findEntry(vma.mm, page);
      if (slot < 0) continue;
      const inLeaf = page % this.#pageTables.leafPages;
      const lo = this.#pageTables.lo(slot);
      if (isMapped(lo) && entryFrame(lo, this.#pageTables.hi(slot)) + inLeaf === frame) visit(vma, page, slot);
    }
  }
}
