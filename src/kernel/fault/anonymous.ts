import { entryHi, entryLo } from '../../hardware/paging/entry.ts';
import type { Vpn } from '../../hardware/units.ts';
import { MM_ANONPAGES } from '../address-space/mm.ts';
import { VM_DROPPABLE, VM_LOCKED, VM_SHARED, VM_SPECIAL, VM_WRITE } from '../address-space/vm-flags.ts';
import type { Vma } from '../address-space/vma.ts';
import type { PageCore } from '../core.ts';
import { PG_SWAPBACKED } from '../frames/frame-table.ts';
import { addRss } from '../page-table/rss.ts';
import { PTE_SPECIAL, protectionHi, protectionLo, WRITABLE_DIRTY } from '../page-table/soft-entry.ts';
import { largeAnonymousFault } from '../thp/huge-fault.ts';
import { FAULT_FLAG_USER, FAULT_FLAG_WRITE, VM_FAULT_MINOR, VM_FAULT_OOM, VM_FAULT_SIGBUS } from './outcome.ts';

/**
 * First use of a page of anonymous memory (do_anonymous_page). A read maps the zero page, which costs no memory; a write
 * gets a frame of its own.
 */
export function anonymousFault(core: PageCore, vma: Vma, page: Vpn, slot: number, flags: number): number {
  if (vma.flags & VM_SHARED) return VM_FAULT_SIGBUS;
  if ((flags & FAULT_FLAG_WRITE) === 0) {
    const lo = entryLo(core.zeroFrame, protectionLo(vma.flags) | PTE_SPECIAL);
    core.pageTables.set(slot, lo, entryHi(core.zeroFrame, protectionHi(vma.flags)));
    return VM_FAULT_MINOR;
  }
  if (core.thp.hasSmallSizes && largeAnonymousFault(core, vma, page, slot)) return VM_FAULT_MINOR;
  const frame = core.pages.allocateAnonymous((flags & FAULT_FLAG_USER) !== 0);
  if (frame < 0) return VM_FAULT_OOM;
  mapNewAnonymous(core, vma, page, slot, frame);
  return VM_FAULT_MINOR;
}

/** Maps a frame that nobody has seen yet: counted, on its LRU list, writable where the mapping is. */
export function mapNewAnonymous(core: PageCore, vma: Vma, page: Vpn, slot: number, frame: number): void {
  const own = frame as Parameters<typeof entryLo>[0];
  core.rmap.addNewAnon(own, vma, page);
  // What may be dropped needs no swap (folio_add_new_anon_rmap).
  if (vma.flags & VM_DROPPABLE) core.table.clear(own, PG_SWAPBACKED);
  addRss(core, vma.mm, MM_ANONPAGES, 1);
  core.lru.add(own);
  if ((vma.flags & (VM_LOCKED | VM_SPECIAL)) === VM_LOCKED) core.rmap.mlock(own);
  const more = vma.flags & VM_WRITE ? WRITABLE_DIRTY : 0;
  core.pageTables.set(slot, entryLo(own, protectionLo(vma.flags) | more), entryHi(own, protectionHi(vma.flags)));
}
