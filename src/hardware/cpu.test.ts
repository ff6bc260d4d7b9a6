import { describe, expect, test } from 'vitest';
import { Cpu, FETCH, LOAD, STORE } from './cpu.ts';
import {
  entryHi,
  entryLo,
  PF_FETCH,
  PF_PRESENT,
  PF_USER,
  PF_WRITE,
  PTE_ACCESSED,
  PTE_DIRTY,
  PTE_GLOBAL,
  PTE_HI_NX,
  PTE_PRESENT,
  PTE_USER,
  PTE_WRITE,
} from './paging/entry.ts';
import { PhysicalMemory } from './physical-memory.ts';
import { processorNamed, processors } from './processors/index.ts';
import { PageMapper } from './testing/page-mapper.ts';
import { LOADS, STORES, WALK_STEPS, WALKS } from './tlb/counters.ts';
import { pfn, vpn } from './units.ts';

const USER = PTE_PRESENT | PTE_WRITE | PTE_USER;

function boot(name: string, levels: 4 | 5 = 4) {
  const memory = new PhysicalMemory(4096);
  const mapper = new PageMapper(memory, levels);
  const cpu = new Cpu(0, processorNamed(name), memory, levels);
  const root = mapper.newRoot();
  cpu.switchTo(root, 1, false);
  return { memory, mapper, cpu, root };
}

describe.each(Object.keys(processors))('cpu %s', (name) => {
  test('does an access hit after the first one, with the frame of its entry?', () => {
    const { mapper, cpu, root } = boot(name);
    mapper.map(root, vpn(0x7ffff1234), pfn(77), USER, PTE_HI_NX);
    expect(cpu.translate(vpn(0x7ffff1234), LOAD)).toBe(77);
    expect(cpu.access(vpn(0x7ffff1234), LOAD, 9)).toBe(77);
    expect(cpu.counters.values[WALKS]).toBe(1);
    expect(cpu.counters.values[LOADS]).toBe(10);
    expect(cpu.counters.toJSON().l1Data.hits).toBe(9);
  });

  test('is the dirty bit set by the first store only, with one more walk?', () => {
    const { mapper, cpu, root } = boot(name);
    const page = vpn(0x1234);
    mapper.map(root, page, pfn(5), USER, 0);
    cpu.access(page, LOAD, 3);
    expect(mapper.lo(root, page)).toBe(entryLo(pfn(5), USER | PTE_ACCESSED));
    expect(cpu.access(page, STORE, 2)).toBe(5);
    expect(mapper.lo(root, page)).toBe(entryLo(pfn(5), USER | PTE_ACCESSED | PTE_DIRTY));
    expect(cpu.counters.values[WALKS]).toBe(2);
    cpu.access(page, STORE, 2);
    expect(cpu.counters.values[WALKS]).toBe(2);
    expect(cpu.counters.values[STORES]).toBe(4);
    expect(cpu.counters.toJSON().dirtyWalks).toBe(1);
  });

  test('are refused accesses faults that nothing caches?', () => {
    const { memory, mapper, cpu, root } = boot(name);
    const page = vpn(0x55);
    expect(cpu.translate(page, STORE)).toBe(-(PF_USER | PF_WRITE) - 1);
    mapper.map(root, page, pfn(6), PTE_PRESENT | PTE_USER, PTE_HI_NX);
    expect(cpu.translate(page, FETCH)).toBe(-(PF_USER | PF_FETCH | PF_PRESENT) - 1);
    expect(cpu.translate(page, LOAD)).toBe(6);
    expect(cpu.translate(page, STORE)).toBe(-(PF_USER | PF_WRITE | PF_PRESENT) - 1);
    const slot = mapper.slot(root, page);
    memory.write(slot.table, slot.index, entryLo(pfn(7), USER), entryHi(pfn(7), 0));
    expect(cpu.translate(page, STORE)).toBe(7);
    expect(cpu.translate(page, FETCH)).toBe(7);
  });

  test('is the old frame served until INVLPG, and not after it?', () => {
    const { mapper, cpu, root } = boot(name);
    const page = vpn(0x77);
    mapper.map(root, page, pfn(8), USER, 0);
    cpu.translate(page, LOAD);
    mapper.map(root, page, pfn(9), USER, 0);
    expect(cpu.translate(page, LOAD)).toBe(8);
    cpu.invlpg(page, 1);
    expect(cpu.translate(page, LOAD)).toBe(9);
  });

  test('does a large page hit for all pages within it, until it is invalidated through any of them?', () => {
    const { mapper, cpu, root } = boot(name);
    mapper.map(root, vpn(512 * 9), pfn(512), USER, 0, 1);
    for (let page = 0; page < 512; page++) expect(cpu.access(vpn(512 * 9 + page), LOAD, 2)).toBe(512 + page);
    expect(cpu.counters.values[WALKS]).toBe(1);
    expect(cpu.counters.toJSON().l1Data.hits).toBe(1023);
    mapper.map(root, vpn(512 * 9), pfn(1024), USER, 0, 1);
    cpu.invlpg(vpn(512 * 9 + 77), 1);
    expect(cpu.translate(vpn(512 * 9 + 3), LOAD)).toBe(1024 + 3);
  });

  test('does INVLPG forget where page tables were, not only pages?', () => {
    const { memory, mapper, cpu, root } = boot(name);
    mapper.map(root, vpn(3), pfn(8), USER, 0);
    cpu.translate(vpn(3), LOAD);
    const directory = mapper.slot(root, vpn(3), 1);
    memory.write(directory.table, directory.index, 0, 0);
    mapper.map(root, vpn(4), pfn(9), USER, 0);
    cpu.invlpg(vpn(3), 1);
    expect(cpu.translate(vpn(4), LOAD)).toBe(9);
  });

  test('do global translations survive a change of address space, and not a flush of all?', () => {
    const { mapper, cpu, root } = boot(name);
    mapper.map(root, vpn(3), pfn(8), USER | PTE_GLOBAL, 0);
    cpu.translate(vpn(3), LOAD);
    const other = mapper.newRoot();
    cpu.switchTo(other, 2, false);
    expect(cpu.translate(vpn(3), LOAD)).toBe(8);
    cpu.flushAll(true);
    expect(cpu.translate(vpn(3), LOAD)).toBeLessThan(0);
  });

  test('are address spaces told apart, and does noFlush keep one only with PCIDs?', () => {
    const { mapper, cpu, root } = boot(name);
    const other = mapper.newRoot();
    mapper.map(root, vpn(3), pfn(8), USER, 0);
    mapper.map(other, vpn(3), pfn(9), USER, 0);
    cpu.translate(vpn(3), LOAD);
    cpu.switchTo(other, 2, false);
    expect(cpu.translate(vpn(3), LOAD)).toBe(9);
    cpu.switchTo(root, 1, true);
    const walks = cpu.counters.values[WALKS];
    expect(cpu.translate(vpn(3), LOAD)).toBe(8);
    expect(cpu.counters.values[WALKS] - walks).toBe(cpu.model.pcid ? 0 : 1);
  });

  test('do rights that were widened count without an invalidation?', () => {
    const { mapper, cpu, root } = boot(name);
    mapper.map(root, vpn(3), pfn(8), PTE_PRESENT | PTE_USER, PTE_HI_NX);
    cpu.translate(vpn(3), LOAD);
    mapper.map(root, vpn(3), pfn(9), USER, 0);
    expect(cpu.translate(vpn(3), STORE)).toBe(9);
    expect(cpu.translate(vpn(3), LOAD)).toBe(9);
    expect(cpu.translate(vpn(3), FETCH)).toBe(9);
  });

  test('does it walk five levels up to page 2^44?', () => {
    const { mapper, cpu, root } = boot(name, 5);
    const page = vpn(2 ** 44 - 7);
    mapper.map(root, page, pfn(8), USER, 0);
    expect(cpu.translate(page, STORE)).toBe(8);
    expect(cpu.counters.toJSON().walkSteps).toBe(5);
    expect(cpu.translate(page, STORE)).toBe(8);
    expect(() => cpu.switchTo(root, 127, false)).toThrow(RangeError);
  });
});

describe('page-walk caches', () => {
  test('does a fault forget the tables on the way to its page, and no others?', () => {
    const { mapper, cpu, root } = boot('zen3');
    const steps = (page: number): number => {
      const before = cpu.counters.values[WALK_STEPS];
      cpu.translate(vpn(page), LOAD);
      return cpu.counters.values[WALK_STEPS] - before;
    };
    for (const page of [1, 2, 3, 600, 601, 2 ** 18, 2 ** 18 + 1]) mapper.map(root, vpn(page), pfn(50), USER, 0);
    expect([steps(1), steps(2), steps(600), steps(2 ** 18)]).toEqual([4, 1, 2, 3]);
    expect(steps(7)).toBe(1);
    expect([steps(2 ** 18 + 1), steps(601), steps(3)]).toEqual([1, 1, 4]);
    expect([steps(8), steps(9)]).toEqual([1, 4]);
    mapper.map(root, vpn(9), pfn(50), USER, 0);
    expect([steps(9), steps(4)]).toEqual([4, 1]);
  });
});

describe('processors', () => {
  test('does an unknown name list the known ones?', () => {
    expect(() => processorNamed('z80')).toThrow(
      "unknown processor 'z80'; known are zen3, zen4, zen5, skylake, sapphirerapids, textbook",
    );
  });

  test.each(Object.entries(processors))('does %s say where its numbers come from?', (name, model) => {
    expect(model.name).toBe(name);
    expect(model.sources.length).toBeGreaterThan(0);
  });
});
