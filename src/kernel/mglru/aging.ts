/**
 * Aging (try_to_inc_max_seq in mm/vmscan.c): the page tables of a cgroup's processes are walked, what was used since the last
 * walk moves to the youngest generation, and a new one is begun, which makes everything else older. Processes that have not run
 * since the last walk are left out, and tables that were not seen to be used densely (walk-filter.ts).
 */
import { entryFrame, PTE_ACCESSED } from '../../hardware/paging/entry.ts';
import type { Mm } from '../address-space/mm.ts';
import { hasRecency, type Vma } from '../address-space/vma.ts';
import type { PageCore } from '../core.ts';
import { PG_RESERVED } from '../frames/frame-table.ts';
import { isMapped, PTE_SPECIAL } from '../page-table/soft-entry.ts';
import { ANON, type Generations } from './generations.ts';
import { isDense, type WalkFilter } from './walk-filter.ts';

/**
 * Begins a new generation for a cgroup.
 * @param mms address spaces of its processes
 * @param walks the page tables are looked at (bit 2 of /sys/kernel/mm/lru_gen/enabled); otherwise only eviction looks around
 */
export function age(
  core: PageCore,
  generations: Generations,
  group: number,
  mms: Iterable<Mm>,
  maySwap: boolean,
  walks: boolean,
): void {
  if (walks) {
    const filter = generations.filter(group);
    filter.begin(generations.maxSeq(group));
    for (const mm of mms) {
      if (mm.memcg !== group || !mm.ranSinceWalk) continue;
      mm.ranSinceWalk = false;
      walkMm(core, generations, filter, mm, maySwap);
    }
  }
  generations.incMaxSeq(group, maySwap);
}

/** walk_mm: pages that were used since the last walk are promoted, and their accessed bits cleared. */
function walkMm(core: PageCore, generations: Generations, filter: WalkFilter, mm: Mm, maySwap: boolean): void {
  const seq = generations.maxSeq(mm.memcg);
  for (const vma of mm.vmas) {
    if (!hasRecency(vma) || vma.special !== undefined || (vma.isAnonymous && !maySwap)) continue;
    core.pageTables.forEachTable(mm, vma.start, vma.end, (firstSlot, page, count) => {
      if (!filter.has(seq, mm, page)) return;
      let young = 0;
      for (let slot = firstSlot; slot < firstSlot + count; slot++)
        if (lookAt(core, generations, mm.memcg, slot, maySwap)) young++;
      if (isDense(count, young)) filter.add(seq + 1, mm, page);
    });
  }
}

/** Looks at an entry of a table. @returns whether it was used */
function lookAt(core: PageCore, generations: Generations, group: number, slot: number, maySwap: boolean): boolean {
  const { pageTables, table } = core;
  const lo = pageTables.lo(slot);
  if (!isMapped(lo) || (lo & PTE_ACCESSED) === 0 || lo & PTE_SPECIAL) return false;
  const frame = entryFrame(lo, pageTables.hi(slot));
  if (table.has(frame, PG_RESERVED) || table.memcg[frame] !== group) return false;
  if (!maySwap && generations.typeOf(frame) === ANON) return false;
  pageTables.set(slot, lo & ~PTE_ACCESSED, pageTables.hi(slot));
  generations.promote(frame);
  return true;
}

/** Entries on both sides of a used one that eviction looks at (MIN_LRU_BATCH / 2). */
const AROUND = 32;
const TABLE_ENTRIES = 512;

/**
 * Eviction has found a page used: so are its neighbours perhaps, up to 64 in the same table and mapping
 * (lru_gen_look_around).
 * @param slot the entry of the page, whose own accessed bit is dealt with already
 */
export function lookAround(core: PageCore, generations: Generations, vma: Vma, page: number, slot: number): void {
  const table = page - (page % TABLE_ENTRIES);
  const low = Math.max(table, vma.start);
  const high = Math.min(table + TABLE_ENTRIES, vma.end);
  let start = Math.max(low, page - AROUND);
  const end = Math.min(high, start + 2 * AROUND);
  start = Math.max(low, end - 2 * AROUND);
  let young = 1;
  for (let at = start; at < end; at++)
    if (at !== page && lookAt(core, generations, vma.mm.memcg, slot + at - page, true)) young++;
  const { memcg } = vma.mm;
  if (isDense(end - start, young)) generations.filter(memcg).add(generations.maxSeq(memcg), vma.mm, page);
}
