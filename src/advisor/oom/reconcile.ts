/** Where all the memory was: parts that add up to the total, with the rest named. Everything in kB. */
import type { CgroupMemory, HostMemory, OomReport } from './report.ts';
import { isMemcg } from './scope.ts';

export interface MemoryPart {
  readonly name: string;
  readonly kb: number;
  /** Where the number comes from, or what it means. */
  readonly from: string;
}

export interface Reconciliation {
  readonly of: 'cgroup' | 'host';
  /** undefined when the line that tells it is missing. */
  readonly totalKb: number | undefined;
  readonly parts: readonly MemoryPart[];
  /** Swap in use, which is no part of the total. */
  readonly swapKb: number | undefined;
  /** Resident memory of all tasks of the table, shared pages counted for each. */
  readonly tasksRssKb: number;
  /** Part of the total that no task holds: caches, tmpfs, kernel. Undefined when the total is. */
  readonly noTaskHoldsKb: number | undefined;
}

export function reconcile(report: OomReport): Reconciliation | undefined {
  const kb = report.pageSize / 1024;
  const tasksRssKb = report.tasks.rows.reduce((sum, { rss }) => sum + rss, 0) * kb;
  if (isMemcg(report)) {
    if (report.cgroup === undefined) return undefined;
    return { ...cgroupMemory(report.cgroup), tasksRssKb };
  }
  if (report.host === undefined) return undefined;
  return { ...hostMemory(report.host, kb), tasksRssKb };
}

type WithoutTasks = Omit<Reconciliation, 'tasksRssKb'>;

/** memory.stat of version 2, of version 1 in version 2's words (since 6.7), or of version 1. */
function cgroupMemory(cgroup: CgroupMemory): WithoutTasks {
  const { stat } = cgroup;
  const kb = (name: string): number => (stat.get(`total_${name}`) ?? stat.get(name) ?? 0) / 1024;
  const second = stat.has('anon');
  const shmem = kb('shmem');
  const parts: MemoryPart[] = [];
  if (stat.size > 0) {
    parts.push({ name: 'anonymous', kb: second ? kb('anon') : kb('rss'), from: second ? 'anon' : 'rss' });
    parts.push({
      name: 'shmem',
      kb: shmem,
      from: 'shmem: tmpfs, /dev/shm and shared memory, which no kill of a reader frees',
    });
    const file = second ? 'file' : 'cache';
    parts.push({
      name: 'file',
      kb: kb(file) - shmem,
      from: `${file} less shmem: page cache, ${Math.round(kb(second ? 'file_dirty' : 'dirty'))} kB dirty`,
    });
  }
  if (second) parts.push(...kernelParts(kb, stat.has('kernel')));
  else if (cgroup.kmem !== undefined) parts.push({ name: 'kernel', kb: cgroup.kmem.usageKb, from: 'kmem: usage' });
  const swapKb = swapOf(cgroup, stat.has('swap') ? kb('swap') : undefined);
  return {
    of: 'cgroup',
    ...closed(parts, cgroup.memory?.usageKb, 'pages charged ahead in per-CPU batches, and counters not yet flushed'),
    swapKb,
  };
}

function kernelParts(kb: (name: string) => number, whole: boolean): MemoryPart[] {
  const slab = kb('slab_reclaimable') + kb('slab_unreclaimable');
  const tables = kb('pagetables') + kb('sec_pagetables');
  const stack = kb('kernel_stack');
  const named = slab + tables + stack;
  const parts = [
    { name: 'slab', kb: slab, from: 'slab_reclaimable and slab_unreclaimable' },
    { name: 'page tables', kb: tables, from: 'pagetables' },
    { name: 'kernel stacks', kb: stack, from: 'kernel_stack' },
  ];
  const rest = whole ? kb('kernel') - named : kb('percpu') + kb('vmalloc');
  parts.push({
    name: 'kernel',
    kb: rest,
    from: whole ? 'kernel less the three above: per-CPU data, vmalloc, zswap' : 'percpu and vmalloc',
  });
  if (kb('sock') > 0) parts.push({ name: 'sockets', kb: kb('sock'), from: 'sock' });
  return parts;
}

function swapOf({ swap, memsw, memory }: CgroupMemory, stat: number | undefined): number | undefined {
  if (swap !== undefined) return swap.usageKb;
  if (stat !== undefined) return stat;
  return memsw === undefined || memory === undefined ? undefined : memsw.usageKb - memory.usageKb;
}

/** Mem-Info. Shared memory is on the anonymous LRU lists, or on the unevictable one when it is locked. */
function hostMemory(host: HostMemory, kb: number): WithoutTasks {
  const pages = (...names: string[]): number => names.reduce((sum, name) => sum + (host.counters.get(name) ?? 0), 0);
  const parts: MemoryPart[] = [];
  if (host.counters.has('active_anon') || host.counters.has('free')) {
    const anonLru = pages('active_anon', 'inactive_anon', 'isolated_anon');
    const shmem = pages('shmem');
    const locked = Math.max(0, shmem - anonLru);
    parts.push(
      {
        name: 'anonymous',
        kb: Math.max(0, anonLru - shmem) * kb,
        from: 'active, inactive and isolated anon, less shmem',
      },
      { name: 'shmem', kb: shmem * kb, from: 'shmem: tmpfs and shared memory' },
      {
        name: 'file',
        kb: pages('active_file', 'inactive_file', 'isolated_file') * kb,
        from: `page cache, ${pages('dirty') * kb} kB dirty`,
      },
      {
        name: 'unevictable',
        kb: Math.max(0, pages('unevictable') - locked) * kb,
        from: 'mlocked and other pages that reclaim may not take',
      },
      {
        name: 'slab',
        kb: pages('slab_reclaimable', 'slab_unreclaimable') * kb,
        from: `of it ${pages('slab_unreclaimable') * kb} kB unreclaimable`,
      },
      { name: 'page tables', kb: pages('pagetables', 'sec_pagetables') * kb, from: 'pagetables' },
      {
        name: 'kernel',
        kb: (host.counters.get('kernel_stack_kb') ?? 0) + pages('bounce') * kb,
        from: 'kernel stacks and bounce buffers',
      },
      { name: 'huge pages', kb: host.hugetlbKb, from: 'hugetlbfs pool, used or not' },
      {
        name: 'free',
        kb: pages('free', 'free_pcp') * kb,
        from: `free lists and per-CPU lists, ${pages('free_cma') * kb} kB of it CMA`,
      },
    );
  }
  const total = host.ramPages === undefined ? undefined : (host.ramPages - (host.reservedPages ?? 0)) * kb;
  const used = (host.totalSwapKb ?? 0) - (host.freeSwapKb ?? 0);
  const rest = 'no counter has it: pages of drivers, vmalloc, per-CPU data, a balloon';
  return { of: 'host', ...closed(parts, total, rest), swapKb: host.totalSwapKb === undefined ? undefined : used };
}

/** Adds what is missing to the total as a part of its own, so that the sum is exact. */
function closed(
  exact: readonly MemoryPart[],
  total: number | undefined,
  from: string,
): Pick<Reconciliation, 'parts' | 'totalKb' | 'noTaskHoldsKb'> {
  const parts = exact.map((part) => ({ ...part, kb: Math.round(part.kb) }));
  if (total === undefined || parts.length === 0) return { parts, totalKb: total, noTaskHoldsKb: undefined };
  const rest = total - parts.reduce((sum, part) => sum + part.kb, 0);
  const all = [
    ...parts,
    { name: 'not accounted', kb: rest, from: rest < 0 ? 'counters overlap, or were read at different moments' : from },
  ];
  const anonymous = parts.find(({ name }) => name === 'anonymous')?.kb ?? 0;
  const free = parts.find(({ name }) => name === 'free')?.kb ?? 0;
  return { parts: all, totalKb: total, noTaskHoldsKb: total - anonymous - free };
}
