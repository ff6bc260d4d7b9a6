import { PAGE_SIZE } from '../../hardware/units.ts';
import { MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES, type Mm } from '../address-space/mm.ts';
import type { PageCore } from '../core.ts';
import { KMEM_RSS_STAT } from '../tracepoints.ts';

/** Which counter of `Mm.rss` a frame belongs to (mm_counter). */
export function rssCounter(core: PageCore, frame: number): number {
  if ((core.table.mapping[frame] as number) < 0) return MM_ANONPAGES;
  return core.rmap.isShmem(frame as never) ? MM_SHMEMPAGES : MM_FILEPAGES;
}

/** percpu_counter_batch of a machine with up to 16 processors. */
const COUNTER_BATCH = 32;

/** Adds to a resident-set counter and keeps the high-water mark (add_mm_counter, update_hiwater_rss). */
export function addRss({ trace }: PageCore, mm: Mm, counter: number, pages: number): void {
  const now = (mm.rss[counter] as number) + pages;
  mm.rss[counter] = now;
  if (Math.abs(now - (mm.rssRead[counter] as number)) >= COUNTER_BATCH) mm.rssRead[counter] = now;
  if (trace.on)
    trace.emit(
      KMEM_RSS_STAT,
      trace.pid,
      mm.id,
      mm.id === trace.mm ? 1 : 0,
      counter,
      (mm.rss[counter] as number) * PAGE_SIZE,
    );
  if (pages > 0 && mm.rssPages > mm.hiwaterRss) mm.hiwaterRss = mm.rssPages;
}
