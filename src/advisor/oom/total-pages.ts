/** The total that oom_score_adj is a share of (constrained_alloc in mm/oom_kill.c, mem_cgroup_get_max in mm/memcontrol.c). */
import { type KillerState, selectVictim } from './killer.ts';
import type { HostMemory, OomReport } from './report.ts';
import { isMemcg } from './scope.ts';

export interface TotalPages {
  readonly pages: number;
  readonly knownBy: string;
  /** False when something that the killer added is not printed: the host's swap, for a cgroup. */
  readonly exact: boolean;
}

/** The total of a report, or undefined when what it is computed from is missing. */
export function totalPagesOf(report: OomReport): TotalPages | undefined {
  const kb = report.pageSize / 1024;
  if (isMemcg(report)) return cgroupTotal(report, kb);
  const { host } = report;
  if (host?.ramPages === undefined) return undefined;
  const swap = (host.totalSwapKb ?? 0) / kb;
  const nodes = constrainedNodes(report);
  if (nodes !== undefined) {
    const present = presentPages(host, nodes, kb);
    if (present > 0) {
      return { pages: present + swap, knownBy: `the pages of node ${[...nodes].join(', ')} and swap`, exact: true };
    }
  }
  const ram = host.ramPages - (host.reservedPages ?? 0);
  const exact = host.reservedPages !== undefined && host.totalSwapKb !== undefined;
  return { pages: ram + swap, knownBy: 'RAM that the kernel manages, and swap', exact };
}

function cgroupTotal({ cgroup }: OomReport, kb: number): TotalPages | undefined {
  const limit = cgroup?.memory?.limitKb;
  if (cgroup === undefined || limit === undefined || !Number.isFinite(limit)) return undefined;
  const { memsw, swap } = cgroup;
  if (memsw !== undefined && Number.isFinite(memsw.limitKb)) {
    return {
      pages: Math.max(1, memsw.limitKb / kb),
      knownBy: 'the limit of memory and swap; less if the host has less swap',
      exact: memsw.limitKb === limit,
    };
  }
  if (swap !== undefined && swap.limitKb === 0) {
    return { pages: Math.max(1, limit / kb), knownBy: "the group's limit; it may not swap", exact: true };
  }
  // What the group has in swap is the least that the host has of it.
  const used = swap?.usageKb ?? Math.max(0, (memsw?.usageKb ?? 0) - (cgroup.memory?.usageKb ?? 0));
  return {
    pages: Math.max(1, (limit + used) / kb),
    knownBy: "the group's limit and what it has in swap; the killer adds all of the host's swap, which is not printed",
    exact: false,
  };
}

/** The nodes that cpuset or mempolicy allow, or undefined where neither is the constraint. */
export function constrainedNodes({ constraint }: OomReport): ReadonlySet<number> | undefined {
  if (constraint === undefined) return undefined;
  const list =
    constraint.constraint === 'CONSTRAINT_CPUSET'
      ? constraint.memsAllowed
      : constraint.constraint === 'CONSTRAINT_MEMORY_POLICY'
        ? constraint.nodemask
        : undefined;
  return list === undefined || !/^[\d,-]+$/.test(list) ? undefined : numbersOf(list);
}

/** `0-1,3` as numbers (bitmap_parselist). */
function numbersOf(list: string): ReadonlySet<number> {
  const numbers = new Set<number>();
  for (const range of list.split(',')) {
    const [first = 0, last = first] = range.split('-').map(Number);
    // No machine has more nodes than MAX_NUMNODES; a damaged list must not be counted through.
    for (let n = first; n <= Math.min(last, first + 1023); n++) numbers.add(n);
  }
  return numbers;
}

function presentPages(host: HostMemory, nodes: ReadonlySet<number>, kb: number): number {
  let pages = 0;
  for (const { node, kb: counters } of host.zones) if (nodes.has(node)) pages += (counters.get('present') ?? 0) / kb;
  return pages;
}

/** Host swap to try, as multiples of the total that is known. */
const MULTIPLES = [1, 1.5, 2, 3, 5, 9, 17, 33];

/**
 * Where the host's swap is part of the total and not printed: the smallest total under which the rule gives the victim
 * that the kernel chose. The one that is known where none does, or where the report names no victim.
 */
export function fittingTotal(
  { chosen }: OomReport,
  state: KillerState,
  total: TotalPages | undefined,
): TotalPages | undefined {
  if (total === undefined || total.exact || chosen === undefined) return total;
  const fits = (multiple: number): boolean => {
    const victim = selectVictim({ ...state, totalPages: total.pages * multiple });
    return victim?.pid === chosen.pid || victim?.tgid === chosen.pid;
  };
  const multiple = MULTIPLES.find(fits) ?? 1;
  if (multiple === 1) return total;
  const knownBy = 'the smallest total under which the rule gives this victim: the host has swap that is not printed';
  return { pages: Math.round(total.pages * multiple), knownBy, exact: false };
}
