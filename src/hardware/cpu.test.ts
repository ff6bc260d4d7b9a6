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
  PTE_HI_NX,
  PTE_PRESENT,
  PTE_USER,
  PTE_WRITE,
} from './paging/entry.ts';
import { PhysicalMemory } from './physical-memory.ts';
import { processorNamed, processors } from './processors/index.ts';
import { PageMapper } from './testing/page-mapper.ts';
import { LOADS, STORES, WALKS } from './tlb/counters.ts';
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
    expect(cpu.counters.toJSON().l1Data.hits['4K']).toBe(9);
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
});
