import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PhysicalMemory } from '../../hardware/physical-memory.ts';
import { type Pfn, pfn, type Vpn, vpn } from '../../hardware/units.ts';
import { Mm } from '../address-space/mm.ts';
import { PageTables } from './page-tables.ts';

function fresh(levels = 4): { tables: PageTables; mm: Mm; inUse: Set<number> } {
  const memory = new PhysicalMemory(4096);
  const inUse = new Set<number>([1]);
  const tables = new PageTables(
    memory,
    {
      allocateTable: () => {
        for (let frame = 2; frame < 4096; frame++)
          if (!inUse.has(frame)) {
            inUse.add(frame);
            return pfn(frame);
          }
        return -1;
      },
      keepSpare: () => {},
      takeSpare: () => pfn(0),
      releaseTable: (frame: Pfn) => {
        memory.clear(frame);
        inUse.delete(frame);
      },
    },
    levels,
  );
  return { tables, mm: new Mm(1, pfn(1), vpn(0)), inUse };
}

const pages = fc.oneof(fc.integer({ min: 0, max: 2 ** 35 - 1 }), fc.integer({ min: 0x7ffff0000, max: 0x7ffff7fff }));

describe('page tables', () => {
  test('does a first page cost a table on each of three levels, and its neighbour none?', () => {
    const { tables, mm } = fresh();
    expect(tables.find(mm, vpn(0x7ffff7fff))).toBe(-1);
    const slot = tables.findOrCreate(mm, vpn(0x7ffff7fff));
    expect(mm.pgtablesBytes).toBe(3 * 4096);
    expect(tables.findOrCreate(mm, vpn(0x7ffff7ffe))).toBe(slot - 1);
    expect(mm.pgtablesBytes).toBe(3 * 4096);
  });

  test('does a fifth level cost a table that VmPTE does not count?', () => {
    const { tables, mm, inUse } = fresh(5);
    tables.findOrCreate(mm, vpn(2 ** 43));
    expect(mm.pgtablesBytes).toBe(3 * 4096);
    expect(inUse.size).toBe(1 + 4);
  });

  test('is every entry found again, and only those, as in a plain map?', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(pages, fc.integer()), { maxLength: 60 }), (writes) => {
        const { tables, mm } = fresh();
        const model = new Map<number, number>();
        for (const [page, value] of writes) {
          tables.set(tables.findOrCreate(mm, vpn(page)), value, ~value);
          model.set(page, value | 0);
        }
        for (const [page, value] of model) {
          const slot = tables.find(mm, vpn(page));
          expect([tables.lo(slot), tables.hi(slot)]).toEqual([value, ~value]);
        }
        const seen = new Map<number, number>();
        tables.forEachTable(mm, vpn(0), vpn(2 ** 35), (first, page, count) => {
          for (let i = 0; i < count; i++)
            if (tables.lo(first + i) || tables.hi(first + i)) seen.set(page + i, tables.lo(first + i));
        });
        expect([...seen].sort(([a], [b]) => a - b)).toEqual([...model].sort(([a], [b]) => a - b));
      }),
      { numRuns: 50 },
    );
  });

  test('do tables go only when no mapping is left in their 2 MiB, 1 GiB and 512 GiB?', () => {
    const { tables, mm, inUse } = fresh();
    for (const page of [0, 600, 1100]) tables.findOrCreate(mm, vpn(page));
    expect(mm.pgtablesBytes).toBe(5 * 4096);
    // Pages 512 to 1023 are unmapped, mappings end at 512 and begin at 1024: one table of the last level goes.
    tables.freeRange(mm, vpn(512), vpn(1024), vpn(512), vpn(1024));
    expect(mm.pgtablesBytes).toBe(4 * 4096);
    // The neighbour below reaches into the table: nothing goes.
    tables.freeRange(mm, vpn(10), vpn(20), vpn(5), vpn(1024));
    expect(mm.pgtablesBytes).toBe(4 * 4096);
    tables.freeRange(mm, vpn(0), vpn(2000), vpn(0), vpn(2 ** 35));
    expect(mm.pgtablesBytes).toBe(0);
    expect([...inUse]).toEqual([1]);
  });

  test('does an emptied last-level table go, and a used one stay?', () => {
    const { tables, mm } = fresh();
    const slot = tables.findOrCreate(mm, vpn(5));
    tables.set(slot, 1, 0);
    tables.freeLastLevel(mm, vpn(0));
    expect(mm.pgtablesBytes).toBe(3 * 4096);
    tables.clear(slot);
    tables.freeLastLevel(mm, vpn(0));
    expect(mm.pgtablesBytes).toBe(2 * 4096);
    expect(tables.find(mm, vpn(5) as Vpn)).toBe(-1);
  });
});
