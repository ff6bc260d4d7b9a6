/** What an OOM report says, read and in one unit each: pages where the kernel counts pages, kB where it prints kB. */

export interface TaskRow {
  readonly pid: number;
  readonly tgid: number;
  readonly uid: number;
  readonly name: string;
  /** Pages. */
  readonly totalVm: number;
  readonly rss: number;
  /** Resident pages by kind, where the table has columns for them (6.8 and later). */
  readonly kinds?: { readonly anon: number; readonly file: number; readonly shmem: number } | undefined;
  /** Pages of page tables, as the killer counts them. */
  readonly tables: number;
  /** Swap entries, in pages. */
  readonly swap: number;
  readonly oomScoreAdj: number;
}

export interface TaskTable {
  readonly rows: readonly TaskRow[];
  /** Names of the columns, from the header, or assumed where the header is missing. */
  readonly columns: readonly string[];
  readonly headerSeen: boolean;
  /** Rows that could not be read. */
  readonly damaged: number;
}

export interface Invoker {
  readonly name: string;
  readonly pid: number | undefined;
  readonly gfpMask: string | undefined;
  readonly gfpFlags: string | undefined;
  /** log2 of the pages asked for; -1 when somebody asked for the kill itself. */
  readonly order: number | undefined;
  readonly oomScoreAdj: number | undefined;
}

/** The `oom-kill:` line, printed since Linux 5.0. */
export interface ConstraintLine {
  readonly constraint: string;
  readonly nodemask: string | undefined;
  readonly memsAllowed: string | undefined;
  readonly oomMemcg: string | undefined;
  readonly taskMemcg: string | undefined;
}

export interface Kill {
  readonly pid: number;
  readonly name: string;
  readonly uid: number | undefined;
  readonly totalVmKb: number | undefined;
  readonly anonRssKb: number | undefined;
  readonly fileRssKb: number | undefined;
  readonly shmemRssKb: number | undefined;
  readonly pgtablesKb: number | undefined;
  readonly oomScoreAdj: number | undefined;
}

/** A page counter of a memory cgroup, in kB; an unlimited one is Infinity. */
export interface Usage {
  readonly usageKb: number;
  readonly limitKb: number;
}

export interface CgroupMemory {
  /** The group whose limit was hit. */
  readonly path: string | undefined;
  readonly memory: Usage | undefined;
  /** Version 1: memory and swap together. */
  readonly memsw: Usage | undefined;
  /** Version 2. */
  readonly swap: Usage | undefined;
  readonly kmem: Usage | undefined;
  /** memory.stat, in bytes. */
  readonly stat: ReadonlyMap<string, number>;
}

export interface Zone {
  readonly node: number;
  readonly name: string;
  /** kB by the kernel's names: free, min, low, high, present, managed, free_cma ... */
  readonly kb: ReadonlyMap<string, number>;
  /** Free blocks by order, from the buddy line; empty when it is missing. */
  readonly blocks: readonly number[];
}

export interface HostMemory {
  /** Pages by the names of Mem-Info: active_anon, free, slab_reclaimable ... */
  readonly counters: ReadonlyMap<string, number>;
  readonly zones: readonly Zone[];
  readonly ramPages: number | undefined;
  readonly reservedPages: number | undefined;
  readonly totalSwapKb: number | undefined;
  readonly freeSwapKb: number | undefined;
  readonly hugetlbKb: number;
}

export interface OomReport {
  readonly kernel: string | undefined;
  /** Seconds since boot of the first line that tells it. */
  readonly time: number | undefined;
  readonly invoker: Invoker | undefined;
  readonly constraint: ConstraintLine | undefined;
  /** Whom the killer chose; not always who died. */
  readonly chosen: { readonly pid: number; readonly name: string; readonly score: number | undefined } | undefined;
  readonly kills: readonly Kill[];
  readonly tasks: TaskTable;
  readonly cgroup: CgroupMemory | undefined;
  readonly host: HostMemory | undefined;
  /** Bytes. */
  readonly pageSize: number;
  /** The group that dies together (memory.oom.group). */
  readonly oomGroup: string | undefined;
  /** Whether the kill lines say that it was a cgroup's memory that ran out. */
  readonly memcg: boolean;
  readonly allocatingTask: boolean;
  readonly noKillable: boolean;
  readonly panic: boolean;
  readonly reaped: readonly number[];
}
