/** The files that every group of version 2 has, whatever its controllers (cgroup_base_files in kernel/cgroup/cgroup.c). */
import type { PageCore } from '../core.ts';
import { EBUSY, EINVAL, ERANGE } from '../errno.ts';
import type { MemCgroup } from './mem-cgroup.ts';
import type { WriteNeeds } from './v2-limits.ts';

/** What reading and writing the files of a group ask for. */
export interface CgroupFileNeeds extends WriteNeeds {
  readonly core: PageCore;
  /** memory.pressure of a group. */
  pressure(group: MemCgroup): string;
  /** Process ids of a group alone, in order. */
  processes(group: MemCgroup): number[];
  /** SIGKILL to a process. */
  kill(pid: number): void;
}

export interface CgroupFile {
  /** @returns the text */
  readonly read?: (group: MemCgroup, needs: CgroupFileNeeds) => string;
  /** @returns 0 or a negated errno */
  readonly write?: (group: MemCgroup, text: string, needs: CgroupFileNeeds) => number;
  /** The root has it as well. */
  readonly inRoot?: boolean;
}

export const CORE_FILES: Readonly<Record<string, CgroupFile>> = {
  'cgroup.procs': {
    read: (group, { processes }) =>
      processes(group)
        .map((pid) => `${pid}\n`)
        .join(''),
    inRoot: true,
  },
  'cgroup.events': {
    read: (group, { processes }) => {
      const populated = [...group.subtree()].some((member) => processes(member).length > 0);
      return `populated ${Number(populated)}\nfrozen 0\n`;
    },
  },
  'cgroup.controllers': { read: () => 'memory\n', inRoot: true },
  'cgroup.subtree_control': {
    read: ({ subtreeControl }) => (subtreeControl ? 'memory\n' : '\n'),
    write: setSubtreeControl,
    inRoot: true,
  },
  'cgroup.kill': { write: killAll },
  'cgroup.stat': { read: statText, inRoot: true },
  'cgroup.type': { read: () => 'domain\n' },
};

/** cgroup_subtree_control_write: `+memory` for the children, unless processes live here (no internal processes). */
function setSubtreeControl(group: MemCgroup, text: string, { processes }: CgroupFileNeeds): number {
  let wanted = group.subtreeControl;
  for (const word of text.split(' ').filter((part) => part !== '')) {
    if (!/^[+-]memory$/.test(word)) return -EINVAL;
    wanted = word.startsWith('+');
  }
  if (wanted && group.parent !== undefined && processes(group).length > 0) return -EBUSY;
  if (!wanted && group.children.some(({ dying, subtreeControl }) => !dying && subtreeControl)) return -EBUSY;
  group.subtreeControl = wanted;
  return 0;
}

/** cgroup_kill_write: every process here and below. */
function killAll(group: MemCgroup, text: string, { processes, kill }: CgroupFileNeeds): number {
  if (!/^[+-]?\d+$/.test(text.trim())) return -EINVAL;
  if (Number(text) !== 1) return -ERANGE;
  for (const member of [...group.subtree()]) for (const pid of processes(member)) kill(pid);
  return 0;
}

/** cgroup_stat_show: groups below, those with the memory controller (itself included), and those that are gone but for pages. */
function statText(group: MemCgroup): string {
  const below = [...group.subtree()].slice(1);
  const dying = below.filter((member) => member.dying).length;
  const alive = below.length - dying;
  return `nr_descendants ${alive}\nnr_subsys_memory ${alive + 1}\nnr_dying_descendants ${dying}\nnr_dying_subsys_memory ${dying}\n`;
}
