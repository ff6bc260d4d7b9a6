import { PTE_ACCESSED } from '../../hardware/paging/entry.ts';
import { type Pfn, pfn } from '../../hardware/units.ts';
import { VM_EXEC, VM_LOCKED } from '../address-space/vm-flags.ts';
import { hasRecency, type Vma } from '../address-space/vma.ts';
import type { PageCore } from '../core.ts';
import { PG_REFERENCED, PG_SWAPBACKED } from '../frames/frame-table.ts';
import { lookAround } from '../mglru/aging.ts';

/** What the use of a page since the last look says (enum folio_references). */
export const RECLAIM = 0;
/** Only if it is clean: it was used, but not through a mapping. */
export const RECLAIM_CLEAN = 1;
export const KEEP = 2;
export const ACTIVATE = 3;

/** What `countReferences` found. */
interface References {
  /** Mappings that used the folio; a mapping that used several of its pages counts once. */
  count: number;
  /** VM_* flags of all of them together. */
  flags: number;
  /** A mapping has it locked. */
  locked: boolean;
}

/**
 * How many mappings used a folio since the last time; their accessed bits are cleared (folio_referenced). As on x86, TLBs
 * are not flushed for it: a translation in use sets the bit again when it is next walked.
 */
function countReferences(core: PageCore, head: Pfn, pages: number): References {
  const { pageTables, rmap } = core;
  const found: References = { count: 0, flags: 0, locked: false };
  const users: Vma[] = [];
  for (let i = 0; i < pages; i++) {
    if (core.table.mapcount[head + i] === 0) continue;
    rmap.forEachMapping(pfn(head + i), (vma, page, slot) => {
      if (vma.flags & VM_LOCKED) found.locked = true;
      const lo = pageTables.lo(slot);
      if ((lo & PTE_ACCESSED) === 0 || !hasRecency(vma)) return;
      pageTables.set(slot, lo & ~PTE_ACCESSED, pageTables.hi(slot));
      if (core.lru.generations !== undefined) lookAround(core, core.lru.generations, vma, page, slot);
      if (users.includes(vma)) return;
      users.push(vma);
      found.flags |= vma.flags;
      found.count++;
    });
  }
  return found;
}

/**
 * What to do with a folio from the tail of an inactive list (folio_check_references): used through one mapping, it gets
 * another round, used again or through several, it becomes active; executable files at once.
 */
export function checkReferences(core: PageCore, head: Pfn, pages: number): number {
  const { table, lru } = core;
  const { count, flags, locked } = countReferences(core, head, pages);
  if (locked) return ACTIVATE;
  if (lru.generations !== undefined) {
    if (count === 0) return RECLAIM;
    return lru.generations.useByMapping(head) ? ACTIVATE : KEEP;
  }
  const wasReferenced = table.has(head, PG_REFERENCED);
  for (let i = 0; i < pages; i++) table.clear(pfn(head + i), PG_REFERENCED);
  const isFile = !table.has(head, PG_SWAPBACKED);
  if (count === 0) return wasReferenced && isFile ? RECLAIM_CLEAN : RECLAIM;
  for (let i = 0; i < pages; i++) table.set(pfn(head + i), PG_REFERENCED);
  if (wasReferenced || count > 1) return ACTIVATE;
  return flags & VM_EXEC && isFile ? ACTIVATE : KEEP;
}

/** Whether an active folio was used through a mapping that executes it: such pages of files stay active. */
export function usedAsProgram(core: PageCore, head: Pfn, pages: number): boolean {
  const { count, flags } = countReferences(core, head, pages);
  return count > 0 && (flags & VM_EXEC) !== 0 && !core.table.has(head, PG_SWAPBACKED);
}
