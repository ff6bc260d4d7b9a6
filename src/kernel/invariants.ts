/**
 * What must hold at any instant between two operations, checked from scratch: a slow, plain recount for tests. Each
 * violation is one sentence.
 */
import { entryFrame } from '../hardware/paging/entry.ts';
import { type Pfn, pfn, type Vpn, vpn } from '../hardware/units.ts';
import { MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES, MM_SWAPENTS, type Mm } from './address-space/mm.ts';
import {
  PG_BUDDY,
  PG_CACHED,
  PG_HEAD,
  PG_HUGETLB,
  PG_LRU,
  PG_LRU_PENDING,
  PG_RESERVED,
  PG_SWAPCACHE,
  PG_TABLE,
  PG_TAIL,
} from './frames/frame-table.ts';
import { LRU_LISTS } from './frames/lru.ts';
import { MAX_ORDER, MIGRATE_TYPES } from './frames/zone.ts';
import { checkHugetlb } from './hugetlb/check-hugetlb.ts';
import type { Kernel } from './kernel.ts';
import { checkFiles } from './page-cache/check-files.ts';
import { entryOfValue } from './page-cache/shmem-swap.ts';
import { rssCounter } from './page-table/rss.ts';
import { entrySwap, isGuard, isMapped, isNone, isSwapEntry, PTE_SPECIAL, swapEntry } from './page-table/soft-entry.ts';
import { checkLargeFolios, checkLeaf, type LeafCounts } from './thp/check-huge.ts';

/** @returns every violation; an empty list when all is well */
export function checkInvariants(kernel: Kernel): string[] {
  const wrong: string[] = [];
  const mappings = new Int32Array(kernel.table.frames);
  const swapped = new Map<number, number>();
  const mms = new Set([...kernel.processes.all.values()].map((process) => process.mm));
  const leaves: LeafCounts = { entire: new Map(), deposits: new Map() };
  for (const mm of mms) checkAddressSpace(kernel, mm, mappings, swapped, leaves, wrong);
  wrong.push(...checkLargeFolios(kernel, leaves));
  for (const inode of kernel.files.inodes)
    if (inode.kind === 'shmem')
      inode.pages.forEach(
        0,
        0x7fffffff,
        (_index, value) => {
          if (value < 0) swapped.set(entryOfValue(value), (swapped.get(entryOfValue(value)) ?? 0) + 1);
        },
        true,
      );
  checkFrames(kernel, mappings, wrong);
  wrong.push(...checkHugetlb(kernel, mms));
  checkFreeLists(kernel, wrong);
  checkLru(kernel, wrong);
  checkSwap(kernel, swapped, wrong);
  checkCgroups(kernel, wrong);
  checkFiles(kernel.files, kernel.vmstat, kernel.table.flags, wrong);
  return wrong;
}

/** Entries lie in mappings, resident counters and page-table bytes agree with a recount, the reverse map finds each. */
function checkAddressSpace(
  kernel: Kernel,
  mm: Mm,
  mappings: Int32Array,
  swapped: Map<number, number>,
  leaves: LeafCounts,
  wrong: string[],
): void {
  const { pageTables } = kernel;
  const counted = [0, 0, 0, 0];
  let tables = 0;
  const visitLeaf = (slot: number, first: Vpn, pages: number): void => {
    wrong.push(...checkLeaf(kernel, mm, { slot, first, pages }, leaves, counted, mappings));
  };
  const visitTable = (firstSlot: number, firstPage: Vpn, count: number): void => {
    tables++;
    for (let i = 0; i < count; i++) {
      const lo = pageTables.lo(firstSlot + i);
      const hi = pageTables.hi(firstSlot + i);
      if (isNone(lo, hi)) continue;
      const page = vpn(firstPage + i);
      const vma = mm.vmas.find(page);
      if (vma === undefined || page < vma.start) wrong.push(`mm ${mm.id}: page ${page} has an entry but no mapping`);
      if (!isMapped(lo)) {
        if (isSwapEntry(lo, hi)) {
          (counted[MM_SWAPENTS] as number)++;
          const entry = entrySwap(lo, hi);
          swapped.set(entry, (swapped.get(entry) ?? 0) + 1);
        } else if (!isGuard(lo, hi)) wrong.push(`mm ${mm.id}: page ${page} has an entry that means nothing`);
        continue;
      }
      if (lo & PTE_SPECIAL) continue;
      const frame = entryFrame(lo, hi);
      (mappings[frame] as number)++;
      (counted[rssCounter(kernel, frame)] as number)++;
      if (!kernel.table.has(frame, PG_RESERVED) && !isFound(kernel, frame, mm, page))
        wrong.push(`frame ${frame}: the reverse map does not find page ${page} of mm ${mm.id}`);
    }
  };
  pageTables.forEachTable(mm, vpn(0), vpn(2 ** 35), visitTable, visitLeaf);
  for (const counter of [MM_FILEPAGES, MM_ANONPAGES, MM_SHMEMPAGES, MM_SWAPENTS])
    if (mm.rss[counter] !== counted[counter])
      wrong.push(`mm ${mm.id}: resident counter ${counter} is ${mm.rss[counter]}, recounted ${counted[counter]}`);
  if (mm.pgtablesBytes < tables * 4096)
    wrong.push(`mm ${mm.id}: ${mm.pgtablesBytes} bytes of page tables, at least ${tables} exist`);
  const sizes = [...mm.vmas].reduce((sum, vma) => sum + vma.pages, 0);
  if (mm.totalVm !== sizes) wrong.push(`mm ${mm.id}: total_vm is ${mm.totalVm}, its mappings have ${sizes} pages`);
  for (const vma of mm.vmas)
    if (vma.file !== undefined && !vma.file.inode.mappings.has(vma))
      wrong.push(`mm ${mm.id}: the mapping at page ${vma.start} is not in its file's i_mmap`);
}

function isFound(kernel: Kernel, frame: Pfn, mm: Mm, page: Vpn): boolean {
  let found = false;
  kernel.rmap.forEachMapping(frame, (vma, at) => {
    if (vma.mm === mm && at === page) found = true;
  });
  return found;
}

/** Every frame is free, a table, the kernel's, mapped or cached; its map count is what the page tables say. */
function checkFrames(kernel: Kernel, mappings: Int32Array, wrong: string[]): void {
  const { table, allocator } = kernel;
  const free = new Uint8Array(table.frames);
  for (const zone of allocator.zones)
    for (let list = 0; list < (MAX_ORDER + 1) * MIGRATE_TYPES; list++)
      for (const at of zone.lists.frames(list)) free.fill(1, at, at + (1 << Math.floor(list / MIGRATE_TYPES)));
  for (let frame = 1; frame < table.frames; frame++) {
    const flags = table.flags[frame] as number;
    if (free[frame] === 1) {
      if (mappings[frame] !== 0) wrong.push(`frame ${frame} is free and mapped`);
      continue;
    }
    // Huge pages of the pools have books of their own.
    if (flags & PG_HUGETLB) continue;
    // Pages of a large anonymous folio stay until nobody maps any of it.
    const isLarge = (flags & (PG_HEAD | PG_TAIL)) !== 0 && table.isAnonymous(pfn(frame));
    const kept = PG_TABLE | PG_RESERVED | PG_CACHED | PG_SWAPCACHE;
    const used = flags & kept || isLarge || (table.mapcount[frame] as number) > 0;
    if (!used) wrong.push(`frame ${frame} is lost: neither free nor used (flags ${flags.toString(16)})`);
    if (!(flags & (PG_TABLE | PG_RESERVED)) && table.mapcount[frame] !== mappings[frame])
      wrong.push(`frame ${frame}: map count ${table.mapcount[frame]}, the page tables have ${mappings[frame]}`);
  }
}

function checkFreeLists(kernel: Kernel, wrong: string[]): void {
  for (const zone of kernel.allocator.zones) {
    let free = 0;
    for (let order = 0; order <= MAX_ORDER; order++) free += zone.blocksOfOrder(order) << order;
    if (free !== zone.free) wrong.push(`zone ${zone.name}: ${zone.free} free frames, its lists hold ${free}`);
  }
}

function checkLru(kernel: Kernel, wrong: string[]): void {
  for (let list = 0; list < LRU_LISTS; list++) {
    let frames = 0;
    for (const frame of kernel.lru.frames(list)) {
      frames++;
      if (!kernel.table.has(frame, PG_LRU)) wrong.push(`frame ${frame} is on LRU list ${list} without its mark`);
      if (kernel.table.has(frame, PG_BUDDY | PG_LRU_PENDING))
        wrong.push(`frame ${frame} on LRU list ${list} is free or waits`);
    }
    if (frames !== kernel.lru.sizes[list])
      wrong.push(`LRU list ${list} holds ${frames}, its counter says ${kernel.lru.sizes[list]}`);
  }
}

/** Every slot has as many references as entries point to it; a used slot is wanted by an entry or by the swap cache. */
function checkSwap(kernel: Kernel, swapped: ReadonlyMap<number, number>, wrong: string[]): void {
  for (const area of kernel.swap.areas) {
    let used = 0;
    for (let slot = 1; slot < area.slots; slot++) {
      const references = swapped.get(swapEntry(area.number, slot)) ?? 0;
      if (area.references[slot] !== references)
        wrong.push(`swap ${area.number} slot ${slot}: ${area.references[slot]} references, ${references} entries`);
      if (references > 0 || area.cached[slot] !== 0) used++;
    }
    if (area.used !== used) wrong.push(`swap ${area.number}: ${area.used} slots used, recounted ${used}`);
  }
}

/**
 * What a cgroup and those below it are charged for is their frames, what they were charged ahead, and kernel objects; of
 * swap, their places. No counter is above the highest that it remembers.
 */
function checkCgroups(kernel: Kernel, wrong: string[]): void {
  const { table, cgroups, swap } = kernel;
  const owned = new Map<number, number>();
  const tables = new Map<number, number>();
  table.memcg.forEach((id, frame) => {
    if (id === 0) return;
    owned.set(id, (owned.get(id) ?? 0) + 1);
    if (table.has(frame as Pfn, PG_TABLE)) tables.set(id, (tables.get(id) ?? 0) + 1);
  });
  const places = new Map<number, number>();
  for (const area of swap.areas) for (const id of area.owner) if (id !== 0) places.set(id, (places.get(id) ?? 0) + 1);
  for (const group of cgroups.all) {
    if (group.parent === undefined) continue;
    let [pages, kernelPages, swapped] = [0, 0, 0];
    for (const member of group.subtree()) {
      pages += (owned.get(member.id) ?? 0) + member.stock + member.objectPages;
      kernelPages += (tables.get(member.id) ?? 0) + member.objectPages;
      swapped += places.get(member.id) ?? 0;
    }
    const swapCounter = cgroups.version === 1 ? group.memsw.usage - group.memory.usage : group.swap.usage;
    const facts: [name: string, counted: number, recounted: number][] = [
      ['pages charged', group.memory.usage, pages],
      ['kernel pages charged', group.kmem.usage, kernelPages],
      ['places in swap charged', swapCounter, swapped],
    ];
    for (const [name, counted, recounted] of facts)
      if (counted !== recounted) wrong.push(`cgroup ${group.path}: ${counted} ${name}, ${recounted} are its own`);
    if (group.memory.usage > group.memory.watermark)
      wrong.push(`cgroup ${group.path}: ${group.memory.usage} pages charged, at most ${group.memory.watermark} before`);
  }
}
