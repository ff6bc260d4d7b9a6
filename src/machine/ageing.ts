/** A machine that has run for a while before the program starts: its free memory is in pieces. */
import { type Pfn, pfn } from '../hardware/units.ts';
import { NO_PRESSURE } from '../kernel/frames/allocator.ts';
import { PG_RESERVED, PG_UPTODATE } from '../kernel/frames/frame-table.ts';
import { MIGRATE_MOVABLE, MIGRATE_UNMOVABLE, PAGEBLOCK_ORDER, PAGEBLOCK_PAGES } from '../kernel/frames/zone.ts';
import type { Kernel } from '../kernel/kernel.ts';

/** Pages that are in use in each broken pageblock. */
const KEPT_PAGES = 8;
/** Of so many broken pageblocks one holds pages of the kernel, which cannot be moved; the others pages of files. */
const KERNEL_SHARE = 4;
/** Where the file lies whose pages are left from earlier: it is cached, clean, and long not used. */
const OLD_FILE = '/var/log/old';

/**
 * Ages a machine that has just booted: the share of its free memory that lies in pieces of less than 2 MiB is `fraction`
 * (the unusable free index at order 9, as /sys/kernel/debug/extfrag/unusable_index shows it for each zone). In each broken
 * block of 2 MiB eight pages at chance places are in use; in three of four such blocks they are clean pages of a file,
 * which compaction can move and reclaim can drop, in the fourth they are the kernel's for good.
 * @param fraction 0 to 1
 * @throws RangeError for another number
 */
export function fragment(kernel: Kernel, fraction: number): void {
  if (!(fraction >= 0 && fraction <= 1)) throw new RangeError(`fragment: ${fraction} is no share from 0 to 1`);
  const { allocator } = kernel;
  const blocks = takeBlocks(kernel, Math.floor((fraction * allocator.free) / PAGEBLOCK_PAGES));
  if (blocks.length === 0) return;
  const filePages = (blocks.length - Math.floor(blocks.length / KERNEL_SHARE)) * KEPT_PAGES;
  const file = kernel.files.create(OLD_FILE, { size: filePages * 4096 });
  let index = 0;
  let chance = 0x2545f491;
  blocks.forEach((block, i) => {
    const isKernels = i % KERNEL_SHARE === KERNEL_SHARE - 1;
    if (isKernels) allocator.setBlockType(block, MIGRATE_UNMOVABLE);
    for (let part = 0; part < KEPT_PAGES; part++) {
      chance ^= chance << 13;
      chance ^= chance >>> 17;
      chance ^= chance << 5;
      const span = PAGEBLOCK_PAGES / KEPT_PAGES;
      const kept = pfn(block + part * span + ((chance >>> 0) % span));
      for (let page = block + part * span; page < block + (part + 1) * span; page++)
        if (page !== kept) allocator.release(pfn(page), 0);
      if (isKernels) kernel.table.flags[kept] = PG_RESERVED | PG_UPTODATE;
      else keepCached(kernel, kept, () => kernel.files.cache.enter(undefined, file, index++, kept, 0));
    }
  });
  kernel.lru.drain();
}

/** Whole pageblocks out of the allocator, as many as there are of those asked for. */
function takeBlocks({ allocator }: Kernel, count: number): Pfn[] {
  const blocks: Pfn[] = [];
  for (let i = 0; i < count; i++) {
    const block = allocator.allocate(PAGEBLOCK_ORDER, MIGRATE_MOVABLE);
    if (block < 0) break;
    blocks.push(block as Pfn);
  }
  // What was taken is given back in a moment: nobody is short of memory.
  allocator.pressure = NO_PRESSURE;
  return blocks;
}

/** A clean page of a file that nobody pays for. */
function keepCached({ table }: Kernel, frame: Pfn, enter: () => void): void {
  table.flags[frame] = PG_UPTODATE;
  table.mapcount[frame] = 0;
  table.memcg[frame] = 0;
  enter();
}
