/**
 * The kernel's own small objects that a memory cgroup pays for (obj_cgroup_charge in mm/memcontrol.c). They are paid by the
 * byte out of a page that was charged for them: what is left of it serves the next ones.
 */
import type { Vma } from '../address-space/vma.ts';
import type { Task } from '../process/process.ts';
import type { MemCgroups } from './mem-cgroups.ts';

const PAGE = 4096;
/** Each object's own size and the pointer to its payer (obj_full_size). */
const OWNER_BYTES = 8;

/** struct xa_node: a node of a file's page index, as 6.18's /proc/slabinfo has it. */
export const RADIX_NODE_BYTES: number = 584 + OWNER_BYTES;

/** struct vm_area_struct. */
const VMA_BYTES = 192 + OWNER_BYTES;

/** Charges an object to a group; it may reclaim, and the charge is made even when that does not help. */
export function chargeObject(cgroups: MemCgroups, id: number, bytes: number, task: Task | undefined): void {
  if (id === 0) return;
  const group = cgroups.get(id);
  if (group.objectBytes >= bytes) {
    group.objectBytes -= bytes;
    return;
  }
  const pages = Math.ceil(bytes / PAGE);
  cgroups.charge(id, pages, task, 'light');
  group.kmem.charge(pages);
  group.objectPages += pages;
  group.objectBytes += pages * PAGE - bytes;
}

/** The object is free; whole pages that no object needs any more are given back. */
export function unchargeObject(cgroups: MemCgroups, id: number, bytes: number): void {
  if (id === 0) return;
  const group = cgroups.get(id);
  group.objectBytes += bytes;
  if (group.objectBytes <= PAGE) return;
  const pages = Math.floor(group.objectBytes / PAGE);
  group.objectBytes -= pages * PAGE;
  group.objectPages -= pages;
  group.kmem.uncharge(pages);
  cgroups.unchargePages(id, pages);
}

/** A mapping is made or goes: the cgroup of the task that made it pays for its description (vm_area_alloc). */
export function payForVma(core: Payers, vma: Vma, isNew: boolean): void {
  if (isNew) {
    vma.payer = core.current?.mm.memcg ?? 0;
    chargeObject(core.cgroups, vma.payer, VMA_BYTES, core.current);
  } else unchargeObject(core.cgroups, vma.payer, VMA_BYTES);
}

/** Who runs, and who pays. */
interface Payers {
  readonly cgroups: MemCgroups;
  readonly current: Task | undefined;
}
