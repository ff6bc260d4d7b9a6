/** Moving a page to another frame behind everybody's back (mm/migrate.c). */
import { entryHi, entryLo, PTE_LO_FLAGS } from '../../hardware/paging/entry.ts';
import { type Pfn, type Vpn, vpn } from '../../hardware/units.ts';
import type { Vma } from '../address-space/vma.ts';
import type { PageCore } from '../core.ts';
import {
  PG_ACTIVATE_PENDING,
  PG_CACHED,
  PG_HEAD,
  PG_HUGETLB,
  PG_LAZYFREE_PENDING,
  PG_LOCKED,
  PG_LRU,
  PG_LRU_PENDING,
  PG_RESERVED,
  PG_SWAPCACHE,
  PG_TABLE,
  PG_TAIL,
  PG_UPTODATE,
  PG_WRITEBACK,
} from '../frames/frame-table.ts';

/** What cannot be moved, or not now. Large folios move only to free blocks of their size, which are what is wanted. */
const FIXED =
  PG_TABLE |
  PG_RESERVED |
  PG_HUGETLB |
  PG_LOCKED |
  PG_WRITEBACK |
  PG_HEAD |
  PG_TAIL |
  PG_LRU_PENDING |
  PG_LAZYFREE_PENDING |
  PG_ACTIVATE_PENDING;
const HI_FRAME = 0xfffff;

/** Whether a frame in use is a single page of a program or a file that can be moved (isolate_migratepages_block). */
export function isMovable({ table }: PageCore, frame: Pfn): boolean {
  const flags = table.flags[frame] as number;
  if ((flags & (FIXED | PG_LRU)) !== PG_LRU || table.mapping[frame] === 0) return false;
  // A page whose bytes are being read has somebody who waits for it.
  return (flags & (PG_CACHED | PG_UPTODATE)) !== PG_CACHED;
}

/**
 * Moves a page (migrate_folio_move): bytes, marks, place on the LRU lists, mappings, its place in its file or in the swap
 * cache. The old frame is free then.
 * @param to a frame that is in nobody's use
 */
export function migratePage(core: PageCore, from: Pfn, to: Pfn): void {
  const { table, lru, memory, rmap, pageTables, tlb, swap } = core;
  const mappings: [vma: Vma, page: Vpn, slot: number][] = [];
  if ((table.mapcount[from] as number) > 0)
    rmap.forEachMapping(from, (vma, page, slot) => {
      mappings.push([vma, page, slot]);
    });
  lru.isolate(from);
  table.flags[to] = table.flags[from] as number;
  table.mapcount[to] = table.mapcount[from] as number;
  table.mapping[to] = table.mapping[from] as number;
  table.index[to] = table.index[from] as number;
  table.memcg[to] = table.memcg[from] as number;
  if (core.contents === 'bytes') memory.copy(from, to);
  for (const [vma, page, slot] of mappings) {
    const lo = pageTables.lo(slot);
    const hi = pageTables.hi(slot);
    pageTables.set(slot, entryLo(to, lo & PTE_LO_FLAGS), entryHi(to, hi & ~HI_FRAME));
    tlb.flushRange(vma.mm, page, vpn(page + 1));
  }
  if (table.has(from, PG_SWAPCACHE)) swap.moveCached(from, to);
  if (table.has(from, PG_CACHED)) core.moveInCache(from, to);
  lru.putBack(to);
  table.mapcount[from] = 0;
  table.mapping[from] = 0;
  table.memcg[from] = 0;
  table.flags[from] = 0;
  memory.clear(from);
}
