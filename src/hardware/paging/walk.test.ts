import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PhysicalMemory } from '../physical-memory.ts';
import { processors } from '../processors/index.ts';
import { PageMapper } from '../testing/page-mapper.ts';
import { translateByHand } from '../testing/translate-by-hand.ts';
import { FETCH, LOAD, STORE } from '../tlb/translation.ts';
import { pfn, vpn } from '../units.ts';
import {
  entryHi,
  entryLo,
  PF_FETCH,
  PF_PRESENT,
  PF_PROTECTION_KEY,
  PF_RESERVED,
  PF_USER,
  PF_WRITE,
  PTE_ACCESSED,
  PTE_DIRTY,
  PTE_HI_NX,
  PTE_HI_PKEY_SHIFT,
  PTE_PRESENT,
  PTE_USER,
  PTE_WRITE,
} from './entry.ts';
import { PKRU_ACCESS_DISABLE, PKRU_WRITE_DISABLE } from './protection-keys.ts';
import { PageWalker } from './walk.ts';

const USER = PTE_PRESENT | PTE_WRITE | PTE_USER;
const PAGE = vpn(0x7f1234567);
const fault = (code: number): number => -((code | PF_USER) + 1);

function setUp(levels: 4 | 5 = 4) {
  const memory = new PhysicalMemory(2 ** 20);
  const mapper = new PageMapper(memory, levels);
  const root = mapper.newRoot();
  const walker = new PageWalker(memory, processors.zen3, levels);
  const walk = (page: number, kind: number, pkru = 0): number => walker.walk(root, page, kind, 1, pkru, 1);
  return { memory, mapper, root, walker, walk };
}

describe('page walk', () => {
  test.each([4, 5] as const)('does a walk of %i levels read as many entries?', (levels) => {
    const { mapper, root, walker, walk } = setUp(levels);
    mapper.map(root, PAGE, pfn(99), USER, 0);
    expect(walk(PAGE, LOAD)).toBe(99);
    expect(walker.steps).toBe(levels);
    expect(walker.shortened).toBe(false);
  });

  test('does a second walk nearby begin at the page table?', () => {
    const { mapper, root, walker, walk } = setUp();
    mapper.map(root, PAGE, pfn(99), USER, 0);
    mapper.map(root, vpn(PAGE + 1), pfn(98), USER, 0);
    walk(PAGE, LOAD);
    expect(walk(PAGE + 1, LOAD)).toBe(98);
    expect([walker.steps, walker.shortened]).toEqual([1, true]);
  });

  test('does a fault say what the access was and whether the page was present?', () => {
    const { mapper, root, walk } = setUp();
    expect(walk(PAGE, LOAD)).toBe(fault(0));
    expect(walk(PAGE, STORE)).toBe(fault(PF_WRITE));
    expect(walk(PAGE, FETCH)).toBe(fault(PF_FETCH));
    mapper.map(root, PAGE, pfn(99), PTE_PRESENT | PTE_USER, PTE_HI_NX);
    expect(walk(PAGE, LOAD)).toBe(99);
    expect(walk(PAGE, STORE)).toBe(fault(PF_PRESENT | PF_WRITE));
    expect(walk(PAGE, FETCH)).toBe(fault(PF_PRESENT | PF_FETCH));
  });

  test('is a supervisor page present but refused, and the kernel half not present?', () => {
    const { mapper, root, walk } = setUp();
    mapper.map(root, PAGE, pfn(99), PTE_PRESENT | PTE_WRITE, 0);
    expect(walk(PAGE, LOAD)).toBe(fault(PF_PRESENT));
    expect(walk(2 ** 35, LOAD)).toBe(fault(0));
    expect(walk(2 ** 36 - 1, STORE)).toBe(fault(PF_WRITE));
  });

  test('do reserved bits fault as such, at every level?', () => {
    const { memory, mapper, root, walk } = setUp();
    mapper.map(root, PAGE, pfn(99), USER, 1 << 17);
    expect(walk(PAGE, LOAD)).toBe(fault(PF_PRESENT | PF_RESERVED));
    for (const level of [1, 2]) {
      const other = setUp();
      other.mapper.map(other.root, PAGE, pfn(8), USER, 0, level);
      expect(other.walk(PAGE, STORE)).toBe(fault(PF_PRESENT | PF_RESERVED | PF_WRITE));
    }
    const top = mapper.slot(root, PAGE, 3);
    memory.write(top.table, top.index, memory.lo(top.table, top.index) | (1 << 7), memory.hi(top.table, top.index));
    expect(walk(PAGE, LOAD)).toBe(fault(PF_PRESENT | PF_RESERVED));
  });

  test('are large pages one translation, with the frame of the page within?', () => {
    const { mapper, root, walker, walk } = setUp();
    mapper.map(root, vpn(512 * 7), pfn(512 * 3), USER, 0, 1);
    expect(walk(512 * 7 + 5, LOAD)).toBe(512 * 3 + 5);
    expect([walker.frame, walker.steps]).toEqual([512 * 3, 3]);
    mapper.map(root, vpn(2 ** 18 * 9), pfn(2 ** 18), USER, 0, 2);
    expect(walk(2 ** 18 * 9 + 12345, LOAD)).toBe(2 ** 18 + 12345);
  });

  test('are accessed and dirty bits set only by accesses that pass?', () => {
    const { mapper, root, walk } = setUp();
    mapper.map(root, PAGE, pfn(99), PTE_PRESENT | PTE_USER, 0);
    walk(PAGE, STORE);
    for (const level of [0, 1, 2, 3]) expect(mapper.lo(root, PAGE, level) & (PTE_ACCESSED | PTE_DIRTY)).toBe(0);
    walk(PAGE, LOAD);
    for (const level of [0, 1, 2, 3])
      expect(mapper.lo(root, PAGE, level) & (PTE_ACCESSED | PTE_DIRTY)).toBe(PTE_ACCESSED);
    mapper.map(root, PAGE, pfn(99), USER, 0);
    walk(PAGE, STORE);
    expect(mapper.lo(root, PAGE)).toBe(entryLo(pfn(99), USER | PTE_ACCESSED | PTE_DIRTY));
    expect(mapper.lo(root, PAGE, 1) & PTE_DIRTY).toBe(0);
  });

  test('does a protection key refuse data but not fetches?', () => {
    const { mapper, root, walk } = setUp();
    mapper.map(root, PAGE, pfn(99), USER, 3 << PTE_HI_PKEY_SHIFT);
    const noAccess = PKRU_ACCESS_DISABLE << 6;
    const noWrite = PKRU_WRITE_DISABLE << 6;
    expect(walk(PAGE, LOAD, noAccess)).toBe(fault(PF_PRESENT | PF_PROTECTION_KEY));
    expect(walk(PAGE, STORE, noWrite)).toBe(fault(PF_PRESENT | PF_WRITE | PF_PROTECTION_KEY));
    expect(walk(PAGE, LOAD, noWrite)).toBe(99);
    expect(walk(PAGE, FETCH, noAccess | noWrite)).toBe(99);
  });

  test('does any entry give what the manual says?', () => {
    const entry = fc.record({
      flags: fc.array(fc.constantFrom(1 << 1, 1 << 2, 1 << 3, 1 << 5, 1 << 6, 1 << 8), { maxLength: 6 }),
      present: fc.integer({ min: 0, max: 9 }),
      hi: fc.constantFrom(0, 0, 0, PTE_HI_NX, 5 << PTE_HI_PKEY_SHIFT, 1 << 16, 1 << 19),
      frame: fc.integer({ min: 4096, max: 2 ** 20 - 1 }),
    });
    fc.assert(
      fc.property(
        entry,
        fc.integer({ min: 0, max: 2 }),
        fc.integer({ min: 0, max: 3 }),
        fc.constantFrom(0, 0x400, 0x800),
        (leaf, level, kindSeed, pkru) => {
          const { memory, mapper, root, walk } = setUp();
          const kind = kindSeed % 3;
          const flags = leaf.flags.reduce((sum, flag) => sum | flag, leaf.present > 0 ? PTE_PRESENT : 0);
          const frame = pfn(kindSeed === 3 ? leaf.frame : leaf.frame & -(512 ** level));
          mapper.map(root, PAGE, frame, flags, leaf.hi, level);
          const expected = translateByHand(memory, root, PAGE, kind, { levels: 4, physicalBits: 48, pkru });
          expect(walk(PAGE, kind, pkru)).toBe(expected);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('is a table beyond the memory an error of whoever wrote the entry?', () => {
    const { memory, root, walk } = setUp();
    memory.write(root, 0, entryLo(pfn(2 ** 20 + 5), USER), entryHi(pfn(2 ** 20 + 5), 0));
    expect(() => walk(0, LOAD)).toThrow(RangeError);
  });
});
