/** Files of huge pages (fs/hugetlbfs/inode.c): memfd, mounts, and the unnamed ones behind MAP_ANONYMOUS | MAP_HUGETLB. */
import { PAGE_SIZE, type Pfn, pfn, vpn } from '../../hardware/units.ts';
import { VM_WRITE } from '../address-space/vm-flags.ts';
import { pageAt, type Vma } from '../address-space/vma.ts';
import type { PageCore } from '../core.ts';
import { EFAULT, EINVAL, ENOSPC } from '../errno.ts';
import { PG_DIRTY } from '../frames/frame-table.ts';
import type { Inode } from '../page-cache/inode.ts';
import type { UserCopy } from '../page-cache/user-copy.ts';
import { panic } from '../panic.ts';
import type { Task } from '../process/process.ts';
import type { HugeInode } from './huge-inode.ts';
import type { HugePages } from './huge-pages.ts';
import type { Reservations } from './reservations.ts';
import { takeFrom } from './subpool.ts';
import type { HugeUnmap } from './unmap.ts';

const hugeOf = (inode: Inode): HugeInode => inode.huge ?? panic(`hugetlbfs: ${inode.name} is no file of huge pages`);

export class Hugetlbfs {
  readonly #core: PageCore;
  readonly #pages: HugePages;
  readonly #reservations: Reservations;
  readonly #unmap: HugeUnmap;

  constructor(core: PageCore, pages: HugePages, reservations: Reservations, unmap: HugeUnmap) {
    this.#core = core;
    this.#pages = pages;
    this.#reservations = reservations;
    this.#unmap = unmap;
  }

  /**
   * A mapping of such a file is made (hugetlbfs_file_mmap): its pages are promised, and a writable one makes the file as
   * large as it is. @returns 0, -ENOMEM, -EINVAL
   */
  mapped(vma: Vma): number {
    const error = this.#reservations.mapped(vma);
    const inode = vma.file?.inode;
    if (error !== 0 || inode === undefined) return error;
    if (vma.flags & VM_WRITE) inode.size = Math.max(inode.size, (vma.pgoff + vma.pages) * PAGE_SIZE);
    return 0;
  }

  /** Sets the size (hugetlbfs_setattr): whole huge pages only. What lies behind is lost, in private copies too. */
  setSize(inode: Inode, size: number): number {
    const huge = hugeOf(inode);
    const bytes = huge.hstate.pages * PAGE_SIZE;
    if (size % bytes !== 0) return -EINVAL;
    inode.size = size;
    this.#unmapAll(inode, size / PAGE_SIZE, Number.POSITIVE_INFINITY);
    this.#truncate(huge, size / bytes);
    return 0;
  }

  /** Every page and promise of a file goes (hugetlbfs_evict_inode). */
  evict(inode: Inode): void {
    this.#truncate(hugeOf(inode), 0);
  }

  /** FALLOC_FL_PUNCH_HOLE: whole huge pages go, parts of others are zeroed (hugetlbfs_punch_hole). */
  punchHole(inode: Inode, offset: number, length: number): void {
    const huge = hugeOf(inode);
    const bytes = huge.hstate.pages * PAGE_SIZE;
    const first = Math.ceil(offset / bytes);
    const behind = Math.floor((offset + length) / bytes);
    const end = offset + length;
    this.#zero(huge, offset, Math.min(end, first * bytes));
    if (behind > first) this.#unmapAll(inode, first * huge.hstate.pages, behind * huge.hstate.pages);
    if (behind >= first) this.#zero(huge, behind * bytes, end);
    if (behind > first)
      for (const index of this.#removePages(huge, first, behind))
        this.#reservations.unreserve(huge, index, index + 1, 1);
  }

  /** fallocate(2) without a hole: every page is made, reserved or not. @returns 0, or -ENOSPC when the pool is empty */
  allocate(inode: Inode, offset: number, length: number, keepSize: boolean): number {
    const huge = hugeOf(inode);
    const { hstate, pages, reserves, subpool } = huge;
    const bytes = hstate.pages * PAGE_SIZE;
    for (let index = Math.floor(offset / bytes); index < Math.ceil((offset + length) / bytes); index++) {
      if (pages.has(index)) continue;
      const fromPool = reserves.missing(index, index + 1) === 1 ? takeFrom(subpool, 1) : 0;
      const head = fromPool < 0 ? -1 : hstate.take(fromPool === 0, subpool);
      if (head < 0) {
        if (fromPool >= 0) subpool?.undo(1, fromPool);
        return -ENOSPC;
      }
      reserves.add(index, index + 1);
      this.addPage(inode, index, head as Pfn);
    }
    if (!keepSize) inode.size = Math.max(inode.size, offset + length);
    return 0;
  }

  /** A new page of a file, zeroed (hugetlb_add_to_page_cache): its reservation is used up. */
  addPage(inode: Inode, index: number, head: Pfn): void {
    const { hstate, pages } = hugeOf(inode);
    this.#pages.clear(head, hstate.pages);
    hstate.folio(head).restoreReserve = false;
    pages.set(index, head);
    this.#core.table.mapping[head] = inode.id;
    this.#core.table.index[head] = index;
    // So that nobody takes it for a page that could be dropped.
    this.#core.table.set(head, PG_DIRTY);
  }

  /** read(2): holes read as zeros (hugetlbfs_read_iter). @returns bytes read, or -EFAULT */
  read(task: Task, inode: Inode, position: number, length: number, buffer: number, user: UserCopy): number {
    const { hstate, pages } = hugeOf(inode);
    const end = Math.min(inode.size, position + length);
    let at = position;
    while (at < end) {
      const page = Math.floor(at / PAGE_SIZE);
      const head = pages.get(Math.floor(page / hstate.pages));
      const source = head === undefined ? this.#core.zeroFrame : pfn(head + (page % hstate.pages));
      const bytes = Math.min(end - at, PAGE_SIZE - (at % PAGE_SIZE));
      const copied = user.toUser(task, buffer + (at - position), source, at % PAGE_SIZE, bytes);
      at += copied;
      if (copied < bytes) return at > position ? at - position : -EFAULT;
    }
    return Math.max(0, at - position);
  }

  /** Unmaps pages [first, end) of a file from everybody, private copies too (hugetlb_vmdelete_list). 4 KiB pages. */
  #unmapAll(inode: Inode, first: number, end: number): void {
    for (const vma of inode.mappings) {
      const from = Math.max(vma.start, pageAt(vma, first));
      const to = Math.min(vma.end, end === Number.POSITIVE_INFINITY ? vma.end : pageAt(vma, end));
      if (from < to) this.#unmap.range(vma, vpn(from), vpn(to));
    }
  }

  /** Everything from a huge page on goes, promises of pages that were never made too. */
  #truncate(huge: HugeInode, from: number): void {
    const freed = this.#removePages(huge, from, Number.POSITIVE_INFINITY).length;
    this.#reservations.unreserve(huge, from, Number.POSITIVE_INFINITY, freed);
  }

  /** Takes huge pages [from, to) out of a file (remove_inode_hugepages). @returns which ones were there */
  #removePages(huge: HugeInode, from: number, to: number): number[] {
    const { hstate, pages } = huge;
    const going = [...pages.keys()].filter((index) => index >= from && index < to).sort((a, b) => a - b);
    for (const index of going) {
      hstate.release(pages.get(index) as Pfn);
      pages.delete(index);
    }
    return going;
  }

  /** Zeroes bytes of one huge page, if it is there (hugetlbfs_zero_partial_page). */
  #zero({ hstate, pages }: HugeInode, from: number, to: number): void {
    const { memory, contents } = this.#core;
    const head = pages.get(Math.floor(from / (hstate.pages * PAGE_SIZE)));
    if (head === undefined || contents === 'none') return;
    for (let at = from; at < to; ) {
      const offset = at % PAGE_SIZE;
      const bytes = Math.min(to - at, PAGE_SIZE - offset);
      memory.view(pfn(head + (Math.floor(at / PAGE_SIZE) % hstate.pages))).fill(0, offset, offset + bytes);
      at += bytes;
    }
  }
}
