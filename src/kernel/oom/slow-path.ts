/**
 * An allocation that finds no zone above its minimum: reclaim again and again, and when that brings nothing, the OOM killer
 * (__alloc_pages_slowpath, should_reclaim_retry and __alloc_pages_may_oom in mm/page_alloc.c).
 */
import type { PageCore } from '../core.ts';
import { watermarkOk } from '../frames/watermarks.ts';
import type { Zone } from '../frames/zone.ts';
import { countFrames } from '../proc/frame-counts.ts';
import type { Task } from '../process/process.ts';
import { OOM_RECLAIM_RETRY_ZONE } from '../tracepoints.ts';
import type { AllocationPoint } from './oom-control.ts';

/** Rounds of reclaim without a page after which it is hopeless (MAX_RECLAIM_RETRIES). */
const MAX_RECLAIM_RETRIES = 16;

/** What the slow path asks of reclaim and of the killer. */
export interface SlowPathNeeds {
  /** Direct reclaim. @returns pages freed */
  reclaim(): number;
  /** Sees to it that somebody gives memory back, or throws KernelPanic. */
  outOfMemory(task: Task, point: AllocationPoint): void;
}

/**
 * Makes room until a zone stands above its minimum, whatever that takes. Afterwards the task may be dead.
 * @throws KernelPanic when nobody is left who could be killed
 */
export function allocSlowPath(core: PageCore, needs: SlowPathNeeds, task: Task, point: AllocationPoint): void {
  let noProgress = 0;
  while (!aboveMark(core, 'min')) {
    const freed = needs.reclaim();
    if (aboveMark(core, 'min')) return;
    noProgress = freed > 0 ? 0 : noProgress + 1;
    if (shouldReclaimRetry(core, noProgress)) continue;
    // Somebody may have freed memory meanwhile: only below the high mark it is certain that it is short.
    if (aboveMark(core, 'high')) return;
    needs.outOfMemory(task, point);
    if (task.process.ending !== undefined) return;
    noProgress = 0;
  }
}

function aboveMark({ allocator }: PageCore, mark: 'min' | 'high'): boolean {
  const { zones } = allocator;
  return zones.some((zone) => watermarkOk(zone, 0, zone[mark], zones.length - 1));
}

/** Whether reclaim could still help: some zone would stand above its minimum if all that is reclaimable were freed. */
function shouldReclaimRetry(core: PageCore, noProgress: number): boolean {
  if (noProgress > MAX_RECLAIM_RETRIES) return false;
  const { zones } = core.allocator;
  for (let index = zones.length - 1; index >= 0; index--) {
    const zone = zones[index] as Zone;
    const reclaimable = reclaimablePages(core, zone);
    const available = reclaimable + zone.free;
    const enough = available > zone.min + (zone.lowmemReserve[zones.length - 1] as number);
    const { trace } = core;
    if (trace.on)
      trace.emit(
        OOM_RECLAIM_RETRY_ZONE,
        trace.pid,
        index,
        reclaimable,
        available,
        zone.min,
        noProgress,
        Number(enough),
      );
    if (enough) return true;
  }
  return false;
}

/** zone_reclaimable_pages: of files always, anonymous ones while there is swap. */
function reclaimablePages({ table, swap }: PageCore, zone: Zone): number {
  const counts = countFrames(table, zone.start, zone.end);
  const anonymous = swap.free > 0 ? counts.activeAnon + counts.inactiveAnon : 0;
  return counts.activeFile + counts.inactiveFile + anonymous;
}
