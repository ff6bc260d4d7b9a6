import { entryFrame, PTE_ACCESSED, PTE_DIRTY } from '../../hardware/paging/entry.ts';
import { PAGE_SIZE, type Pfn, pfn, vpn } from '../../hardware/units.ts';
import type { Mm } from '../address-space/mm.ts';
import { VM_HUGETLB, VM_LOCKED, VM_SHARED, VM_WRITE } from '../address-space/vm-flags.ts';
import { indexOf, type Vma } from '../address-space/vma.ts';
import { PG_DIRTY, PG_REFERENCED, PG_SWAPBACKED } from '../frames/frame-table.ts';
import { swappedPages } from '../page-cache/shmem-swap.ts';
import { entrySwap, isNone, isSwapEntry } from '../page-table/soft-entry.ts';
import { normalFrame, type ProcSource } from './source.ts';

/**
 * Proportional sizes are kept in 1/4096 bytes and cut down only when they are printed (PSS_SHIFT in
 * fs/proc/task_mmu.c): a page of three processes is 5592405 of these in each.
 */
const PSS_ONE = 1 << 12;

/** A page's part in each of those that share it. */
const proportion = (sharers: number): number =>
  sharers < 2 ? PAGE_SIZE * PSS_ONE : Math.floor((PAGE_SIZE * PSS_ONE) / sharers);

/** What smaps counts of a range (struct mem_size_stats), in bytes; the `pss` members in 1/4096 bytes. */
export interface Smaps {
  size: number;
  rss: number;
  pss: number;
  pssDirty: number;
  pssAnon: number;
  pssFile: number;
  pssShmem: number;
  pssLocked: number;
  sharedClean: number;
  sharedDirty: number;
  privateClean: number;
  privateDirty: number;
  referenced: number;
  anonymous: number;
  lazyFree: number;
  /** Mapped as huge pages, by kind. */
  anonHuge: number;
  shmemHuge: number;
  fileHuge: number;
  swap: number;
  swapPss: number;
  sharedHugetlb: number;
  privateHugetlb: number;
}

/** The sums of an empty range. */
export const noPages = (): Smaps => ({
  size: 0,
  rss: 0,
  pss: 0,
  pssDirty: 0,
  pssAnon: 0,
  pssFile: 0,
  pssShmem: 0,
  pssLocked: 0,
  sharedClean: 0,
  sharedDirty: 0,
  privateClean: 0,
  privateDirty: 0,
  referenced: 0,
  anonymous: 0,
  lazyFree: 0,
  anonHuge: 0,
  shmemHuge: 0,
  fileHuge: 0,
  swap: 0,
  swapPss: 0,
  sharedHugetlb: 0,
  privateHugetlb: 0,
});

/** What a mapping holds, page by page (smap_gather_stats). */
export function gatherSmaps(source: ProcSource, vma: Vma): Smaps {
  const sums = noPages();
  gather(source, vma, sums);
  return sums;
}

/** The same of a whole address space (smaps_rollup). */
export function gatherRollup(source: ProcSource, mm: Mm): Smaps {
  const sums = noPages();
  for (const vma of mm.vmas) gather(source, vma, sums);
  return sums;
}

function gather(source: ProcSource, vma: Vma, sums: Smaps): void {
  const { pageTables } = source;
  const inode = vma.file?.inode;
  // Swapped pages of shared memory are known to the file alone; a private copy of one hides it (smap_gather_stats).
  const ownCopies = inode !== undefined && (vma.flags & (VM_SHARED | VM_WRITE)) === VM_WRITE;
  if (inode !== undefined) sums.swap += swappedPages(inode, vma.pgoff, vma.pgoff + vma.pages) * PAGE_SIZE;
  const locked = (vma.flags & VM_LOCKED) !== 0;
  sums.size += vma.pages * PAGE_SIZE;
  if (vma.flags & VM_HUGETLB) {
    gatherHugetlb(source, vma, sums);
    return;
  }
  pageTables.forEachTable(
    vma.mm,
    vma.start,
    vma.end,
    (firstSlot, firstPage, count) => {
      for (let slot = firstSlot; slot < firstSlot + count; slot++) {
        const lo = pageTables.lo(slot);
        const hi = pageTables.hi(slot);
        const frame = normalFrame(lo, hi);
        if (ownCopies && !isNone(lo, hi)) {
          const index = indexOf(vma, vpn(firstPage + (slot - firstSlot)));
          sums.swap -= swappedPages(inode, index, index + 1) * PAGE_SIZE;
        }
        if (frame >= 0) account(source, frame as Pfn, lo, locked, sums);
        else if (isSwapEntry(lo, hi)) {
          sums.swap += PAGE_SIZE;
          sums.swapPss += proportion(source.swap.references(entrySwap(lo, hi)));
        }
      }
    },
    (slot, firstPage, pages) => {
      const lo = pageTables.lo(slot);
      const head = normalFrame(lo, pageTables.hi(slot));
      if (head < 0) return;
      const from = Math.max(firstPage, vma.start) - firstPage;
      const end = Math.min(firstPage + pages, vma.end) - firstPage;
      for (let i = from; i < end; i++) account(source, pfn(head + i), lo, locked, sums);
      sums[hugeKind(source, pfn(head))] += (end - from) * PAGE_SIZE;
    },
  );
}

/** Under which name the size of a huge page counts (smaps_pmd_entry). */
function hugeKind({ table }: ProcSource, head: Pfn): 'anonHuge' | 'shmemHuge' | 'fileHuge' {
  if (table.isAnonymous(head)) return 'anonHuge';
  return table.has(head, PG_SWAPBACKED) ? 'shmemHuge' : 'fileHuge';
}

/** Huge pages of a pool are in no other count (smaps_hugetlb_range). */
function gatherHugetlb({ pageTables, table }: ProcSource, vma: Vma, sums: Smaps): void {
  const none = (): void => undefined;
  pageTables.forEachTable(vma.mm, vma.start, vma.end, none, (slot, _first, pages) => {
    const head = entryFrame(pageTables.lo(slot), pageTables.hi(slot));
    const shared = (table.mapcount[head] as number) > 1;
    sums[shared ? 'sharedHugetlb' : 'privateHugetlb'] += pages * PAGE_SIZE;
  });
}

/** Counts one page (smaps_account and smaps_page_accumulate). */
function account({ table }: ProcSource, frame: Pfn, lo: number, locked: boolean, sums: Smaps): void {
  const flags = table.flags[frame] as number;
  const mapcount = table.mapcount[frame] as number;
  const anonymous = table.isAnonymous(frame);
  const dirty = (lo & PTE_DIRTY) !== 0 || (flags & PG_DIRTY) !== 0;
  const pss = proportion(mapcount);

  sums.rss += PAGE_SIZE;
  sums.pss += pss;
  if (anonymous) {
    sums.anonymous += PAGE_SIZE;
    sums.pssAnon += pss;
    if ((flags & PG_SWAPBACKED) === 0 && !dirty) sums.lazyFree += PAGE_SIZE;
  } else if (flags & PG_SWAPBACKED) sums.pssShmem += pss;
  else sums.pssFile += pss;

  if ((lo & PTE_ACCESSED) !== 0 || (flags & PG_REFERENCED) !== 0) sums.referenced += PAGE_SIZE;
  if (locked) sums.pssLocked += pss;
  if (dirty) sums.pssDirty += pss;
  if (mapcount < 2) sums[dirty ? 'privateDirty' : 'privateClean'] += PAGE_SIZE;
  else sums[dirty ? 'sharedDirty' : 'sharedClean'] += PAGE_SIZE;
}

const kb = (bytes: number): number => Math.floor(bytes / 1024);
const pssKb = (pss: number): number => Math.floor(pss / PSS_ONE / 1024);

/** The lines of smaps that have an amount, under the kernel's keys, in kB and in their order (__show_smap). */
export function smapsKb(sums: Smaps, rollup = false): [key: string, kb: number][] {
  const parts: [string, number][] = [
    ['Pss_Anon', pssKb(sums.pssAnon)],
    ['Pss_File', pssKb(sums.pssFile)],
    ['Pss_Shmem', pssKb(sums.pssShmem)],
  ];
  return [
    ['Rss', kb(sums.rss)],
    ['Pss', pssKb(sums.pss)],
    ['Pss_Dirty', pssKb(sums.pssDirty)],
    ...(rollup ? parts : []),
    ['Shared_Clean', kb(sums.sharedClean)],
    ['Shared_Dirty', kb(sums.sharedDirty)],
    ['Private_Clean', kb(sums.privateClean)],
    ['Private_Dirty', kb(sums.privateDirty)],
    ['Referenced', kb(sums.referenced)],
    ['Anonymous', kb(sums.anonymous)],
    ['KSM', 0],
    ['LazyFree', kb(sums.lazyFree)],
    ['AnonHugePages', kb(sums.anonHuge)],
    ['ShmemPmdMapped', kb(sums.shmemHuge)],
    ['FilePmdMapped', kb(sums.fileHuge)],
    ['Shared_Hugetlb', kb(sums.sharedHugetlb)],
    ['Private_Hugetlb', kb(sums.privateHugetlb)],
    ['Swap', kb(sums.swap)],
    ['SwapPss', pssKb(sums.swapPss)],
    ['Locked', pssKb(sums.pssLocked)],
  ];
}

/** What /proc/PID/smaps says of a mapping, in kB under the kernel's keys, `Size` first. */
export function smapsOf(source: ProcSource, vma: Vma): Record<string, number> {
  const sums = gatherSmaps(source, vma);
  return Object.fromEntries([['Size', kb(sums.size)], ...smapsKb(sums)]);
}

/** What /proc/PID/smaps_rollup says, in kB under the kernel's keys. */
export function rollupOf(source: ProcSource, mm: Mm): Record<string, number> {
  return Object.fromEntries(smapsKb(gatherRollup(source, mm), true));
}
