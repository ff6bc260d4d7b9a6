/** The line `# vm: memory=512M swap=0 mglru=0`: the machine in conformance/vm that a scenario was recorded on. */
import type { MachineOptions } from '../../machine/options.ts';
import { parseSize } from './size.ts';

/** What conformance/vm/run.sh is told. */
export interface VmSettings {
  /** Bytes of RAM that the virtual machine has. */
  readonly memory: number;
  /** Bytes of a swap partition that is on before the scenario begins; 0 for none. */
  readonly swap: number;
  /** /sys/kernel/mm/lru_gen/enabled: 0 for the classic lists, 7 for generations. */
  readonly mglru: number;
}

export const DEFAULT_VM: VmSettings = { memory: 512 * 2 ** 20, swap: 0, mglru: 0 };

/** @returns the settings of the line, nothing for another line, or what is wrong with it */
export function readVmSettings(line: string): VmSettings | string | undefined {
  const rest = /^# vm:(.*)$/.exec(line)?.[1];
  if (rest === undefined) return undefined;
  const settings = { ...DEFAULT_VM };
  for (const word of rest.split(/[ \t]+/).filter((part) => part !== '')) {
    const [key = '', text = ''] = word.split('=', 2);
    const value = parseSize(text);
    if (!(key in settings) || value === undefined)
      return `"${word}" does not describe a VM; expected memory=SIZE, swap=SIZE or mglru=N`;
    settings[key as keyof VmSettings] = value;
  }
  return settings;
}

/**
 * Of each byte of RAM beyond the first 40 MB, the part that Debian's 6.18 leaves to the page allocator (MemTotal of VMs of
 * 256, 512, 1024 and 2048 MiB lies within 20 kB of this line): the frame table takes 64 bytes a page.
 */
const PART_LEFT = 0.98292;
const KERNEL_BYTES = 41_380 * 1024;

/** The machine that the virtual machine is. */
export const machineOfVm = (vm: VmSettings, oracle: MachineOptions): MachineOptions => ({
  ...oracle,
  memory: Math.round((vm.memory * PART_LEFT - KERNEL_BYTES) / 4096) * 4096,
  cpus: 1,
  cgroups: 2,
  swap: vm.swap,
  mglru: vm.mglru,
});
