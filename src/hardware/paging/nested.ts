import type { Cpu } from '../cpu.ts';
import { WALK_STEPS, WALKS } from '../tlb/counters.ts';

/** Levels of the tables that translate a guest's physical addresses. */
const NESTED_LEVELS = 4;

/**
 * Entries that walks have read from memory. In a guest every table of its own lies at a guest-physical address, which is
 * walked in turn before an entry can be read, and so is the page's own address at the end (AMD APM vol. 2, 15.25): a walk
 * of four steps without walk caches reads 24 entries. Caches of the nested walk, where the processor has walk caches at
 * all, are taken to leave one step of each.
 */
export function walkLoads({ counters, model, nested }: Pick<Cpu, 'counters' | 'model' | 'nested'>): number {
  const steps = counters.values[WALK_STEPS] as number;
  if (!nested) return steps;
  const nestedSteps = model.walkCaches.pageTables > 0 ? 1 : NESTED_LEVELS;
  return steps + (steps + (counters.values[WALKS] as number)) * nestedSteps;
}
