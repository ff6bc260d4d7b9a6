import type { PageCore } from '../core.ts';
import type { Task } from '../process/process.ts';

/**
 * The machine has no frame left and nothing that could be reclaimed. A fact of the run, not a
 * defect: whoever drives the machine tells its user.
 */
export class OutOfMemory extends Error {
  override name = 'OutOfMemory';

  /** @param kilobytes what the machine has (MemTotal) */
  constructor(kilobytes: number, comm: string, pid: number) {
    super(
      `the machine's ${Math.round(kilobytes / 1024)} MiB of memory are used up (by ${comm}, process ${pid}), nothing in it can be ` +
        'reclaimed, and this version kills nobody for it outside a cgroup: give it more with --memory',
    );
  }
}

/** The error for a task that needs a frame. */
export const outOfMemory = (core: PageCore, task: Task): OutOfMemory =>
  new OutOfMemory(core.allocator.managed * 4, task.process.comm, task.process.pid);
