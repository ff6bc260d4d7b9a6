import type { CgroupTree } from '../../cgroup/cgroup-tree.ts';
import type { PageCore } from '../../core.ts';
import type { FileCalls } from '../../page-cache/system-calls.ts';
import type { Process } from '../../process/process.ts';
import type { VmstatSource } from '../vmstat-text.ts';

/**
 * A file of /proc or /sys. Its text is made when it is read. Without `write` it is read-only, without `read` it can only
 * be written.
 */
export interface SystemFile {
  /** @returns the whole text, or a negated errno */
  read?(): string | number;
  /** What write(2) of a whole text answers. @returns 0 or a negated errno */
  write?(text: string): number;
}

/** The kernel as its files see it. */
export interface TreeSource extends PageCore, VmstatSource {
  readonly swap: PageCore['swap'];
  readonly allocator: PageCore['allocator'];
  readonly params: PageCore['params'];
  readonly commitments: { readonly limit: number; readonly committed: number };
  readonly processes: { readonly all: ReadonlyMap<number, Process> };
  readonly cgroupTree: CgroupTree;
  /** Writes /sys/kernel/mm/lru_gen/enabled. */
  setLruGen(bits: number): void;
  readonly files: Pick<FileCalls, 'syncAll' | 'dropAll'>;
  /** Writes a file of /sys/kernel/mm/transparent_hugepage and lets it act; undefined when it cannot be written. */
  writeThp(name: string, text: string): number | undefined;
  /** Sets a sysctl and lets it act. */
  sysctl(name: string, value: number): 'set' | 'unknown' | 'invalid';
}

/** A file that can only be read. */
export const readOnly = (read: () => string): SystemFile => ({ read });

/** The whole number that a text holds, as kstrtol reads it (one line end is no part of it), or undefined. */
export function wholeNumber(text: string): number | undefined {
  const trimmed = text.trim();
  return /^[+-]?\d+$/.test(trimmed) ? Number(trimmed) : undefined;
}
