/**
 * The tunables of memory management (/proc/sys/vm) with Linux's names and defaults (Documentation/admin-guide/sysctl/vm.rst).
 * Parts of the kernel read them at each use, so that a change counts at once.
 */
export interface Params {
  /** vm.overcommit_memory: 0 refuses absurd requests, 1 nothing, 2 what exceeds the commit limit. */
  overcommitMemory: number;
  /** vm.overcommit_ratio, per cent of RAM. */
  overcommitRatio: number;
  /** vm.overcommit_kbytes; 0: the ratio counts. */
  overcommitKbytes: number;
  /** vm.user_reserve_kbytes; the kernel computes it at boot from free memory. */
  userReserveKbytes: number;
  /** vm.admin_reserve_kbytes. */
  adminReserveKbytes: number;
  /** vm.max_map_count. */
  maxMapCount: number;
  /** vm.mmap_min_addr, bytes. */
  mmapMinAddr: number;
  /** vm.min_free_kbytes; 0: the kernel's own choice. */
  minFreeKbytes: number;
  /** vm.watermark_scale_factor, in 1/10000 of a zone. */
  watermarkScaleFactor: number;
  /** vm.swappiness, 0 to 200. */
  swappiness: number;
  /** vm.dirty_ratio, per cent. */
  dirtyRatio: number;
  /** vm.dirty_bytes; 0: the ratio counts. */
  dirtyBytes: number;
  /** vm.dirty_background_ratio, per cent. */
  dirtyBackgroundRatio: number;
  /** vm.dirty_background_bytes; 0: the ratio counts. */
  dirtyBackgroundBytes: number;
  /** vm.dirty_expire_centisecs: how old dirty data may grow, in 1/100 s. */
  dirtyExpireCentisecs: number;
  /** vm.dirty_writeback_centisecs: how often the flusher looks, in 1/100 s; 0: never. */
  dirtyWritebackCentisecs: number;
  /** vm.vfs_cache_pressure, per cent: how readily names and inodes of files are given up. */
  vfsCachePressure: number;
  /** /sys/kernel/mm/lru_gen/enabled: 1 MGLRU, 2 its walks of page tables, 4 of directories. */
  lruGen: number;
  /** vm.extfrag_threshold: free memory must be in smaller pieces than this for compaction, in 1/1000. */
  extfragThreshold: number;
  /** vm.page-cluster: swap readahead of 2^n pages. */
  pageCluster: number;
  /** vm.panic_on_oom: 0 never, 1 when the machine is short of memory, 2 when a cgroup is too. */
  panicOnOom: number;
  /** vm.oom_kill_allocating_task: who asks for memory goes, whatever others hold. */
  oomKillAllocatingTask: number;
  /** vm.oom_dump_tasks: reports show the table of processes. */
  oomDumpTasks: number;
  /** /sys/kernel/mm/swap/vma_ra_enabled: neighbours in memory are read ahead rather than those on the disk; 0 or 1. */
  vmaReadahead: number;
  /** kernel.randomize_va_space: 0 off, 1 without the break, 2 all. */
  randomizeVaSpace: number;
}

export const defaultParams = (): Params => ({
  overcommitMemory: 0,
  overcommitRatio: 50,
  overcommitKbytes: 0,
  userReserveKbytes: 131_072,
  adminReserveKbytes: 8192,
  maxMapCount: 65_530,
  mmapMinAddr: 4096,
  minFreeKbytes: 0,
  watermarkScaleFactor: 10,
  swappiness: 60,
  dirtyRatio: 20,
  dirtyBytes: 0,
  dirtyBackgroundRatio: 10,
  dirtyBackgroundBytes: 0,
  dirtyExpireCentisecs: 3000,
  dirtyWritebackCentisecs: 500,
  vfsCachePressure: 100,
  lruGen: 0,
  extfragThreshold: 500,
  pageCluster: 3,
  panicOnOom: 0,
  oomKillAllocatingTask: 0,
  oomDumpTasks: 1,
  vmaReadahead: 1,
  randomizeVaSpace: 0,
});

interface Sysctl {
  readonly key: keyof Params;
  readonly least: number;
  readonly most: number;
}

/** Which sysctl sets which tunable, and the values that the kernel takes (kernel/sysctl.c, mm/util.c). */
const SYSCTLS: ReadonlyMap<string, Sysctl> = new Map([
  ['vm.overcommit_memory', { key: 'overcommitMemory', least: 0, most: 2 }],
  ['vm.overcommit_ratio', { key: 'overcommitRatio', least: 0, most: 2 ** 31 - 1 }],
  ['vm.overcommit_kbytes', { key: 'overcommitKbytes', least: 0, most: Number.MAX_SAFE_INTEGER }],
  ['vm.user_reserve_kbytes', { key: 'userReserveKbytes', least: 0, most: Number.MAX_SAFE_INTEGER }],
  ['vm.admin_reserve_kbytes', { key: 'adminReserveKbytes', least: 0, most: Number.MAX_SAFE_INTEGER }],
  ['vm.max_map_count', { key: 'maxMapCount', least: 0, most: 2 ** 31 - 1 }],
  ['vm.mmap_min_addr', { key: 'mmapMinAddr', least: 0, most: Number.MAX_SAFE_INTEGER }],
  ['vm.min_free_kbytes', { key: 'minFreeKbytes', least: 0, most: 2 ** 31 - 1 }],
  ['vm.watermark_scale_factor', { key: 'watermarkScaleFactor', least: 1, most: 3000 }],
  ['vm.swappiness', { key: 'swappiness', least: 0, most: 200 }],
  ['vm.dirty_ratio', { key: 'dirtyRatio', least: 0, most: 100 }],
  ['vm.dirty_bytes', { key: 'dirtyBytes', least: 2 * 4096, most: Number.MAX_SAFE_INTEGER }],
  ['vm.dirty_background_ratio', { key: 'dirtyBackgroundRatio', least: 0, most: 100 }],
  ['vm.dirty_background_bytes', { key: 'dirtyBackgroundBytes', least: 1, most: Number.MAX_SAFE_INTEGER }],
  ['vm.dirty_expire_centisecs', { key: 'dirtyExpireCentisecs', least: 0, most: 2 ** 31 - 1 }],
  ['vm.dirty_writeback_centisecs', { key: 'dirtyWritebackCentisecs', least: 0, most: 2 ** 31 - 1 }],
  ['vm.vfs_cache_pressure', { key: 'vfsCachePressure', least: 0, most: 2 ** 31 - 1 }],
  ['vm.extfrag_threshold', { key: 'extfragThreshold', least: 0, most: 1000 }],
  ['vm.page-cluster', { key: 'pageCluster', least: 0, most: 31 }],
  ['vm.panic_on_oom', { key: 'panicOnOom', least: 0, most: 2 }],
  ['vm.oom_kill_allocating_task', { key: 'oomKillAllocatingTask', least: -(2 ** 31), most: 2 ** 31 - 1 }],
  ['vm.oom_dump_tasks', { key: 'oomDumpTasks', least: -(2 ** 31), most: 2 ** 31 - 1 }],
  ['kernel.randomize_va_space', { key: 'randomizeVaSpace', least: 0, most: 2 }],
]);

export const sysctlNames: readonly string[] = [...SYSCTLS.keys()];

/** @returns the value of a sysctl, or undefined for a name that this machine does not have */
export function getSysctl(params: Params, name: string): number | undefined {
  const sysctl = SYSCTLS.get(name);
  return sysctl && params[sysctl.key];
}

/**
 * Sets a sysctl as a write to /proc/sys does.
 * @returns 'unknown' for a name that this machine does not have, 'invalid' for a value that the kernel refuses (EINVAL)
 */
export function setSysctl(params: Params, name: string, value: number): 'set' | 'unknown' | 'invalid' {
  const sysctl = SYSCTLS.get(name);
  if (sysctl === undefined) return 'unknown';
  if (!Number.isInteger(value) || value < sysctl.least || value > sysctl.most) return 'invalid';
  params[sysctl.key] = value;
  // Two ways to say one limit exclude each other (overcommit_ratio_handler, dirty_bytes_handler and their like).
  if (sysctl.key === 'overcommitRatio') params.overcommitKbytes = 0;
  if (sysctl.key === 'overcommitKbytes' && value > 0) params.overcommitRatio = 0;
  if (sysctl.key === 'dirtyRatio') params.dirtyBytes = 0;
  if (sysctl.key === 'dirtyBytes') params.dirtyRatio = 0;
  if (sysctl.key === 'dirtyBackgroundRatio') params.dirtyBackgroundBytes = 0;
  if (sysctl.key === 'dirtyBackgroundBytes') params.dirtyBackgroundRatio = 0;
  return 'set';
}
