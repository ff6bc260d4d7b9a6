/** A control group with a limit of memory, as systemd and container engines make one, in either version. */
import type { MemCgroup } from '../kernel/cgroup/mem-cgroup.ts';
import type { LinuxBox } from './linux-box.ts';

/** Limits in bytes; undefined is none. */
export interface GroupLimits {
  readonly memory: number | undefined;
  /** Swap alone, beside the memory. */
  readonly swap: number | undefined;
  readonly high?: number | undefined;
}

const SLICE = 'system.slice';

/** Makes system.slice/NAME with these limits. @returns the group, or a negated errno */
export function limitedGroup(box: LinuxBox, name: string, limits: GroupLimits): MemCgroup | number {
  const { cgroupTree, cgroups } = box.machine.kernel;
  const slice = cgroupTree.find(`/${SLICE}`) ?? cgroupTree.mkdir(SLICE, cgroups.root);
  if (typeof slice === 'number') return slice;
  if (cgroups.version === 2) cgroupTree.write(slice, 'cgroup.subtree_control', '+memory');
  const group = cgroupTree.mkdir(name, slice);
  if (typeof group === 'number') return group;
  for (const [file, value] of cgroups.version === 2 ? version2(limits) : version1(limits)) {
    const error = cgroupTree.write(group, file, String(value));
    if (error < 0) return error;
  }
  return group;
}

const given = (files: [file: string, value: number | undefined][]) => files.filter(([, value]) => value !== undefined);

const version2 = ({ memory, swap, high }: GroupLimits) =>
  given([
    ['memory.max', memory],
    ['memory.high', high],
    ['memory.swap.max', swap],
  ]);

/** Version 1 limits memory and swap together, and has no throttling. */
const version1 = ({ memory, swap }: GroupLimits) =>
  given([
    ['memory.limit_in_bytes', memory],
    ['memory.memsw.limit_in_bytes', memory === undefined || swap === undefined ? undefined : memory + swap],
  ]);
