import { PAGE_SIZE, pfn } from '../../hardware/units.ts';
import type { Inode } from './inode.ts';
import type { PageCache } from './page-cache.ts';
import type { Workingset } from './workingset.ts';

/** What cachestat(2) counts, in pages. */
export interface CacheStat {
  readonly cache: number;
  readonly dirty: number;
  readonly writeback: number;
  readonly evicted: number;
  readonly recentlyEvicted: number;
}

/**
 * Counts the pages of a byte range of a file that are cached, dirty, under write-back, or were evicted by reclaim (filemap_cachestat).
 * @param length 0 for all that follows
 */
export function cacheStat(
  cache: PageCache,
  workingset: Workingset,
  inode: Inode,
  offset: number,
  length: number,
): CacheStat {
  const first = Math.floor(offset / PAGE_SIZE);
  const last = length === 0 ? 0x7fffffff : Math.floor((offset + length - 1) / PAGE_SIZE);
  let present = 0;
  let dirty = 0;
  let writeback = 0;
  let evicted = 0;
  let recentlyEvicted = 0;
  const count = (_index: number, entry: number): void => {
    if (entry > 0) {
      present++;
      // Memory files are never written back: nobody keeps their dirty tag (noop_dirty_folio).
      if (inode.kind === 'file' && cache.isDirty(pfn(entry))) dirty++;
      if (cache.isWriteback(pfn(entry))) writeback++;
    } else {
      evicted++;
      const shadow = inode.kind === 'file' ? entry : cache.shadowInSwap(entry);
      if (shadow !== 0 && workingset.isRecent(shadow, inode.kind === 'file')) recentlyEvicted++;
    }
  };
  inode.pages.forEach(first, last, count, true);
  return { cache: present, dirty, writeback, evicted, recentlyEvicted };
}
