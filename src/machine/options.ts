import type { BlockDeviceModel } from '../hardware/block-device.ts';
import type { ProcessorModel } from '../hardware/processors/index.ts';
import { zen3 } from '../hardware/processors/zen3.ts';
import { type SwapOptions, swapAreasOf } from './swap-options.ts';

/** What a machine is made of. Every field has a default: `new Machine()` boots a small server. */
export interface MachineOptions {
  /** Bytes of RAM that the kernel may give out (MemTotal); a multiple of 4096. Default 4 GiB. */
  readonly memory?: number;
  readonly processor?: ProcessorModel;
  /** What the root file system lies on; without it, disk requests take no time. */
  readonly disk?: BlockDeviceModel | undefined;
  /** File systems cache in folios of up to 2 MiB, as ext4 does since 6.16; the default. Without, in single pages. */
  readonly largeFolios?: boolean;
  /** Bytes of the root disk's largest readahead window (queue/read_ahead_kb). Default 128 KiB. */
  readonly readAhead?: number;
  /** Swap areas, put into use in this order; a number is the bytes of one file on that disk. None by default. */
  readonly swap?: number | readonly SwapOptions[];
  readonly cpus?: number;
  /** The machine is a guest: every step of a page walk costs a walk of the host's tables. Default false. */
  readonly nested?: boolean;
  /** 'bytes': what programs write can be read back. 'none': frames hold nothing and a large machine is cheap (default). */
  readonly contents?: 'bytes' | 'none';
  /** /sys/kernel/mm/lru_gen/enabled: 0 (default), or MGLRU with 1, its walks of page tables 2, of directories 4; 7 is all. */
  readonly mglru?: number;
  /** Levels of page tables: 4 (default), or 5 with the la57 option. */
  readonly levels?: 4 | 5;
  /** Sysctls that differ from the defaults, by name: `{ 'vm.overcommit_memory': 2 }`. */
  readonly sysctls?: Readonly<Record<string, number>>;
  /** Seed of address-space randomisation; left out, addresses are not randomised. */
  readonly aslrSeed?: number | undefined;
  /** /sys/kernel/mm/transparent_hugepage/enabled; decides the watermarks. Default 'madvise'. */
  readonly transparentHugePages?: 'always' | 'madvise' | 'never';
  /**
   * The machine has run for a while: this share of its free memory lies in pieces of less than 2 MiB, in which no huge page
   * is to be had at once (ageing.ts). Default 0.
   */
  readonly fragmented?: number;
  /** Version of memory cgroups: 1 (memory and swap together, memory.limit_in_bytes) or 2 (default; memory.max). */
  readonly cgroups?: 1 | 2;
}

export interface ResolvedOptions {
  readonly memory: number;
  readonly processor: ProcessorModel;
  readonly disk: BlockDeviceModel | undefined;
  readonly largeFolios: boolean;
  readonly readAhead: number;
  readonly swap: readonly SwapOptions[];
  readonly cpus: number;
  readonly nested: boolean;
  readonly contents: 'bytes' | 'none';
  readonly mglru: number;
  readonly levels: 4 | 5;
  readonly sysctls: Readonly<Record<string, number>>;
  readonly aslrSeed: number | undefined;
  readonly transparentHugePages: 'always' | 'madvise' | 'never';
  readonly fragmented: number;
  readonly cgroups: 1 | 2;
}

const LEAST_MEMORY = 2 << 20;
const MOST_CPUS = 32;

/**
 * Fills in the defaults.
 * @throws RangeError for memory that is no whole number of pages or less than 2 MiB, and for less than 1 or more than 32
 * CPUs (a machine keeps the set of CPUs of an address space in one word), and for swap areas that cannot be
 */
export function resolveOptions(options: MachineOptions): ResolvedOptions {
  const memory = options.memory ?? 4 * 2 ** 30;
  const cpus = options.cpus ?? 1;
  const swap = swapAreasOf(options.swap ?? 0);
  if (!Number.isInteger(memory / 4096) || memory < LEAST_MEMORY)
    throw new RangeError(`Machine: ${memory} bytes of memory; a multiple of 4096 from ${LEAST_MEMORY} on is possible`);
  if (!Number.isInteger(cpus) || cpus < 1 || cpus > MOST_CPUS)
    throw new RangeError(`Machine: ${cpus} CPUs; from 1 to ${MOST_CPUS} are possible`);
  return {
    memory,
    cpus,
    processor: options.processor ?? zen3,
    disk: options.disk,
    largeFolios: options.largeFolios ?? true,
    readAhead: options.readAhead ?? 128 * 1024,
    swap,
    nested: options.nested ?? false,
    contents: options.contents ?? 'none',
    mglru: options.mglru ?? 0,
    levels: options.levels ?? 4,
    sysctls: options.sysctls ?? {},
    aslrSeed: options.aslrSeed,
    transparentHugePages: options.transparentHugePages ?? 'madvise',
    fragmented: options.fragmented ?? 0,
    cgroups: options.cgroups ?? 2,
  };
}
