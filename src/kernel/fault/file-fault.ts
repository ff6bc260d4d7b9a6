/**
 * Faults on pages of mapped files (do_fault and do_wp_page of mm/memory.c, filemap_fault of mm/filemap.c, shmem_fault):
 * the cache is asked for the page, and what is missing there is read, ahead of need if the mapping allows.
 */
import { entryFrame, PTE_ACCESSED, PTE_DIRTY, PTE_WRITE } from '../../hardware/paging/entry.ts';
import { ENTRIES_PER_TABLE, PAGE_SIZE, type Pfn, pfn, type Vpn, vpn } from '../../hardware/units.ts';
import { VM_SHARED } from '../address-space/vm-flags.ts';
import { indexOf, type Vma } from '../address-space/vma.ts';
import type { PageCore } from '../core.ts';
import type { DirtyThrottle } from '../page-cache/dirty-throttle.ts';
import type { File } from '../page-cache/file.ts';
import type { Inode } from '../page-cache/inode.ts';
import type { Metadata } from '../page-cache/metadata.ts';
import type { MmapReadahead } from '../page-cache/mmap-readahead.ts';
import type { PageCache } from '../page-cache/page-cache.ts';
import type { PageIo } from '../page-cache/page-io.ts';
import type { Shmem } from '../page-cache/shmem.ts';
import type { WriteBack } from '../page-cache/write-back.ts';
import { addRss, rssCounter } from '../page-table/rss.ts';
import { isNone } from '../page-table/soft-entry.ts';
import type { Task } from '../process/process.ts';
import { FILEMAP_MM_FILEMAP_FAULT } from '../tracepoints.ts';
import { PGMAJFAULT, PGREUSE } from '../vmstat.ts';
import { mapNewAnonymous } from './anonymous.ts';
import { FaultAround, mapFilePages } from './fault-around.ts';
import {
  FAULT_FLAG_ALLOW_RETRY,
  FAULT_FLAG_TRIED,
  FAULT_FLAG_USER,
  FAULT_FLAG_WRITE,
  VM_FAULT_ERROR,
  VM_FAULT_MAJOR,
  VM_FAULT_MINOR,
  VM_FAULT_OOM,
  VM_FAULT_RETRY,
  VM_FAULT_SIGBUS,
} from './outcome.ts';

/** The parts of the page cache that faults work with. */
export interface FaultCache {
  readonly cache: PageCache;
  readonly io: PageIo;
  readonly shmem: Shmem;
  readonly metadata: Metadata;
  readonly mmapReadahead: MmapReadahead;
  readonly throttle: DirtyThrottle;
  readonly writeBack: WriteBack;
}

export class FileFaults {
  readonly #core: PageCore;
  readonly #cache: PageCache;
  readonly #parts: FaultCache;
  readonly #around: FaultAround;
  /** The page that #find brought, valid when its outcome has neither an error nor RETRY. */
  #found: Pfn = pfn(0);

  constructor(core: PageCore, parts: FaultCache) {
    this.#core = core;
    this.#cache = parts.cache;
    this.#parts = parts;
    this.#around = new FaultAround(core, parts.cache);
  }

  /**
   * Maps a page of a file where nothing is mapped (do_fault).
   * @param flags FAULT_FLAG_*; @returns VM_FAULT_* bits
   */
  handle(task: Task, vma: Vma, page: Vpn, flags: number): number {
    const file = vma.file as File;
    if ((flags & FAULT_FLAG_WRITE) === 0) return this.#readFault(task, file, vma, page, flags);
    if ((vma.flags & VM_SHARED) === 0) return this.#cowFault(task, file, vma, page, flags);
    return this.#sharedFault(task, file, vma, page, flags);
  }

  /** do_read_fault: what is cached around the page is mapped with it. */
  #readFault(task: Task, file: File, vma: Vma, page: Vpn, flags: number): number {
    if (this.#around.mapAround(vma, page)) return VM_FAULT_MINOR;
    const outcome = this.#find(task, file, vma, page, flags);
    if (outcome & (VM_FAULT_ERROR | VM_FAULT_RETRY)) return outcome;
    return outcome | this.#map(file, vma, page, false);
  }

  /** do_cow_fault: a write to a private mapping gets its own copy at once. */
  #cowFault(task: Task, file: File, vma: Vma, page: Vpn, flags: number): number {
    const core = this.#core;
    // Even when there turns out to be no such page: the mapping counts as one with private pages from now on.
    core.anonVmas.prepare(vma);
    const outcome = this.#find(task, file, vma, page, flags);
    if (outcome & (VM_FAULT_ERROR | VM_FAULT_RETRY)) return outcome;
    const slot = core.pageTables.findOrCreate(vma.mm, page);
    const copy = slot < 0 ? -1 : core.pages.allocateAnonymous();
    if (copy < 0) return VM_FAULT_OOM;
    if (core.contents === 'bytes') core.memory.copy(this.#found, pfn(copy));
    mapNewAnonymous(core, vma, page, slot, copy);
    return outcome;
  }

  /** do_shared_fault: the file hears of the write before the page can be written. */
  #sharedFault(task: Task, file: File, vma: Vma, page: Vpn, flags: number): number {
    const outcome = this.#find(task, file, vma, page, flags);
    if (outcome & (VM_FAULT_ERROR | VM_FAULT_RETRY)) return outcome;
    this.#makeWritable(task, file.inode, this.#found);
    const mapped = this.#map(file, vma, page, true);
    this.#parts.throttle.dirtied(task, file.inode);
    return outcome | mapped;
  }

  /**
   * A write to a page of a shared mapping whose entry is read-only (wp_page_shared): the page becomes dirty and its
   * entry writable, until write-back protects it again.
   */
  writeShared(task: Task, vma: Vma, page: Vpn, slot: number): number {
    const { pageTables, tlb, vmstat } = this.#core;
    const file = vma.file as File;
    const lo = pageTables.lo(slot);
    const hi = pageTables.hi(slot);
    // page_mkwrite: the file may have been cut since the page was mapped.
    if (indexOf(vma, page) * PAGE_SIZE >= file.inode.size) return VM_FAULT_SIGBUS;
    this.#makeWritable(task, file.inode, entryFrame(lo, hi));
    pageTables.set(slot, lo | PTE_WRITE | PTE_DIRTY | PTE_ACCESSED, hi);
    vmstat.count(PGREUSE);
    tlb.flushRange(vma.mm, page, vpn(page + 1));
    this.#parts.throttle.dirtied(task, file.inode);
    return VM_FAULT_MINOR;
  }

  /** The file hears of the first write to a page: its times change, and the page is dirty (ext4_page_mkwrite). */
  #makeWritable(task: Task, inode: Inode, frame: Pfn): void {
    this.#parts.metadata.written(task, inode);
    this.#parts.writeBack.waitStable(inode, this.#core.table.index[frame] as number);
    this.#cache.markDirty(task, inode, frame);
  }

  /** Brings a page into `#found` (vm_ops->fault). */
  #find(task: Task, file: File, vma: Vma, page: Vpn, flags: number): number {
    const { inode } = file;
    const index = indexOf(vma, page);
    if (index * PAGE_SIZE >= inode.size) return VM_FAULT_SIGBUS;
    if (inode.kind === 'shmem') {
      return this.#findShared(task, vma, inode, index, flags);
    }
    return this.#findOnDisk(task, file, vma, index, flags);
  }

  /** shmem_fault: a page that has to be read from swap makes it a major one. */
  #findShared(task: Task, vma: Vma, inode: Inode, index: number, flags: number): number {
    const { shmem } = this.#parts;
    const isMajor = shmem.swap.isSwappedOut(inode, index);
    if (isMajor) {
      this.#core.vmstat.count(PGMAJFAULT);
      this.#core.cgroups.get(vma.mm.memcg).pgmajfault++;
    }
    const frame = shmem.getPage(task, inode, index, (flags & FAULT_FLAG_USER) !== 0 ? true : 'light');
    if (frame < 0) return VM_FAULT_OOM;
    this.#found = pfn(frame);
    return isMajor ? VM_FAULT_MAJOR : VM_FAULT_MINOR;
  }

  /**
   * filemap_fault. Whenever it reads it lets the address-space lock go, if the caller allows, and has the fault tried
   * again: only then does fault-around see the pages that readahead brought.
   */
  #findOnDisk(task: Task, file: File, vma: Vma, index: number, flags: number): number {
    const { inode } = file;
    const { trace } = this.#core;
    if (trace.on) trace.emit(FILEMAP_MM_FILEMAP_FAULT, task.tid, inode.ino, inode.dev, index);
    const mayRetry = (flags & (FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_TRIED)) === FAULT_FLAG_ALLOW_RETRY;
    let outcome = VM_FAULT_MINOR;
    let unlocked = false;
    let frame = this.#cache.find(inode, index);
    if (frame >= 0) {
      if ((flags & FAULT_FLAG_TRIED) === 0) {
        // The page is in our hands: what is read ahead must not take its memory.
        this.#cache.hold(inode, index, index + 1, true);
        unlocked = this.#parts.mmapReadahead.onHit(task, file, vma, index, pfn(frame));
        this.#cache.hold(inode, index, index + 1, false);
      }
    } else {
      this.#core.vmstat.count(PGMAJFAULT);
      this.#core.cgroups.get(vma.mm.memcg).pgmajfault++;
      outcome = VM_FAULT_MAJOR;
      unlocked = this.#parts.mmapReadahead.onMiss(task, file, vma, index);
      frame = this.#cache.find(inode, index);
      if (frame < 0) {
        if (this.#cache.add(task, inode, index) < 0) return VM_FAULT_OOM;
        this.#parts.io.read(task, inode, index, index + 1);
        frame = this.#cache.find(inode, index);
        unlocked = true;
      }
    }
    if (!this.#cache.isUptodate(pfn(frame))) {
      this.#cache.setUptodate(pfn(frame));
      unlocked = true;
    }
    if (unlocked && mayRetry) return outcome | VM_FAULT_RETRY;
    this.#found = pfn(frame);
    return outcome;
  }

  /** Maps the page found, and of a large folio all of it, where mapping, page table and file allow (finish_fault). */
  #map(file: File, vma: Vma, page: Vpn, write: boolean): number {
    const core = this.#core;
    const slot = core.pageTables.findOrCreate(vma.mm, page);
    if (slot < 0) return VM_FAULT_OOM;
    const head = this.#cache.headOf(this.#found);
    const before = this.#found - head;
    const pages = this.#cache.folioPages(head);
    const whole = pages > 1 && this.#mayMapWhole(file, vma, page, slot, before, pages);
    if (whole) mapFilePages(core, vma, slot - before, head, pages, write);
    else mapFilePages(core, vma, slot, this.#found, 1, write);
    addRss(core, vma.mm, rssCounter(core, this.#found), whole ? pages : 1);
    return VM_FAULT_MINOR;
  }

  #mayMapWhole(file: File, vma: Vma, page: Vpn, slot: number, before: number, pages: number): boolean {
    const { pageTables } = this.#core;
    const { inode } = file;
    const folioEnd = indexOf(vma, page) - before + pages;
    if (inode.kind === 'file' && Math.ceil(inode.size / PAGE_SIZE) < folioEnd) return false;
    const intoVma = page - vma.start;
    const entry = page % ENTRIES_PER_TABLE;
    if (intoVma < before || intoVma - before + pages > vma.pages) return false;
    if (entry < before || entry - before + pages > ENTRIES_PER_TABLE) return false;
    for (let i = 0; i < pages; i++) {
      const at = slot - before + i;
      if (!isNone(pageTables.lo(at), pageTables.hi(at))) return false;
    }
    return true;
  }
}
