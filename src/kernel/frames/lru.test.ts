import { describe, expect, test } from 'vitest';
import { type Pfn, pfn } from '../../hardware/units.ts';
import { VmStat } from '../vmstat.ts';
import { FrameTable, PG_ACTIVE, PG_LRU, PG_REFERENCED, PG_SWAPBACKED, PG_UNEVICTABLE } from './frame-table.ts';
import { LRU_ACTIVE_ANON, LRU_INACTIVE_ANON, LRU_INACTIVE_FILE, LRU_UNEVICTABLE, LruLists } from './lru.ts';

function fresh(): { table: FrameTable; lru: LruLists; add: (n: number) => Pfn } {
  const table = new FrameTable(100);
  const lru = new LruLists(table, new VmStat());
  const add = (n: number): Pfn => {
    table.flags[n] = PG_SWAPBACKED;
    lru.add(pfn(n));
    return pfn(n);
  };
  return { table, lru, add };
}

describe('LRU lists', () => {
  test('does a new page wait until 31 are together?', () => {
    const { table, lru, add } = fresh();
    for (let n = 1; n <= 30; n++) add(n);
    expect(lru.sizes[LRU_INACTIVE_ANON]).toBe(0);
    add(31);
    expect(lru.sizes[LRU_INACTIVE_ANON]).toBe(31);
    expect([...lru.frames(LRU_INACTIVE_ANON)][0]).toBe(31);
    expect(table.has(pfn(1), PG_LRU)).toBe(true);
  });

  test('does the second use of a page activate it, and the first only mark it?', () => {
    const { table, lru, add } = fresh();
    const page = add(5);
    lru.drain();
    lru.markAccessed(page);
    expect(table.has(page, PG_REFERENCED) && !table.has(page, PG_ACTIVE)).toBe(true);
    lru.markAccessed(page);
    expect([...lru.frames(LRU_INACTIVE_ANON)]).toEqual([5]);
    lru.drain();
    expect([...lru.frames(LRU_ACTIVE_ANON)]).toEqual([5]);
    expect(table.has(page, PG_REFERENCED)).toBe(false);
    lru.deactivate(page);
    expect([...lru.frames(LRU_INACTIVE_ANON)]).toEqual([5]);
  });

  test('does a page that was freed while it waited stay off the lists?', () => {
    const { table, lru, add } = fresh();
    const page = add(7);
    lru.remove(page);
    table.flags[7] = 0;
    lru.drain();
    expect([...lru.frames(LRU_INACTIVE_ANON)]).toEqual([]);
  });

  test('does a locked page leave the lists that are scanned, and come back when it is unlocked?', () => {
    const { table, lru, add } = fresh();
    const page = add(9);
    lru.drain();
    lru.makeUnevictable(page);
    expect([...lru.frames(LRU_UNEVICTABLE)]).toEqual([9]);
    expect(table.has(page, PG_UNEVICTABLE)).toBe(true);
    lru.makeEvictable(page);
    expect([...lru.frames(LRU_INACTIVE_ANON)]).toEqual([9]);
  });

  test('does a page that may be forgotten stand among the file pages, once its batch is drained?', () => {
    const { lru, add } = fresh();
    const page = add(11);
    lru.drain();
    lru.makeLazyFree(page);
    expect([...lru.frames(LRU_INACTIVE_FILE)]).toEqual([]);
    lru.drain();
    expect([...lru.frames(LRU_INACTIVE_FILE)]).toEqual([11]);
  });

  test('is a saved state the same after restoring?', () => {
    const { lru, add, table } = fresh();
    for (let n = 1; n <= 40; n++) add(n);
    const copy = new LruLists(table, new VmStat());
    copy.restore(lru.save());
    expect(copy.save()).toEqual(lru.save());
    expect([...copy.frames(LRU_INACTIVE_ANON)]).toEqual([...lru.frames(LRU_INACTIVE_ANON)]);
  });
});
