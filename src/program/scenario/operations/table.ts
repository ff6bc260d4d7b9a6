/** Every operation of the scenario language by its name. */
import type { MachineStep, Operation, ProcessStep } from '../operation.ts';
import * as access from './access.ts';
import * as advice from './advice.ts';
import * as cgroups from './cgroups.ts';
import * as descriptors from './descriptors.ts';
import { cache } from './file-cache.ts';
import * as life from './life.ts';
import * as files from './machine-files.ts';
import * as mapping from './mapping.ts';
import * as observing from './observing.ts';
import * as settings from './settings.ts';
import * as swap from './swap.ts';
import { trace } from './tracing.ts';
import * as transfers from './transfers.ts';
import * as views from './views.ts';

const byName = <Step>(operations: readonly Operation<Step>[]): ReadonlyMap<string, Operation<Step>> =>
  new Map(operations.map((operation) => [operation.usage.split(' ', 1)[0] as string, operation]));

/** What a process does: `NAME op ...`. */
export const PROCESS_OPERATIONS: ReadonlyMap<string, Operation<ProcessStep>> = byName([
  mapping.mmap,
  mapping.munmap,
  mapping.mremap,
  mapping.mprotect,
  mapping.brk,
  mapping.mmaploop,
  mapping.munmaploop,
  advice.madvise,
  advice.msync,
  advice.mlock,
  advice.munlock,
  advice.mlock2,
  advice.mlockall,
  advice.munlockall,
  advice.mincore,
  access.touch,
  access.fill,
  access.sum,
  access.peek,
  descriptors.open,
  descriptors.memfd,
  descriptors.close,
  descriptors.lseek,
  descriptors.ftruncate,
  descriptors.fallocate,
  descriptors.fsync,
  descriptors.syncfs,
  descriptors.fadvise,
  descriptors.readahead,
  descriptors.cachestat,
  transfers.read,
  transfers.write,
  transfers.pread,
  transfers.pwrite,
  transfers.sendfile,
  transfers.copyFileRange,
  life.fork,
  life.exit,
  life.kill,
  life.wait,
  life.rlimit,
  life.setuid,
  life.prctl,
  views.stat,
  views.maps,
  views.pages,
  views.faults,
  views.io,
  settings.oomAdj,
  settings.oomScoreAdj,
  settings.oomScore,
  settings.clearRefs,
  cgroups.joinCgroup,
]);

/** What happens to the machine. */
export const MACHINE_OPERATIONS: ReadonlyMap<string, Operation<MachineStep>> = byName([
  life.spawn,
  files.file,
  files.hostFile,
  files.evict,
  files.unlink,
  files.fincore,
  files.fpages,
  cache,
  settings.sysctl,
  settings.sysfs,
  settings.thp,
  settings.dropCaches,
  settings.cat,
  observing.meminfo,
  observing.vmstat,
  observing.sleep,
  observing.drain,
  observing.timeout,
  observing.note,
  swap.swapon,
  swap.swapoff,
  swap.swaps,
  trace,
  cgroups.dmesg,
  cgroups.cgroup,
  cgroups.cgset,
  cgroups.cgget,
  cgroups.cgstat,
  cgroups.cgopen,
  cgroups.cgrm,
]);
