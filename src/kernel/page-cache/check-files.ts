/** What must hold of the cache between two operations: a part of kernel/invariants.ts. */
import { pfn } from '../../hardware/units.ts';
import { PG_DIRTY, PG_WRITEBACK } from '../frames/frame-table.ts';
import { NR_DIRTY, type VmStat } from '../vmstat.ts';
import type { FileStore } from './file-store.ts';

/**
 * Dirty pages of files and pages under write-back agree with a recount, and each of the latter is part of a request that a
 * disk has. Adds a sentence for each violation.
 */
export function checkFiles(files: FileStore, vmstat: VmStat, flags: Int32Array, wrong: string[]): void {
  const { cache, writeBack } = files;
  const inFlight = new Set<number>();
  for (const { inode, first, end } of writeBack.inFlight.requests)
    for (let index = first; index < end; index++) inFlight.add(inode.pages.get(index));
  let allDirty = 0;
  for (const inode of files.inodes) {
    let dirty = 0;
    inode.pages.forEach(0, 0x7fffffff, (index, entry) => {
      const frame = pfn(entry);
      const flag = flags[frame] as number;
      if (inode.kind === 'file' && flag & PG_DIRTY) dirty++;
      if ((flag & PG_WRITEBACK) !== 0 && inode.kind === 'file' && !inFlight.has(frame))
        wrong.push(`page ${index} of ${inode.name} is under write-back, and no disk has it`);
      if ((flag & PG_WRITEBACK) === 0 && inFlight.has(frame))
        wrong.push(`page ${index} of ${inode.name} is with a disk, and not under write-back`);
    });
    if (dirty !== inode.dirtyPages) wrong.push(`${inode.name}: ${inode.dirtyPages} dirty pages, recounted ${dirty}`);
    if (dirty > 0 !== cache.dirtyInodes.has(inode))
      wrong.push(`${inode.name}: ${dirty} dirty pages, and so is its list`);
    allDirty += dirty;
  }
  if (vmstat.value(NR_DIRTY) !== allDirty) wrong.push(`nr_dirty ${vmstat.value(NR_DIRTY)}, recounted ${allDirty}`);
}
