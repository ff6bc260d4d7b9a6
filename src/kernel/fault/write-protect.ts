import { entryFrame, PTE_ACCESSED } from '../../hardware/paging/entry.ts';
import { type Vpn, vpn } from '../../hardware/units.ts';
import type { Vma } from '../address-space/vma.ts';
import type { PageCore } from '../core.ts';
import { PG_SWAPCACHE } from '../frames/frame-table.ts';
import { addRss, rssCounter } from '../page-table/rss.ts';
import { PTE_SPECIAL, WRITABLE_DIRTY } from '../page-table/soft-entry.ts';
import { PGREUSE } from '../vmstat.ts';
import { mapNewAnonymous } from './anonymous.ts';
import { VM_FAULT_MINOR, VM_FAULT_OOM } from './outcome.ts';

/**
 * A write to a page of private memory that is mapped read-only (do_wp_page): re-used when this process is the only one
 * that has it, else copied (wp_page_copy).
 */
export function copyOnWrite(core: PageCore, vma: Vma, page: Vpn, slot: number): number {
  const lo = core.pageTables.lo(slot);
  const old = entryFrame(lo, core.pageTables.hi(slot));
  const zero = (lo & PTE_SPECIAL) !== 0;
  // A page that only the swap cache holds beside this process gives its place in swap up (wp_can_reuse_anon_folio).
  if (core.table.has(old, PG_SWAPCACHE) && core.table.mapcount[old] === 1) core.swap.giveUp(old);
  if (!zero && core.table.isAnonymous(old) && core.rmap.canReuse(old, vma.mm)) {
    core.rmap.moveAnon(old, vma);
    core.pageTables.set(slot, lo | WRITABLE_DIRTY | PTE_ACCESSED, core.pageTables.hi(slot));
    core.vmstat.count(PGREUSE);
    core.tlb.flushRange(vma.mm, page, vpn(page + 1));
    return VM_FAULT_MINOR;
  }
  const copy = core.pages.allocateAnonymous();
  if (copy < 0) return VM_FAULT_OOM;
  if (!zero && core.contents === 'bytes') core.memory.copy(old, copy as typeof old);
  core.pageTables.clear(slot);
  core.tlb.flushRange(vma.mm, page, vpn(page + 1));
  if (!zero) addRss(core, vma.mm, rssCounter(core, old), -1);
  mapNewAnonymous(core, vma, page, slot, copy);
  if (zero) return VM_FAULT_MINOR;
  core.rmap.remove(old, vma);
  if (core.table.has(old, PG_SWAPCACHE)) core.swap.forgetUnmapped(old);
  return VM_FAULT_MINOR;
}
