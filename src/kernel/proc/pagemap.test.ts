import { expect, test } from 'vitest';
import { PTE_PRESENT } from '../../hardware/paging/entry.ts';
import { vpn } from '../../hardware/units.ts';
import * as fr from '../frames/frame-table.ts';
import { guardEntryLo, PTE_PROTNONE, PTE_SPECIAL } from '../page-table/soft-entry.ts';
import { dirtyCharacter, filePagesOf, lruCharacter, pagesOf } from './pagemap.ts';
import { HandMadeProcess } from './testing.ts';

test('does each page have its character, in strings as long as the range?', () => {
  const process = new HandMadeProcess();
  process.page(vpn(0), { mapping: -1, mapcount: 1, flags: fr.PG_LRU });
  process.page(vpn(1), { mapping: -1, mapcount: 2, flags: fr.PG_LRU | fr.PG_ACTIVE });
  process.page(vpn(2), { mapping: 7, mapcount: 1, flags: fr.PG_DIRTY });
  process.page(vpn(3), { mapping: 7, mapcount: 2, flags: fr.PG_REFERENCED });
  process.page(vpn(4), { mapping: 0, flags: fr.PG_RESERVED }, PTE_SPECIAL);
  process.entry(vpn(6), guardEntryLo, 0);
  expect(pagesOf(process, process.mm, vpn(0), 8)).toEqual({ pagemap: 'AaFfz.x.', lru: 'ia-r-...', dirty: 'ccDcc...' });
});

test('is a range without any table all dots, and are strings that say nothing left out?', () => {
  const process = new HandMadeProcess();
  expect(pagesOf(process, process.mm, vpn(5000), 3)).toEqual({ pagemap: '...' });
  process.page(vpn(5001), { mapping: -1 });
  expect(pagesOf(process, process.mm, vpn(5000), 3)).toEqual({ pagemap: '.A.', lru: '.-.' });
});

test('is a page that mprotect(PROT_NONE) hid from the processor still there for the kernel?', () => {
  const process = new HandMadeProcess();
  process.page(vpn(9));
  const slot = process.pageTables.find(process.mm, vpn(9));
  const lo = (process.pageTables.lo(slot) & ~PTE_PRESENT) | PTE_PROTNONE;
  process.pageTables.set(slot, lo, process.pageTables.hi(slot));
  expect(pagesOf(process, process.mm, vpn(9), 1).pagemap).toBe('A');
});

test('do the list and the dirtiness of a page have the characters of the scenario language?', () => {
  const lists = [0, fr.PG_REFERENCED, fr.PG_ACTIVE, fr.PG_ACTIVE | fr.PG_REFERENCED];
  expect(lists.map(lruCharacter).join('')).toBe('-rbB');
  expect(lists.map((flags) => lruCharacter(flags | fr.PG_LRU)).join('')).toBe('iIaA');
  expect(lruCharacter(fr.PG_LRU | fr.PG_UNEVICTABLE)).toBe('u');
  const swapCached = fr.PG_SWAPCACHE | fr.PG_SWAPBACKED;
  const dirty = [0, fr.PG_DIRTY, fr.PG_DIRTY | fr.PG_WRITEBACK, swapCached, swapCached | fr.PG_DIRTY, fr.PG_MLOCKED];
  expect(dirty.map(dirtyCharacter).join('')).toBe('cDwsSm');
});

test("are a file's pages told whether someone maps them or not?", () => {
  const { table } = new HandMadeProcess();
  table.flags[3] = fr.PG_LRU | fr.PG_ACTIVE | fr.PG_HEAD;
  table.flags[4] = fr.PG_TAIL | fr.PG_DIRTY;
  expect(filePagesOf(table, 4, (index) => [-1, 3, 4, -1][index] ?? -1)).toEqual({
    resident: '.11.',
    lru: '.a-.',
    dirty: '.cD.',
    folios: '.ht.',
  });
});
