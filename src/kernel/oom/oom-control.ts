/** One call of the OOM killer (struct oom_control in include/linux/oom.h). */
import type { MemCgroup } from '../cgroup/mem-cgroup.ts';
import type { PageCore } from '../core.ts';
import type { Ending, Process, Task } from '../process/process.ts';

/** enum oom_constraint: on a machine of one node without cpusets, a cgroup's limit or none. */
export const CONSTRAINT_NONE = 'CONSTRAINT_NONE';
export const CONSTRAINT_MEMCG = 'CONSTRAINT_MEMCG';
export type OomConstraint = typeof CONSTRAINT_NONE | typeof CONSTRAINT_MEMCG;

/** From where memory is asked for; the report's call trace names the functions of that way. */
export type AllocationPoint = 'fault' | 'populate' | 'read' | 'write' | 'fork';

/** Requests for pages of programs (GFP_HIGHUSER_MOVABLE, with __GFP_ZERO or not) and for page tables; what a charge to a cgroup asks for. */
const GFP_ANONYMOUS = 0x140dca;
const GFP_PAGE_CACHE = 0x140cca;
const GFP_PGTABLE_USER = 0x440dc0;
const GFP_KERNEL = 0xcc0;

const MASKS: Readonly<Record<AllocationPoint, number>> = {
  fault: GFP_ANONYMOUS,
  populate: GFP_ANONYMOUS,
  read: GFP_PAGE_CACHE,
  write: GFP_PAGE_CACHE,
  fork: GFP_PGTABLE_USER,
};

export interface OomControl {
  /** The group at its limit; undefined when the machine has no memory. */
  readonly group: MemCgroup | undefined;
  readonly constraint: OomConstraint;
  readonly gfpMask: number;
  readonly order: number;
  /** What the scores refer to, in pages: what the group, or everybody together, may use. */
  readonly totalPages: number;
  readonly point: AllocationPoint;
  /** Who asked; undefined when it was the kernel itself, for a limit that was lowered. */
  readonly task: Task | undefined;
}

/** What the killer works with. */
export interface OomNeeds {
  readonly core: PageCore;
  /** Living processes in the order of their birth. */
  processes(): Iterable<Process>;
  exit(process: Process, ending: Ending): void;
  /** A line of the kernel's log. */
  log(line: string): void;
  /** kswapd has found nothing to reclaim 16 times. */
  kswapdGaveUp(): boolean;
}

/** The call for a group at its limit (mem_cgroup_out_of_memory). */
export function groupControl(
  core: PageCore,
  group: MemCgroup,
  task: Task | undefined,
  point: AllocationPoint,
): OomControl {
  return {
    group,
    constraint: CONSTRAINT_MEMCG,
    gfpMask: GFP_KERNEL,
    order: 0,
    totalPages: Math.max(1, groupTotal(core, group)),
    point,
    task,
  };
}

/** What a group may use, in pages: its limit, and swap unless its swappiness is 0 (mem_cgroup_get_max). */
function groupTotal({ cgroups, swap }: PageCore, group: MemCgroup): number {
  const limit = Number.isFinite(group.memory.max) ? group.memory.max : 0;
  if (group.swappiness === 0) return limit;
  const most = cgroups.version === 2 ? group.swap.max : group.memsw.max - limit;
  return limit + Math.min(most, swap.total);
}

/** The call for the whole machine (constrained_alloc without a constraint). */
export function globalControl(core: PageCore, task: Task, point: AllocationPoint): OomControl {
  return {
    group: undefined,
    constraint: CONSTRAINT_NONE,
    gfpMask: MASKS[point],
    order: 0,
    totalPages: core.allocator.managed + core.swap.total,
    point,
    task,
  };
}
