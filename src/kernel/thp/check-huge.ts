/** What must hold of huge mappings and large anonymous folios, counted from scratch: a part of the invariants. */
import { entryFrame } from '../../hardware/paging/entry.ts';
import { type Pfn, pfn, type Vpn, vpn } from '../../hardware/units.ts';
import type { Mm } from '../address-space/mm.ts';
import type { PageCore } from '../core.ts';
import { PG_ANON_EXCLUSIVE, PG_HEAD, PG_HUGETLB, PG_LRU, PG_SWAPCACHE, PG_TAIL } from '../frames/frame-table.ts';
import { rssCounter } from '../page-table/rss.ts';
import { PTE_SPECIAL } from '../page-table/soft-entry.ts';
import { PMD_PAGES } from '../page-table/table-walk.ts';
import { NR_ANON_TRANSPARENT_HUGEPAGES, NR_FILE_PMDMAPPED, NR_SHMEM_PMDMAPPED } from '../vmstat.ts';
import { PMD_ORDER } from './settings.ts';

/** What a recount of all leaves has found so far. */
export interface LeafCounts {
  /** Leaves by the first frame of the folio that they map. */
  readonly entire: Map<number, number>;
  /** Leaves that have a deposited table, by the frame of their directory. */
  readonly deposits: Map<number, number>;
}

/**
 * One leaf of an address space: its mapping holds it whole, it maps a whole folio, and the reverse map finds all pages.
 * @param counted resident pages by MM_*; @param mappings by frame
 */
export function checkLeaf(
  core: PageCore,
  mm: Mm,
  at: { readonly slot: number; readonly first: Vpn; readonly pages: number },
  counts: LeafCounts,
  counted: number[],
  mappings: Int32Array,
): string[] {
  const { pageTables, table } = core;
  const { slot, first, pages } = at;
  const lo = pageTables.lo(slot);
  const head = entryFrame(lo, pageTables.hi(slot));
  if (table.has(head, PG_HUGETLB)) return [];
  const name = `mm ${mm.id}: the huge page at page ${first}`;
  const wrong: string[] = [];
  const vma = mm.vmas.find(first);
  if (vma === undefined || vma.start > first || vma.end < first + pages) wrong.push(`${name} is not in one mapping`);
  const directory = Math.floor(slot / PMD_PAGES);
  const isZero = (lo & PTE_SPECIAL) !== 0;
  if (isZero || table.isAnonymous(head)) counts.deposits.set(directory, (counts.deposits.get(directory) ?? 0) + 1);
  if (isZero) return wrong;
  counts.entire.set(head, (counts.entire.get(head) ?? 0) + 1);
  if (!table.has(head, PG_HEAD) || table.order(head) !== PMD_ORDER) wrong.push(`${name} maps no whole folio`);
  for (let i = 0; i < pages; i++) {
    const frame = pfn(head + i);
    (mappings[frame] as number)++;
    (counted[rssCounter(core, frame)] as number)++;
    let found = false;
    core.rmap.forEachMapping(frame, (other, page) => {
      if (other.mm === mm && page === vpn(first + i)) found = true;
    });
    if (!found) wrong.push(`${name}: the reverse map does not find its page ${i}`);
  }
  return wrong;
}

/** After all address spaces: the books of folios, deposits and counters. */
export function checkLargeFolios(core: PageCore, { entire, deposits }: LeafCounts): string[] {
  const { table, vmstat } = core;
  const wrong: string[] = [];
  let mappedWhole = 0;
  table.entireMapcount.forEach((count, block) => {
    if (table.has(pfn(block * PMD_PAGES), PG_HUGETLB)) return;
    if (count > 0) mappedWhole++;
    if (count !== (entire.get(block * PMD_PAGES) ?? 0))
      wrong.push(`frame ${block * PMD_PAGES}: ${count} huge mappings, recounted ${entire.get(block * PMD_PAGES) ?? 0}`);
  });
  const counted = [NR_ANON_TRANSPARENT_HUGEPAGES, NR_SHMEM_PMDMAPPED, NR_FILE_PMDMAPPED];
  const sum = counted.reduce((total, item) => total + vmstat.value(item), 0);
  if (sum !== mappedWhole) wrong.push(`${sum} folios count as mapped by huge entries, recounted ${mappedWhole}`);
  for (const [directory, count] of deposits) {
    let spares = 0;
    for (let spare = table.index[directory] as number; spare !== 0; spare = table.next[spare] as number) spares++;
    if (spares !== count) wrong.push(`directory ${directory}: ${spares} deposited tables, ${count} huge pages`);
  }
  for (let frame = 1; frame < table.frames; frame++)
    if (table.has(pfn(frame), PG_HEAD) && table.isAnonymous(pfn(frame))) wrong.push(...checkFolio(core, pfn(frame)));
  return wrong;
}

/** A large anonymous folio: its pages are of one kind, on the lists together, and at least one of them is wanted. */
function checkFolio({ table }: PageCore, head: Pfn): string[] {
  const wrong: string[] = [];
  const order = table.order(head);
  if (head % (1 << order) !== 0) wrong.push(`frame ${head}: a folio of order ${order} that is not aligned`);
  let isWanted = false;
  for (let i = 0; i < 1 << order; i++) {
    const frame = pfn(head + i);
    if (i > 0 && (!table.has(frame, PG_TAIL) || table.order(frame) !== order))
      wrong.push(`frame ${frame} is no tail of the folio of order ${order} at ${head}`);
    if (table.has(frame, PG_LRU) !== table.has(head, PG_LRU))
      wrong.push(`frame ${frame}: off the list of its folio ${head}`);
    if ((table.mapcount[frame] as number) > 0 || table.has(frame, PG_SWAPCACHE)) isWanted = true;
    if ((table.mapcount[frame] as number) > 1 && table.has(frame, PG_ANON_EXCLUSIVE))
      wrong.push(`frame ${frame} is exclusive, yet mapped ${table.mapcount[frame]} times`);
  }
  if (!isWanted) wrong.push(`the folio at ${head} is lost: nobody maps any of it`);
  return wrong;
}
