/** Page faults by what they were taken on, as a reader of /proc/PID/maps would name it. */

import { PAGE_SIZE } from '../../hardware/units.ts';
import type { Mm } from '../../kernel/address-space/mm.ts';
import { VM_GROWSDOWN } from '../../kernel/address-space/vm-flags.ts';
import type { Vma } from '../../kernel/address-space/vma.ts';

export interface FaultCounts {
  minor: number;
  major: number;
}

/** The name of a mapping: a file's path, [heap], [stack], [vdso] and its kin, or [anon]. */
export function mappingName(mm: Mm, vma: Vma | undefined): string {
  if (vma === undefined) return '[unmapped]';
  if (vma.special !== undefined) return vma.special.name;
  if (vma.file !== undefined) return vma.file.inode.name;
  if (vma.flags & VM_GROWSDOWN) return '[stack]';
  const inHeap = vma.start * PAGE_SIZE < mm.brk && vma.end * PAGE_SIZE > mm.startBrk;
  return inHeap ? '[heap]' : '[anon]';
}

export class FaultLedger {
  readonly #counts = new Map<string, FaultCounts>();

  add(name: string, minor: number, major: number): void {
    const counts = this.#counts.get(name);
    if (counts === undefined) this.#counts.set(name, { minor, major });
    else {
      counts.minor += minor;
      counts.major += major;
    }
  }

  /** Names with their counts, most faults first, equal ones by name. */
  get rows(): [string, FaultCounts][] {
    const total = ({ minor, major }: FaultCounts): number => minor + major;
    return [...this.#counts].sort(([a, x], [b, y]) => total(y) - total(x) || (a < b ? -1 : 1));
  }

  save(): [string, FaultCounts][] {
    return structuredClone([...this.#counts]);
  }

  restore(rows: readonly (readonly [string, FaultCounts])[]): void {
    this.#counts.clear();
    for (const [name, counts] of rows) this.#counts.set(name, { ...counts });
  }
}
