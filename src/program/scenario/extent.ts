import { addressOf, PAGE_SIZE } from '../../hardware/units.ts';
import { nameOf } from '../../kernel/proc/maps.ts';
import type { Task } from '../../kernel/process/process.ts';

/** The bytes that a mapping with this name covers now, or undefined when there is none. */
export function extentOf(task: Task, name: string): { address: number; length: number } | undefined {
  for (const vma of task.mm.vmas) {
    if (nameOf(vma) === name) return { address: addressOf(vma.start), length: vma.pages * PAGE_SIZE };
  }
  return undefined;
}
