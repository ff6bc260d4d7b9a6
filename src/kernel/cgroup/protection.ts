/** memory.min and memory.low: what reclaim must leave to a group (mm/page_counter.c, mm/vmscan.c). */
import type { MemCgroup } from './mem-cgroup.ts';

/** SWAP_CLUSTER_MAX. */
const LEAST_PAGES = 32;

/**
 * Computes what of a group's protection holds against a reclaim of `root` (page_counter_calculate_protection). Groups are
 * visited from the root of the reclaim downwards, so the parent's numbers are there. The root itself has no protection.
 */
export function calculateProtection(root: MemCgroup, group: MemCgroup): void {
  const { memory, parent } = group;
  if (group === root || parent === undefined || memory.usage === 0) return;
  if (parent === root) {
    memory.emin = memory.min;
    memory.elow = memory.low;
    return;
  }
  const { usage } = memory;
  const parentUsage = parent.memory.usage;
  memory.emin = effective(usage, parentUsage, memory.min, parent.memory.emin, parent.memory.childrenMin);
  memory.elow = effective(usage, parentUsage, memory.low, parent.memory.elow, parent.memory.childrenLow);
}

/**
 * effective_protection: where siblings claim more than their parent has, each gets its share; what they leave goes to who
 * uses more than he asked for (mount option memory_recursiveprot).
 * @param siblings what all children of the parent claim together
 */
function effective(usage: number, parentUsage: number, setting: number, parentEffective: number, siblings: number) {
  const claimed = Math.min(usage, setting);
  if (siblings > parentEffective) return Math.floor((claimed * parentEffective) / siblings);
  if (parentEffective <= siblings || parentUsage <= siblings || usage <= claimed) return claimed;
  const unclaimed = parentEffective - siblings;
  return claimed + Math.floor((unclaimed * (usage - claimed)) / (parentUsage - siblings));
}

/** All of it is out of reach (mem_cgroup_below_min). An empty group is, too. */
export const isBelowMin = (root: MemCgroup, group: MemCgroup): boolean =>
  isProtected(root, group) && group.memory.emin >= group.memory.usage;

/** All of it is out of reach as long as others have something (mem_cgroup_below_low). */
export const isBelowLow = (root: MemCgroup, group: MemCgroup): boolean =>
  isProtected(root, group) && group.memory.elow >= group.memory.usage;

const isProtected = (root: MemCgroup, group: MemCgroup): boolean => group !== root && group.parent !== undefined;

/** Whether anything of a group is out of reach of a reclaim of `root`. */
export const hasProtection = (root: MemCgroup, group: MemCgroup): boolean =>
  isProtected(root, group) && (group.memory.emin !== 0 || group.memory.elow !== 0);

/** How far a reclaim goes (struct scan_control). */
interface LowReclaim {
  readonly memcgLowReclaim: boolean;
  memcgLowSkipped: boolean;
}

/**
 * Of a list's pages those that reclaim may look at: in proportion to what lies above the protection (get_scan_count), 32 at
 * least. Notes whether a reclaim that breaches memory.low would see more.
 */
export function unprotected(group: MemCgroup, size: number, low: LowReclaim): number {
  const { emin, elow, usage } = group.memory;
  let protection = emin;
  if (!low.memcgLowReclaim && elow > emin) {
    protection = elow;
    low.memcgLowSkipped = true;
  }
  return Math.max(size - Math.floor((size * protection) / (Math.max(usage, protection) + 1)), LEAST_PAGES);
}
