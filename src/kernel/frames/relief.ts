/** What makes up for pages that were taken when memory was short: kswapd, reclaim by who took them, the OOM killer. */
import type { PageCore } from '../core.ts';
import type { AllocationPoint } from '../oom/oom-control.ts';
import { allocSlowPath } from '../oom/slow-path.ts';
import type { Task } from '../process/process.ts';
import type { Reclaim } from '../reclaim/reclaim.ts';
import { BELOW_LOW, BELOW_MIN, NO_PRESSURE } from './allocator.ts';

export interface ReliefNeeds {
  readonly reclaim: Reclaim;
  /** Kills somebody for the whole machine (out_of_memory). */
  outOfMemory(task: Task, point: AllocationPoint): void;
}

/**
 * A page was taken although no zone stood above its low mark, by somebody who has no other in his hands: kswapd, and below
 * the minimum the task itself, make up for it. What cannot be had is left to `relieve`.
 */
export function refill({ allocator }: PageCore, reclaim: Reclaim): void {
  reclaim.kswapd();
  if (allocator.pressure < BELOW_MIN) return;
  if (!reclaim.isAboveMin) reclaim.direct();
  if (reclaim.isAboveMin) allocator.pressure = BELOW_LOW;
}

/** PageCore.relieve: kswapd when memory is low, the task's own reclaim when it is below the minimum, then the killer. */
export function relieve(core: PageCore, needs: ReliefNeeds, task: Task, point: AllocationPoint): boolean {
  const { allocator } = core;
  const { reclaim } = needs;
  const worst = allocator.pressure;
  allocator.pressure = NO_PRESSURE;
  core.cgroups.settle(task, point);
  reclaim.kswapd();
  if (worst >= BELOW_MIN && task.process.ending === undefined) {
    const slowPath = {
      reclaim: () => reclaim.direct(),
      outOfMemory: (who: Task, where: AllocationPoint) => needs.outOfMemory(who, where),
    };
    allocSlowPath(core, slowPath, task, point);
  }
  return task.process.ending === undefined;
}
