import { entryFrame, entryHi, entryLo, PTE_DIRTY, PTE_WRITE } from '../../hardware/paging/entry.ts';
import { type Pfn, pfn, type Vpn, vpn } from '../../hardware/units.ts';
import { MM_ANONPAGES } from '../address-space/mm.ts';
import { VM_LOCKED } from '../address-space/vm-flags.ts';
import type { Vma } from '../address-space/vma.ts';
import type { PageCore } from '../core.ts';
import { PG_HEAD, PG_MLOCKED, PG_ORDER_MASK, PG_PARTIALLY_MAPPED, PG_TAIL } from '../frames/frame-table.ts';
import { addRss } from '../page-table/rss.ts';
import { PTE_SPECIAL } from '../page-table/soft-entry.ts';
import { PMD_PAGES } from '../page-table/table-walk.ts';
import { THP_SPLIT_PAGE } from '../vmstat.ts';
import { splitLeaf } from './huge-entries.ts';
import { PMD_ORDER } from './settings.ts';
import { SPLIT } from './size-stats.ts';

const SHAPE = PG_HEAD | PG_TAIL | PG_ORDER_MASK | PG_PARTIALLY_MAPPED;

/**
 * Makes single pages of a large anonymous folio (split_folio, __folio_split). They stay mapped where they were; pages of
 * zeros give way to the zero page, and pages that nobody maps any more are free.
 */
export function splitAnonFolio(core: PageCore, head: Pfn): void {
  const { table, thp, pages, vmstat } = core;
  const order = table.order(head);
  const count = 1 << order;
  splitMappings(core, head, count);
  for (let i = 0; i < count; i++) table.clear(pfn(head + i), SHAPE);
  thp.deferred.remove(head);
  thp.sizeStats.count(order, SPLIT);
  if (order === PMD_ORDER) vmstat.count(THP_SPLIT_PAGE);
  for (let i = 0; i < count; i++) {
    const frame = pfn(head + i);
    if (table.mapcount[frame] === 0) pages.releaseUnused(frame);
    else if (core.contents === 'bytes' && isZero(core, frame)) mapZeroPage(core, frame);
  }
}

/** Every leaf that maps the folio becomes a table of single entries. */
function splitMappings(core: PageCore, head: Pfn, count: number): void {
  for (let left = core.table.entireMappings(head), i = 0; count === PMD_PAGES && left > 0 && i < count; i++) {
    const leaves: [vma: Vma, slot: number, first: Vpn][] = [];
    core.rmap.forEachMapping(pfn(head + i), (vma, page, slot) => {
      if (core.pageTables.leafPages === PMD_PAGES) leaves.push([vma, slot, vpn(page - (page % PMD_PAGES))]);
    });
    for (const [vma, slot, first] of leaves) splitLeaf(core, vma, slot, first);
    left = core.table.entireMappings(head);
  }
}

const isZero = ({ memory }: PageCore, frame: Pfn): boolean =>
  !memory.hasStorage(frame) || memory.view(frame).every((byte) => byte === 0);

/** A page of zeros need not be kept, unless somebody locked it (try_to_map_unused_to_zeropage). */
function mapZeroPage(core: PageCore, frame: Pfn): void {
  const { table, rmap, pageTables, tlb } = core;
  if (table.has(frame, PG_MLOCKED)) return;
  const users: [vma: Vma, page: Vpn, slot: number][] = [];
  rmap.forEachMapping(frame, (vma, page, slot) => {
    if ((vma.flags & VM_LOCKED) === 0) users.push([vma, page, slot]);
  });
  for (const [vma, page, slot] of users) {
    const lo = pageTables.lo(slot);
    const hi = pageTables.hi(slot);
    const flags = (entryLo(entryFrame(lo, hi), 0) ^ lo) & ~(PTE_WRITE | PTE_DIRTY);
    pageTables.set(slot, entryLo(core.zeroFrame, flags | PTE_SPECIAL), entryHi(core.zeroFrame, hi & ~0xfffff));
    tlb.flushRange(vma.mm, page, vpn(page + 1));
    addRss(core, vma.mm, MM_ANONPAGES, -1);
    rmap.remove(frame, vma);
  }
}
