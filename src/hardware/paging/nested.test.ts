import { expect, test } from 'vitest';
import { Cpu } from '../cpu.ts';
import { PhysicalMemory } from '../physical-memory.ts';
import { processorNamed } from '../processors/index.ts';
import { WALK_STEPS, WALKS } from '../tlb/counters.ts';
import { walkLoads } from './nested.ts';

/** What walks of so many steps each read, on a processor of a name. */
function loads(name: string, nested: boolean, walks: number, steps: number): number {
  const cpu = new Cpu(0, processorNamed(name), new PhysicalMemory(16), 4, nested);
  cpu.counters.values[WALKS] = walks;
  cpu.counters.values[WALK_STEPS] = walks * steps;
  return walkLoads(cpu);
}

test('does a walk in a guest read up to 24 entries, and few where walk caches know the way?', () => {
  expect(loads('textbook', false, 1, 4)).toBe(4);
  expect(loads('textbook', true, 1, 4)).toBe(24);
  expect(loads('zen5', false, 10, 1)).toBe(10);
  expect(loads('zen5', true, 10, 1)).toBe(30);
});
