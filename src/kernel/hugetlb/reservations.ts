/**
 * Who was promised huge pages (mm/hugetlb.c). A shared mapping reserves in its file's map: an entry says that a page is
 * reserved or there. A private one has a map of its own with the opposite meaning: all is reserved, and an entry says that
 * the reservation was used. Children of a fork have no reservations at all.
 */

import type { Pfn, Vpn } from '../../hardware/units.ts';
import { VM_MAYSHARE, VM_NORESERVE } from '../address-space/vm-flags.ts';
import type { Vma } from '../address-space/vma.ts';
import { EINVAL, ENOMEM, ENOSPC } from '../errno.ts';
import { type HugeInode, hstateOf, hugeIndex, hugeInodeOf } from './huge-inode.ts';
import { ReserveMap } from './reserve-map.ts';
import { giveTo, takeFrom } from './subpool.ts';

const isShared = (vma: Vma): boolean => (vma.flags & VM_MAYSHARE) !== 0;

/** The map that speaks for a mapping (vma_resv_map): none for a child's private mapping and for MAP_NORESERVE. */
const mapOf = (vma: Vma): ReserveMap | undefined => (isShared(vma) ? hugeInodeOf(vma).reserves : vma.reserves);

export class Reservations {
  readonly #maps = new Map<number, ReserveMap>();
  #lastMap = 0;

  /**
   * Promises the pages of a new mapping (hugetlbfs_file_mmap, hugetlb_reserve_pages) and makes the file as large as a
   * writable mapping is.
   * @returns 0, -ENOMEM when the pool or the mount has too little, -EINVAL for an offset within a huge page
   */
  mapped(vma: Vma): number {
    const { hstate } = hugeInodeOf(vma);
    if (vma.pgoff % hstate.pages !== 0) return -EINVAL;
    const from = hugeIndex(vma, vma.start);
    const inode = hugeInodeOf(vma);
    if (vma.flags & VM_NORESERVE || inode.reservedAhead) return 0;
    return this.#reserve(inode, from, from + vma.pages / hstate.pages, vma);
  }

  /** Promises [from, to) of a file to all who will share it: SHM_HUGETLB does so when it is made. 0 or -ENOMEM */
  reserveFile(inode: HugeInode, from: number, to: number): number {
    return this.#reserve(inode, from, to, undefined);
  }

  #reserve(inode: HugeInode, from: number, to: number, vma: Vma | undefined): number {
    const shared = vma === undefined || isShared(vma);
    const wanted = shared ? inode.reserves.missing(from, to) : to - from;
    const fromPool = takeFrom(inode.subpool, wanted);
    if (fromPool < 0) return fromPool;
    if (inode.hstate.reserve(fromPool) !== 0) {
      inode.subpool?.undo(wanted, fromPool);
      return -ENOMEM;
    }
    if (shared) inode.reserves.add(from, to);
    else if (vma !== undefined) vma.reserves = this.#newMap();
    return 0;
  }

  #newMap(): ReserveMap {
    const map = new ReserveMap(++this.#lastMap);
    this.#maps.set(map.id, map);
    return map;
  }

  /** A piece of a private mapping became a mapping of its own, or was moved (hugetlb_vm_op_open). */
  opened(vma: Vma): void {
    if (vma.reserves !== undefined) vma.reserves.references++;
  }

  /** A private mapping goes: what it was promised and has not used goes back (hugetlb_vm_op_close). */
  closed(vma: Vma): void {
    const map = vma.reserves;
    if (map === undefined) return;
    const { hstate, subpool } = hugeInodeOf(vma);
    const from = hugeIndex(vma, vma.start);
    const unused = map.missing(from, from + vma.pages / hstate.pages);
    if (unused > 0) hstate.reserve(-giveTo(subpool, unused));
    this.handedOver(vma);
  }

  /** mremap moved the pages: the new mapping has the promises now (clear_vma_resv_huge_pages). */
  handedOver(vma: Vma): void {
    const map = vma.reserves;
    if (map === undefined) return;
    if (--map.references === 0) this.#maps.delete(map.id);
    vma.reserves = undefined;
  }

  /** Whether a page of a mapping has no reservation that it could use (vma_needs_reservation). */
  needs(vma: Vma, page: Vpn): boolean {
    const map = mapOf(vma);
    if (map === undefined) return true;
    const index = hugeIndex(vma, page);
    const absent = map.missing(index, index + 1) === 1;
    return isShared(vma) ? absent : !absent;
  }

  /** A page of a mapping was made (vma_commit_reservation): in either kind of map an entry says so. */
  commit(vma: Vma, page: Vpn): void {
    const index = hugeIndex(vma, page);
    mapOf(vma)?.add(index, index + 1);
  }

  /** A private page that was dropped may be had again (vma_add_reservation). */
  restore(vma: Vma, page: Vpn): void {
    const index = hugeIndex(vma, page);
    vma.reserves?.remove(index, index + 1);
  }

  /**
   * A page for a mapping (alloc_hugetlb_folio), from its reservation if it has one.
   * @param cowFromOwner it copies a page that already used the reservation
   * @returns the first frame, or -ENOSPC when none may be had
   */
  allocate(vma: Vma, page: Vpn, cowFromOwner: boolean): Pfn | number {
    const { subpool } = hugeInodeOf(vma);
    const hstate = hstateOf(vma);
    const needsMore = cowFromOwner || this.needs(vma, page);
    const fromPool = needsMore ? takeFrom(subpool, 1) : 0;
    if (fromPool < 0) return -ENOSPC;
    const head = hstate.take(fromPool === 0, subpool);
    if (head < 0) {
      if (needsMore) subpool?.undo(1, fromPool);
      return -ENOSPC;
    }
    if (!cowFromOwner) this.commit(vma, page);
    return head;
  }

  /** Pages [from, to) of a file go, `freed` of them were there: the rest were promises (hugetlb_unreserve_pages). */
  unreserve(inode: HugeInode, from: number, to: number, freed: number): void {
    const promises = inode.reserves.remove(from, to);
    inode.hstate.reserve(-giveTo(inode.subpool, promises - freed));
  }

  map(id: number): ReserveMap | undefined {
    return this.#maps.get(id);
  }

  save(): ReservationsState {
    const maps = [...this.#maps.values()];
    return {
      last: this.#lastMap,
      maps: maps.map((map) => ({ id: map.id, references: map.references, ranges: map.ranges() })),
    };
  }

  load(state: ReservationsState): void {
    this.#lastMap = state.last;
    this.#maps.clear();
    for (const { id, references, ranges } of state.maps) {
      const map = new ReserveMap(id);
      map.references = references;
      for (const [from, to] of ranges) map.add(from, to);
      this.#maps.set(id, map);
    }
  }
}

export interface ReservationsState {
  readonly last: number;
  readonly maps: readonly { readonly id: number; readonly references: number; readonly ranges: [number, number][] }[];
}
