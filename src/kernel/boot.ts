import type { Cpu } from '../hardware/cpu.ts';
import type { PhysicalMemory } from '../hardware/physical-memory.ts';
import type { CgroupVersion } from './cgroup/charging.ts';
import type { FrameTable } from './frames/frame-table.ts';
import type { Params } from './params.ts';
import type { ThpMode } from './thp/settings.ts';
import type { Timers } from './time/clock.ts';

/** What the machine gives its kernel at boot. */
export interface KernelBoot {
  readonly memory: PhysicalMemory;
  readonly table: FrameTable;
  readonly cpus: readonly Cpu[];
  readonly clock: Timers;
  readonly params: Params;
  readonly contents: 'bytes' | 'none';
  readonly cgroups: CgroupVersion;
  /** Whether work takes time: a machine without a disk answers everything at once. */
  readonly timed: boolean;
  /** Levels of page tables: 4 or 5. */
  readonly levels: 4 | 5;
  /** Who gets transparent huge pages at boot; unless it is nobody, watermarks leave room for them. */
  readonly transparentHugePages: ThpMode;
}
