/** The kernel as plain data and back: what a snapshot keeps. Every subsystem saves and restores itself. */
import type { MemCgroupsState } from './cgroup/mem-cgroups.ts';
import type { Scanners } from './compaction/compact-zone.ts';
import type { FrameTableState } from './frames/frame-table.ts';
import type { LruState } from './frames/lru.ts';
import type { ZoneState } from './frames/zone.ts';
import type { HugetlbState } from './hugetlb/hugetlb.ts';
import type { ShmState } from './ipc/shm.ts';
import type { Kernel } from './kernel.ts';
import type { KernelLogState } from './kernel-log.ts';
import type { RateLimitState } from './oom/rate-limit.ts';
import type { FilesState } from './page-cache/files.ts';
import type { Params } from './params.ts';
import type { ProcessesState } from './process/processes.ts';
import type { TlbStateState } from './process/tlb-state.ts';
import type { PsiState } from './psi/psi.ts';
import type { ReclaimState } from './reclaim/reclaim.ts';
import type { AnonVmasState } from './rmap/anon-vmas.ts';
import type { SlabState } from './slab/slab.ts';
import type { SwapState } from './swap/swap.ts';
import { swapDeviceNamed } from './swap/swap-devices.ts';
import type { HugePagesState } from './thp/huge-pages.ts';

export interface KernelState {
  readonly params: Params;
  readonly table: FrameTableState;
  readonly zones: readonly ZoneState[];
  readonly pressure: number;
  readonly lru: LruState;
  readonly vmstat: Float64Array;
  readonly tlb: TlbStateState;
  readonly anonVmas: AnonVmasState;
  readonly cgroups: MemCgroupsState;
  readonly swap: SwapState;
  readonly reclaim: ReclaimState;
  readonly slab: SlabState;
  readonly psi: PsiState;
  readonly hugetlb: HugetlbState;
  readonly shm: ShmState;
  readonly thp: HugePagesState;
  readonly compaction: readonly Scanners[];
  readonly files: FilesState;
  readonly processes: ProcessesState;
  readonly committed: number;
  readonly log: KernelLogState;
  readonly oom: RateLimitState;
  /** Task that ran, 0 for none. */
  readonly current: number;
}

export function saveKernel(kernel: Kernel): KernelState {
  return {
    params: { ...kernel.params },
    table: kernel.table.save(),
    zones: kernel.allocator.save(),
    pressure: kernel.allocator.pressure,
    lru: kernel.lru.save(),
    vmstat: kernel.vmstat.save(),
    tlb: kernel.tlb.save(),
    anonVmas: kernel.anonVmas.save(),
    cgroups: kernel.cgroups.save(),
    swap: kernel.swap.save(),
    reclaim: kernel.reclaim.save(),
    slab: kernel.slab.save(),
    psi: kernel.psi.save(),
    hugetlb: kernel.hugetlb.save(),
    shm: kernel.shm.save(),
    thp: kernel.thp.save(),
    compaction: kernel.compaction.save(),
    files: kernel.files.save(),
    processes: kernel.processes.save(),
    committed: kernel.commitments.save(),
    log: kernel.log.save(),
    oom: kernel.oom.save(),
    current: kernel.current?.tid ?? 0,
  };
}

/** Puts a freshly booted kernel of a machine of the same options into a saved state. */
export function restoreKernel(kernel: Kernel, state: KernelState): void {
  Object.assign(kernel.params, state.params);
  kernel.table.restore(state.table);
  kernel.allocator.restore(state.zones);
  kernel.allocator.pressure = state.pressure;
  kernel.lru.restore(state.lru);
  kernel.vmstat.restore(state.vmstat);
  kernel.tlb.restore(state.tlb);
  kernel.anonVmas.restore(state.anonVmas);
  kernel.cgroups.restore(state.cgroups);
  kernel.swap.restore(state.swap, swapDeviceNamed);
  kernel.reclaim.restore(state.reclaim);
  kernel.hugetlb.restore(state.hugetlb);
  kernel.thp.restore(state.thp);
  kernel.compaction.restore(state.compaction);
  kernel.files.restore(state.files);
  kernel.shm.restore(state.shm);
  kernel.psi.restore(state.psi);
  kernel.slab.restore(state.slab, (id) => kernel.files.inode(id));
  kernel.processes.restore(state.processes, {
    anonVmas: kernel.anonVmas,
    file: (id) => kernel.files.openFile(id),
    reserves: (id) => kernel.hugetlb.reservations.map(id),
    special: (name) => Object.values(kernel.special).find((special) => special.name === name),
  });
  const mms = new Map([...kernel.processes.all.values()].map(({ mm }) => [mm.id, mm]));
  kernel.thp.khugepaged.restoreMms(state.thp.khugepaged, (id) => mms.get(id));
  kernel.commitments.restore(state.committed);
  kernel.log.restore(state.log);
  kernel.oom.restore(state.oom);
  const tasks = [...kernel.processes.all.values()].flatMap((process) => process.tasks);
  kernel.current = tasks.find((task) => task.tid === state.current);
  kernel.sysctlsRestored();
}
