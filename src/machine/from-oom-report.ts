/**
 * A machine in the state that an OOM report shows: the processes of its table with as many resident pages, swap entries and
 * page tables, the group with its limit, the files in the cache, and as much free as it says. Everything is real: frames,
 * tables, charges; the killer runs on it as on any other machine.
 */
import { PAGE_SIZE, pfn, vpn } from '../hardware/units.ts';
import type { MemCgroup } from '../kernel/cgroup/mem-cgroup.ts';
import { PG_RESERVED } from '../kernel/frames/frame-table.ts';
import { MAX_ORDER, MIGRATE_UNMOVABLE } from '../kernel/frames/zone.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Task } from '../kernel/process/process.ts';
import { O_RDWR } from '../kernel/uapi.ts';
import { Machine } from './machine.ts';
import { type ReportedTask, TaskLoader } from './oom-report-task.ts';

export type { ReportedTask } from './oom-report-task.ts';

/** What an OOM report says, in pages. */
export interface ReportedState {
  /** RAM that the kernel manages. */
  readonly ramPages: number;
  readonly swapPages: number;
  readonly freePages: number | undefined;
  /** The sum of the zones' minimum marks. */
  readonly minPages: number | undefined;
  /** Pages of files in the cache, shared memory left out. */
  readonly cachePages: number;
  /** In the order of the table. */
  readonly tasks: readonly ReportedTask[];
  readonly group: ReportedGroup | undefined;
}

export interface ReportedGroup {
  readonly path: string;
  readonly version: 1 | 2;
  readonly usagePages: number;
  readonly limitPages: number;
  /** Memory and swap together in version 1, swap in version 2; Infinity for no limit. */
  readonly secondLimitPages: number;
}

export interface RebuiltMachine {
  readonly machine: Machine;
  readonly group: MemCgroup | undefined;
  /** By pid. */
  readonly tasks: ReadonlyMap<number, Task>;
  /** What the report cannot tell, so that the machine may differ from the real one in it. */
  readonly unknown: readonly string[];
}

/** A frame table larger than this would need gigabytes. */
const MOST_RAM_PAGES = 2 ** 25;
/** Nothing is reclaimed while the state is put together: the marks are as low as they can be. */
const QUIET = { 'vm.min_free_kbytes': 1, 'vm.watermark_scale_factor': 1 };
const SCALE_FACTOR = 10;

const ALWAYS_UNKNOWN = [
  'which pages processes share: files and shared memory are shared as much as possible here, anonymous memory not at all',
  'which pages were used of late: all are new here',
  'where zones end: they are those of a machine with this much memory',
  'what the kernel itself holds: one block for all of it',
];

/**
 * @throws RangeError for a machine of more than 128 GiB, or a state that does not fit into its own memory
 */
export function machineFromOomReport(state: ReportedState): RebuiltMachine {
  if (state.ramPages > MOST_RAM_PAGES) throw new RangeError(`${state.ramPages} pages of RAM are more than 128 GiB`);
  const machine = new Machine({
    memory: state.ramPages * PAGE_SIZE,
    // The first page of a swap area is its header.
    swap: state.swapPages === 0 ? 0 : (state.swapPages + 1) * PAGE_SIZE,
    cgroups: state.group?.version ?? 2,
    transparentHugePages: 'never',
    sysctls: { 'vm.overcommit_memory': 1, 'vm.max_map_count': 2 ** 31 - 1, ...QUIET },
  });
  const { kernel } = machine;
  const group = state.group === undefined ? undefined : groupAt(kernel, state.group.path);
  const loader = new TaskLoader(machine, group?.id ?? 0);
  for (const task of state.tasks) loader.load(task);
  // Nobody runs: what is made from now on is charged to no group of the report.
  kernel.current = undefined;
  fillCache(kernel, state.cachePages - loader.filePages);
  if (group !== undefined && state.group !== undefined) limit(kernel, group, state.group);
  if (state.freePages !== undefined) keep(kernel, kernel.allocator.free - state.freePages);
  kernel.sysctl('vm.watermark_scale_factor', SCALE_FACTOR);
  kernel.sysctl('vm.min_free_kbytes', Math.floor(((state.minPages ?? 0) * PAGE_SIZE) / 1024));
  return { machine, group, tasks: loader.tasks, unknown: [...ALWAYS_UNKNOWN, ...loader.unknown] };
}

/** The group of this path, made with all above it. */
function groupAt({ cgroups }: Kernel, path: string): MemCgroup {
  let group = cgroups.root;
  for (const name of path.split('/').filter((part) => part !== '')) {
    const known = group.children.find((child) => child.name === name);
    const next = known ?? cgroups.create(name, group);
    if (next === undefined) throw new RangeError(`the path ${path} has too many groups`);
    group = next;
  }
  return group;
}

/** What the group used beside its processes' pages is charged as the kernel's own objects; then its limits hold. */
function limit({ cgroups }: Kernel, group: MemCgroup, reported: ReportedGroup): void {
  cgroups.drainStocks(group);
  const rest = reported.usagePages - group.memory.usage;
  if (rest > 0) {
    group.memory.charge(rest);
    group.kmem.charge(rest);
    group.objectPages += rest;
    if (reported.version === 1) group.memsw.charge(rest);
  }
  group.memory.max = reported.limitPages;
  group[reported.version === 1 ? 'memsw' : 'swap'].max = reported.secondLimitPages;
}

/** Files that nobody maps, as far as there is room. */
function fillCache({ files, allocator }: Kernel, pages: number): void {
  if (pages <= 0) return;
  const inode = files.create('/cached', { size: pages * PAGE_SIZE });
  for (let index = 0; index < Math.min(pages, allocator.free); index++) {
    const frame = files.cache.add(undefined, inode, index);
    if (frame >= 0) files.cache.setUptodate(pfn(frame));
  }
  files.openInode(inode, O_RDWR);
}

/** Frames that the kernel holds for itself and that no counter shows. */
function keep({ allocator, table }: Kernel, pages: number): void {
  for (let left = pages, order = MAX_ORDER; left > 0 && order >= 0; ) {
    const frame = 1 << order > left ? -1 : allocator.allocate(order, MIGRATE_UNMOVABLE);
    if (frame < 0) {
      order--;
      continue;
    }
    for (let i = 0; i < 1 << order; i++) table.flags[vpn(frame + i)] = PG_RESERVED;
    left -= 1 << order;
  }
}
