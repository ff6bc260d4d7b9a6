/** How far an OOM event reached: one cgroup, some nodes, or the machine; and by which lines that is known. */
import type { OomReport } from './report.ts';

/** Whether a cgroup's limit was hit: named since 5.0, before that told by the counters that are printed. */
export function isMemcg({ constraint, cgroup, memcg, host }: OomReport): boolean {
  if (constraint?.constraint === 'CONSTRAINT_MEMCG' || constraint?.oomMemcg !== undefined) return true;
  if (memcg) return true;
  if (cgroup?.memory !== undefined || cgroup?.path !== undefined) return true;
  return cgroup !== undefined && host === undefined;
}

/** The kernel's name of the constraint, and whether it was printed or follows from other lines. */
export function constraintOf(report: OomReport): { readonly name: string | undefined; readonly knownBy: string } {
  const printed = report.constraint?.constraint;
  if (printed !== undefined && printed !== '') return { name: printed, knownBy: 'the oom-kill: line' };
  if (isMemcg(report))
    return { name: 'CONSTRAINT_MEMCG', knownBy: "a cgroup's counters or the words of the kill line" };
  if (report.host !== undefined)
    return { name: 'CONSTRAINT_NONE', knownBy: 'Mem-Info, which is printed for the whole machine' };
  if (report.kills.length > 0)
    return { name: 'CONSTRAINT_NONE', knownBy: 'the words of the kill line, which name no cgroup' };
  return { name: undefined, knownBy: 'no line tells' };
}

/** Paths of container managers: root in a container has no CAP_SYS_ADMIN unless it is privileged. */
const CONTAINER = /\/(?:docker|kubepods|lxc|machine\.slice|libpod|crio|containerd)|cri-containerd|docker-[0-9a-f]{12}/;

export const inContainer = ({ cgroup, constraint }: OomReport): boolean =>
  CONTAINER.test(`${cgroup?.path ?? ''} ${constraint?.taskMemcg ?? ''}`);
