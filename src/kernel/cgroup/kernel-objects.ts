/**
 * The kernel's own small objects that a memory cgroup pays for (obj_cgroup_charge in mm/memcontrol.c). They are paid by the
 * byte out of a page that was charged for them: what is left of it serves the next ones.
 */
import type { Vma } from '../address-space/vma.ts';
import type { File } from '../page-cache/file.ts';
import type { Process, Task } from '../process/process.ts';
import type { Slab } from '../slab/slab.ts';
import type { MemCgroup } from './mem-cgroup.ts';
import type { MemCgroups } from './mem-cgroups.ts';

const PAGE = 4096;
/** Each object's own size and the pointer to its payer (obj_full_size). */
const OWNER_BYTES = 8;

/** struct xa_node: a node of a file's page index, as 6.18's /proc/slabinfo has it. */
export const RADIX_NODE_BYTES: number = 584 + OWNER_BYTES;

/** struct buffer_head: one for a page that is written, where a block is a page. */
const BUFFER_HEAD_BYTES = 104 + OWNER_BYTES;

/** struct file. */
const FILE_BYTES = 192 + OWNER_BYTES;

/** struct vm_area_struct. */
const VMA_BYTES = 192 + OWNER_BYTES;

/**
 * struct mem_cgroup and its nodes, and its counters for each CPU: the parent pays for a group (mem_cgroup_alloc), as
 * memory.stat of 6.18.15 shows it.
 */
const CGROUP_BYTES = 3188;
export const CGROUP_PERCPU_BYTES = 4848;

/** THREAD_SIZE, and task_struct, mm_struct, signal and descriptor tables together, measured in memory.current of 6.18. */
export const KERNEL_STACK_BYTES = 16384;
const PROCESS_BYTES = 15000;
/** Its counters of resident pages, on each CPU. */
export const PROCESS_PERCPU_BYTES = 48;

/** Charges an object to a group; it may reclaim, and the charge is made even when that does not help. */
export function chargeObject(
  cgroups: MemCgroups,
  id: number,
  bytes: number,
  task: Task | undefined,
  mayReclaim: 'light' | false = 'light',
): void {
  if (id === 0 || !cgroups.kernelMemory) return;
  const group = cgroups.get(id);
  takeStock(cgroups, id);
  if (group.objectBytes >= bytes) {
    group.objectBytes -= bytes;
    return;
  }
  const pages = Math.ceil(bytes / PAGE);
  cgroups.charge(id, pages, task, mayReclaim);
  group.kmem.charge(pages);
  group.objectPages += pages;
  group.objectBytes += pages * PAGE - bytes;
}

/** The object is free; whole pages that no object needs any more are given back. */
export function unchargeObject(cgroups: MemCgroups, id: number, bytes: number): void {
  if (id === 0 || !cgroups.kernelMemory) return;
  const group = cgroups.get(id);
  takeStock(cgroups, id);
  group.objectBytes += bytes;
  if (group.objectBytes > PAGE || group.dying) giveBackPages(cgroups, group);
}

/** Bytes are kept at hand for one payer; of another one's, whole pages are given back (drain_obj_stock). */
function takeStock(cgroups: MemCgroups, id: number): void {
  if (cgroups.objectPayer === id) return;
  const other = cgroups.get(cgroups.objectPayer);
  if (other.objectBytes >= PAGE) giveBackPages(cgroups, other);
  cgroups.objectPayer = id;
}

/** The bytes that are kept at hand for a group, or one below it, are no longer (obj_stock_flush_required). */
export function drainObjects(cgroups: MemCgroups, group: MemCgroup): void {
  const payer = cgroups.get(cgroups.objectPayer);
  for (let at: MemCgroup | undefined = payer; at !== undefined; at = at.parent) {
    if (at !== group) continue;
    cgroups.objectPayer = 0;
    if (payer.objectBytes >= PAGE) giveBackPages(cgroups, payer);
    return;
  }
}

/** Whole pages that no object of a group needs. */
export function giveBackPages(cgroups: MemCgroups, group: MemCgroup): void {
  const pages = Math.floor(group.objectBytes / PAGE);
  if (pages === 0) return;
  group.objectBytes -= pages * PAGE;
  group.objectPages -= pages;
  group.kmem.uncharge(pages);
  cgroups.unchargePages(group.id, pages);
}

/** A mapping is made or goes: the cgroup of the task that made it pays for its description (vm_area_alloc). */
export function payForVma(core: Payers, vma: Vma, isNew: boolean): void {
  if (isNew) {
    vma.payer = core.current?.mm.memcg ?? 0;
    core.slab.vmas.allocate();
    chargeObject(core.cgroups, vma.payer, VMA_BYTES, core.current);
  } else {
    core.slab.vmas.free();
    unchargeObject(core.cgroups, vma.payer, VMA_BYTES);
  }
}

/** A group is made or freed below another one, which pays for it. */
export function payForGroup(cgroups: MemCgroups, parent: number, cpus: number, isNew: boolean): void {
  const bytes = CGROUP_BYTES + cpus * CGROUP_PERCPU_BYTES;
  if (isNew) chargeObject(cgroups, parent, bytes, undefined);
  else unchargeObject(cgroups, parent, bytes);
}

/** A file is opened or closed: the cgroup of who opened it pays (alloc_empty_file). */
export function payForFile(core: Payers, file: File, isNew: boolean): void {
  if (isNew) {
    file.payer = core.current?.mm.memcg ?? 0;
    chargeObject(core.cgroups, file.payer, FILE_BYTES, core.current);
  } else unchargeObject(core.cgroups, file.payer, FILE_BYTES);
}

/** A process is made or has ended: the group of who made it pays for its stack and what describes it (copy_process). */
export function payForProcess(core: Payers, process: Process, isNew: boolean): void {
  if (isNew) process.payer = core.current?.mm.memcg ?? 0;
  if (process.payer === 0) return;
  core.cgroups.get(process.payer).kernelStacks += isNew ? 1 : -1;
  const bytes = KERNEL_STACK_BYTES + PROCESS_BYTES;
  if (isNew) chargeObject(core.cgroups, process.payer, bytes, core.current);
  else unchargeObject(core.cgroups, process.payer, bytes);
}

/** Pages of a group get descriptions of their blocks before they are written to, or lose them (alloc_buffer_head). */
export function payForBuffers(core: Payers, payer: number, pages: number, isNew: boolean): void {
  const bytes = pages * BUFFER_HEAD_BYTES;
  if (isNew) chargeObject(core.cgroups, payer, bytes, core.current, false);
  else unchargeObject(core.cgroups, payer, bytes);
}

/** Who runs, and who pays. */
interface Payers {
  readonly cgroups: MemCgroups;
  readonly current: Task | undefined;
  readonly slab: Slab;
}
