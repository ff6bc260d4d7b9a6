import { blockDevices, nvme } from '../hardware/block-device.ts';
import { processors } from '../hardware/processors/index.ts';
import { HUGETLB_SYSCTLS } from '../kernel/hugetlb/sysctls.ts';
import { defaultParams, setSysctl, sysctlNames } from '../kernel/params.ts';
import type { MachineOptions } from '../machine/options.ts';
import { suggestion } from '../program/scenario/nearest.ts';
import { parseSize } from '../program/scenario/size.ts';
import type { Arguments, OptionTable } from './arguments.ts';
import { SWAP_HELP, swapOptions } from './swap-options.ts';
import { UserError } from './user-error.ts';

/** The options that describe a machine: the same for every command that boots one. */
export const MACHINE_OPTION_TABLE: OptionTable = {
  memory: 'value',
  cpu: 'value',
  cpus: 'value',
  disk: 'value',
  'large-folios': 'value',
  'read-ahead': 'value',
  swap: 'values',
  thp: 'value',
  fragmented: 'value',
  sysctl: 'values',
  cgroup: 'value',
  mglru: 'value',
  aslr: 'value',
  nested: 'flag',
  la57: 'flag',
};

/** Their part of a command's help. */
export const MACHINE_OPTIONS_HELP = `Machine options:
  --memory SIZE        RAM that the kernel may give out: 512M, 4G (default)
  --cpu NAME           processor model: ${Object.keys(processors).join(', ')}
  --cpus N             number of processors (default 1)
  --disk NAME          what files lie on: ${Object.keys(blockDevices).join(', ')} (default nvme)
  --large-folios MODE  on (default): files are cached in folios of up to 2 MiB, as ext4 does since 6.16; off: page by page
  --read-ahead SIZE    largest readahead window of that disk, its read_ahead_kb (default 128K; 0 reads nothing ahead)
${SWAP_HELP}  --thp MODE           transparent huge pages: always, madvise (default), never
  --fragmented SHARE   an aged machine: this share of free memory, 0 to 1, lies in pieces smaller than 2 MiB
  --sysctl NAME=VALUE  any of ${sysctlNames.slice(0, 3).join(', ')} ... (repeatable)
  --cgroup v1|v2       version of memory cgroups: memory.limit_in_bytes or memory.max (default v2)
  --mglru BITS         multi-generational LRU: 0 off (default), 7 on with walks of page tables, as in lru_gen/enabled
  --aslr SEED          randomise addresses, the same way for the same seed
  --la57               page tables of five levels
  --nested             the machine is a guest: walks cost nested walks too, up to 24 loads instead of 4
`;

const THP_MODES = ['always', 'madvise', 'never'] as const;

/**
 * Reads the machine options of a command line.
 *
 * @param defaults what holds where an option is not given; with contents, swap may lie in files of the host
 * @throws {UserError} a value that no machine can have
 */
export function machineOptions(args: Arguments, defaults: MachineOptions = {}): MachineOptions {
  const options: { -readonly [Key in keyof MachineOptions]: MachineOptions[Key] } = { ...defaults };
  const memory = args.value('memory');
  if (memory !== undefined) options.memory = sizeOf('memory', memory, LEAST_MEMORY);
  const cpu = args.value('cpu');
  if (cpu !== undefined) options.processor = processorOf(cpu);
  const mglru = args.value('mglru');
  if (mglru !== undefined) options.mglru = wholeNumber('mglru', mglru, 0, 7);
  const cpus = args.value('cpus');
  if (cpus !== undefined) options.cpus = wholeNumber('cpus', cpus, 1, 32);
  options.disk = diskOf(args.value('disk') ?? nvme.name);
  const folios = args.value('large-folios');
  if (folios !== undefined) options.largeFolios = onOff('large-folios', folios);
  const readAhead = args.value('read-ahead');
  if (readAhead !== undefined) options.readAhead = readAheadOf(readAhead);
  const swap = args.values('swap');
  if (swap.length > 0) options.swap = swapOptions(swap, defaults.contents === 'bytes');
  const thp = args.value('thp');
  if (thp !== undefined) options.transparentHugePages = thpMode(thp);
  const fragmented = args.value('fragmented');
  if (fragmented !== undefined) options.fragmented = shareOf('fragmented', fragmented);
  const cgroup = args.value('cgroup');
  if (cgroup !== undefined) options.cgroups = cgroupVersion(cgroup);
  const seed = args.value('aslr');
  if (seed !== undefined) options.aslrSeed = wholeNumber('aslr', seed, 0, 2 ** 32 - 1);
  if (args.has('la57')) options.levels = 5;
  if (args.has('nested')) options.nested = true;
  const sysctls = args.values('sysctl').map(sysctlOf);
  if (sysctls.length > 0) options.sysctls = { ...defaults.sysctls, ...Object.fromEntries(sysctls) };
  return options;
}

const MIB = 2 ** 20;
const LEAST_MEMORY = 16 * MIB;
const MOST_MEMORY = 2 ** 40;
const MOST_READ_AHEAD = 2 ** 30;

/** Whole pages of an option's size. @throws {UserError} for what is none, or out of bounds */
export function sizeOf(option: string, text: string, least: number): number {
  const bytes = parseSize(text);
  if (bytes === undefined || bytes < least || bytes > MOST_MEMORY) {
    throw new UserError(`--${option} ${text}: expected a size from ${least / MIB}M to 1T, as in 512M or 4G`);
  }
  return bytes - (bytes % 4096);
}

function readAheadOf(text: string): number {
  const bytes = parseSize(text);
  if (bytes === undefined || bytes > MOST_READ_AHEAD)
    throw new UserError(`--read-ahead ${text}: expected a size from 0 to 1G, as in 128K or 8M`);
  return bytes;
}

function processorOf(name: string): NonNullable<MachineOptions['processor']> {
  const model = Object.hasOwn(processors, name) ? processors[name] : undefined;
  if (model === undefined) {
    const known = Object.keys(processors);
    throw new UserError(
      `--cpu ${name}: unknown processor${suggestion(name, known) || `; known are ${known.join(', ')}`}`,
    );
  }
  return model;
}

function diskOf(name: string): NonNullable<MachineOptions['disk']> {
  const model = Object.hasOwn(blockDevices, name) ? blockDevices[name] : undefined;
  if (model === undefined) {
    const known = Object.keys(blockDevices);
    throw new UserError(`--disk ${name}: unknown disk${suggestion(name, known) || `; known are ${known.join(', ')}`}`);
  }
  return model;
}

function wholeNumber(option: string, text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) {
    throw new UserError(`--${option} ${text}: expected a whole number from ${least} to ${most}`);
  }
  return value;
}

function onOff(option: string, text: string): boolean {
  if (text !== 'on' && text !== 'off') throw new UserError(`--${option} ${text}: expected on or off`);
  return text === 'on';
}

function shareOf(option: string, text: string): number {
  const value = /^(0|1|[01]?\.\d+)$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= 0 && value <= 1)) throw new UserError(`--${option} ${text}: expected a share from 0 to 1, as in 0.6`);
  return value;
}

function thpMode(text: string): (typeof THP_MODES)[number] {
  const mode = THP_MODES.find((known) => known === text);
  if (mode === undefined) throw new UserError(`--thp ${text}: expected one of ${THP_MODES.join(', ')}`);
  return mode;
}

function cgroupVersion(text: string): 1 | 2 {
  if (text !== 'v1' && text !== 'v2') throw new UserError(`--cgroup ${text}: expected v1 or v2`);
  return text === 'v1' ? 1 : 2;
}

function sysctlOf(text: string): [name: string, value: number] {
  const [name = '', value, ...more] = text.split('=');
  const number = parseSize(value ?? '');
  if (number === undefined || more.length > 0) {
    throw new UserError(`--sysctl ${text}: expected NAME=NUMBER, as in vm.overcommit_memory=2`);
  }
  const names = [...sysctlNames, ...HUGETLB_SYSCTLS];
  if (!names.includes(name)) {
    throw new UserError(`--sysctl ${text}: this machine has no sysctl "${name}"${suggestion(name, names)}`);
  }
  const refused = HUGETLB_SYSCTLS.includes(name) ? number < 0 : setSysctl(defaultParams(), name, number) === 'invalid';
  if (refused) {
    throw new UserError(`--sysctl ${text}: the kernel refuses this value`);
  }
  return [name, number];
}
