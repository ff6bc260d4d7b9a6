/** The files of /sys/kernel/mm/transparent_hugepage: their text, and what may be written into them. */
import { EINVAL } from '../errno.ts';
import {
  type DefragMode,
  type Khugepaged,
  LEAST_ORDER,
  LEAST_SHMEM_ORDER,
  PMD_ORDER,
  type ShmemMode,
  type ShmemSizeMode,
  type SizeMode,
  type ThpMode,
  type ThpSettings,
} from './settings.ts';

const MODES: readonly ThpMode[] = ['always', 'madvise', 'never'];
const SIZE_MODES: readonly SizeMode[] = ['always', 'inherit', 'madvise', 'never'];
const DEFRAG_MODES: readonly DefragMode[] = ['always', 'defer', 'defer+madvise', 'madvise', 'never'];
const SHMEM_MODES: readonly ShmemMode[] = ['always', 'within_size', 'advise', 'never', 'deny', 'force'];
const SHMEM_SIZE_MODES: readonly ShmemSizeMode[] = ['always', 'inherit', 'within_size', 'advise', 'never'];

/** One file: its text, and the writing of a value, which may be refused. */
interface ThpFile {
  read(settings: ThpSettings): string;
  /** @returns 0 or -EINVAL; undefined: the file cannot be written */
  readonly write?: (settings: ThpSettings, text: string) => number;
}

const chosen = (modes: readonly string[], now: string): string =>
  modes.map((mode) => (mode === now ? `[${mode}]` : mode)).join(' ');

/** A file that shows all its values, the present one in brackets. */
function choice<Mode extends string>(
  modes: readonly Mode[],
  get: (settings: ThpSettings) => string,
  set: (settings: ThpSettings, mode: Mode) => void,
): ThpFile {
  return {
    read: (settings) => chosen(modes, get(settings)),
    write: (settings, text) => {
      const mode = modes.find((known) => known === text.trim());
      if (mode === undefined) return -EINVAL;
      set(settings, mode);
      return 0;
    },
  };
}

const wholeNumber = (text: string): number => (/^\d+\s*$/.test(text) ? Number(text) : Number.NaN);

function flag(get: (settings: ThpSettings) => boolean, set: (settings: ThpSettings, on: boolean) => void): ThpFile {
  return {
    read: (settings) => (get(settings) ? '1' : '0'),
    write: (settings, text) => {
      const value = wholeNumber(text);
      if (value !== 0 && value !== 1) return -EINVAL;
      set(settings, value === 1);
      return 0;
    },
  };
}

type NumberKey = { [Key in keyof Khugepaged]: Khugepaged[Key] extends number ? Key : never }[keyof Khugepaged];

function khugepagedNumber(key: NumberKey, least: number, most: number): ThpFile {
  return {
    read: ({ khugepaged }) => String(khugepaged[key]),
    write: ({ khugepaged }, text) => {
      const value = wholeNumber(text);
      if (!(value >= least && value <= most)) return -EINVAL;
      khugepaged[key] = value;
      return 0;
    },
  };
}

const UINT_MAX = 2 ** 32 - 1;
const LAST_PTE = (1 << PMD_ORDER) - 1;

/** The folder of one size: `hugepages-64kB`. */
export const sizeFolder = (order: number): string => `hugepages-${4 << order}kB`;

const FILES: ReadonlyMap<string, ThpFile> = new Map<string, ThpFile>([
  [
    'enabled',
    choice(
      MODES,
      (s) => s.enabled,
      (s, mode) => {
        s.enabled = mode;
      },
    ),
  ],
  [
    'defrag',
    choice(
      DEFRAG_MODES,
      (s) => s.defrag,
      (s, mode) => {
        s.defrag = mode;
      },
    ),
  ],
  [
    'use_zero_page',
    flag(
      (s) => s.useZeroPage,
      (s, on) => {
        s.useZeroPage = on;
      },
    ),
  ],
  [
    'shrink_underused',
    flag(
      (s) => s.shrinkUnderused,
      (s, on) => {
        s.shrinkUnderused = on;
      },
    ),
  ],
  ['hpage_pmd_size', { read: () => String(4096 << PMD_ORDER) }],
  [
    'shmem_enabled',
    choice(
      SHMEM_MODES,
      (s) => s.shmemEnabled,
      (s, mode) => {
        s.shmemEnabled = mode;
      },
    ),
  ],
  ['khugepaged/pages_to_scan', khugepagedNumber('pagesToScan', 1, UINT_MAX)],
  ['khugepaged/scan_sleep_millisecs', khugepagedNumber('scanSleepMillisecs', 0, UINT_MAX)],
  ['khugepaged/alloc_sleep_millisecs', khugepagedNumber('allocSleepMillisecs', 0, UINT_MAX)],
  ['khugepaged/max_ptes_none', khugepagedNumber('maxPtesNone', 0, LAST_PTE)],
  ['khugepaged/max_ptes_swap', khugepagedNumber('maxPtesSwap', 0, LAST_PTE)],
  ['khugepaged/max_ptes_shared', khugepagedNumber('maxPtesShared', 0, LAST_PTE)],
  [
    'khugepaged/defrag',
    flag(
      (s) => s.khugepaged.defrag,
      (s, on) => {
        s.khugepaged.defrag = on;
      },
    ),
  ],
  ...orders(LEAST_ORDER).map((order): [string, ThpFile] => [
    `${sizeFolder(order)}/enabled`,
    choice(
      SIZE_MODES,
      (s) => s.sizes[order] ?? 'never',
      (s, mode) => {
        s.sizes[order] = mode;
      },
    ),
  ]),
  ...orders(LEAST_SHMEM_ORDER).map((order): [string, ThpFile] => [
    `${sizeFolder(order)}/shmem_enabled`,
    choice(
      SHMEM_SIZE_MODES,
      (s) => s.shmemSizes[order] ?? 'never',
      (s, mode) => {
        s.shmemSizes[order] = mode;
      },
    ),
  ]),
]);

function orders(least: number): number[] {
  return Array.from({ length: PMD_ORDER - least + 1 }, (_, i) => least + i);
}

/** Names of the files below /sys/kernel/mm/transparent_hugepage that hold settings. */
export const thpSettingNames: readonly string[] = [...FILES.keys()];

/** @returns the text of a file without its line end, undefined when there is no such file */
export const readThpSetting = (settings: ThpSettings, name: string): string | undefined =>
  FILES.get(name)?.read(settings);

/** Writes a file. @returns 0, -EINVAL for a value that the kernel refuses, undefined when no such file can be written */
export const writeThpSetting = (settings: ThpSettings, name: string, text: string): number | undefined =>
  FILES.get(name)?.write?.(settings, text);
