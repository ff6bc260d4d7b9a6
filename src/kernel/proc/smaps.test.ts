import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { PTE_ACCESSED, PTE_DIRTY } from '../../hardware/paging/entry.ts';
import { vpn } from '../../hardware/units.ts';
import * as vm from '../address-space/vm-flags.ts';
import { PG_DIRTY, PG_SWAPBACKED } from '../frames/frame-table.ts';
import { guardEntryLo, PTE_SPECIAL, swapEntry, swapHi, swapLo } from '../page-table/soft-entry.ts';
import { mapsText } from './maps.ts';
import { gatherSmaps, rollupOf, smapsOf } from './smaps.ts';
import { rollupText, smapsText } from './smaps-text.ts';
import { fileNamed, HandMadeProcess } from './testing.ts';

const fixture = (name: string) => readFileSync(new URL(`./fixtures/${name}.txt`, import.meta.url), 'utf8');
const MAY = vm.VM_MAYREAD | vm.VM_MAYWRITE | vm.VM_MAYEXEC;
const READ = vm.VM_READ | MAY;
const WRITE = vm.VM_READ | vm.VM_WRITE | MAY | vm.VM_ACCOUNT;
const VVAR = vm.VM_READ | vm.VM_MAYREAD | vm.VM_PFNMAP | vm.VM_IO | vm.VM_DONTEXPAND | vm.VM_DONTDUMP;
const ANON = { flags: PG_SWAPBACKED };

/** cat's own process as it was when the fixture was recorded: seven of its mappings, with their resident pages. */
function recordedCat(): HandMadeProcess {
  const cat = new HandMadeProcess();
  const { mm } = cat;
  mm.startBrk = 0x555555560000 as typeof mm.startBrk;
  mm.brk = 0x555555581000 as typeof mm.brk;
  mm.startStack = 0x7fffffffe000 as typeof mm.startStack;
  const page = (address: number, i: number) => vpn(address / 4096 + i);
  cat.map(0x555555554000, 0x555555556000, READ, { file: fileNamed('/usr/bin/cat', 260131) });
  for (let i = 0; i < 2; i++) cat.page(page(0x555555554000, i), { mapping: 1 });
  cat.map(0x555555560000, 0x555555581000, WRITE);
  for (let i = 0; i < 4; i++) cat.page(page(0x555555560000, i), ANON, PTE_DIRTY);
  const libc = fileNamed('/usr/lib/x86_64-linux-gnu/libc.so.6', 339380);
  cat.map(0x7ffff7dd5000, 0x7ffff7dfb000, READ, { file: libc });
  for (let i = 0; i < 38; i++) cat.page(page(0x7ffff7dd5000, i), { mapping: 2, mapcount: 10 });
  cat.map(0x7ffff7fc2000, 0x7ffff7fc6000, VVAR, { special: { name: '[vvar]', frames: [], counted: false } });
  cat.page(page(0x7ffff7fc2000, 0), {}, PTE_SPECIAL);
  cat.map(0x7ffff7fc8000, 0x7ffff7fca000, READ | vm.VM_EXEC | vm.VM_DONTEXPAND, {
    special: { name: '[vdso]', frames: [], counted: true },
  });
  cat.page(page(0x7ffff7fc8000, 0), { mapping: 3, mapcount: 20 });
  cat.map(0x7ffffffde000, 0x7ffffffff000, WRITE | vm.VM_GROWSDOWN);
  for (let i = 31; i < 33; i++) cat.page(page(0x7ffffffde000, i), ANON, PTE_DIRTY);
  return cat;
}

test('is smaps byte for byte what the real kernel printed of the same mappings?', () => {
  const cat = recordedCat();
  expect(smapsText(cat, cat.mm)).toBe(fixture('smaps'));
});

test('is maps the same lines without the numbers?', () => {
  const lines = fixture('smaps')
    .split('\n')
    .filter((line) => /^[0-9a-f]+-/.test(line));
  expect(mapsText(recordedCat().mm)).toBe(`${lines.join('\n')}\n`);
});

test('has smaps_rollup the layout of the real one, and the sums of the mappings?', () => {
  const cat = recordedCat();
  const blank = (text: string) =>
    text.replace(/^\S+-\S+/, 'RANGE').replace(/ *\d+ kB/g, (amount) => '#'.repeat(amount.length));
  expect(blank(rollupText(cat, cat.mm))).toBe(blank(fixture('rollup')));
  expect(rollupOf(cat, cat.mm)).toMatchObject({
    Rss: 188,
    Pss_Anon: 24,
    Pss_File: 23,
    Private_Dirty: 24,
    Shared_Clean: 156,
  });
});

/** Pages of one anonymous mapping at address 1 MiB, an object each. */
function mappingOf(pages: { frame?: Parameters<HandMadeProcess['page']>[1]; entry?: number }[], flags = WRITE) {
  const process = new HandMadeProcess();
  const vma = process.map(0x100000, 0x100000 + pages.length * 4096, flags);
  pages.forEach(({ frame, entry }, i) => {
    process.page(vpn(256 + i), frame, entry);
  });
  return { process, vma };
}

test('is a page of three processes a third, cut down only when it is printed?', () => {
  const { process, vma } = mappingOf(Array.from({ length: 3 }, () => ({ frame: { ...ANON, mapcount: 3 } })));
  expect(gatherSmaps(process, vma).pss).toBe(3 * 5592405);
  expect(smapsOf(process, vma)).toMatchObject({ Rss: 12, Pss: 3, Shared_Clean: 12, Private_Clean: 0 });
});

test('does either dirty bit make a page dirty, and the count of mappings make it shared?', () => {
  const { process, vma } = mappingOf([
    { frame: ANON, entry: PTE_DIRTY },
    { frame: { flags: PG_SWAPBACKED | PG_DIRTY, mapcount: 2 } },
    { frame: ANON },
  ]);
  expect(smapsOf(process, vma)).toMatchObject({ Private_Dirty: 4, Shared_Dirty: 4, Private_Clean: 4, Pss_Dirty: 6 });
});

test('is MADV_FREEd memory LazyFree until it is written again?', () => {
  const { process, vma } = mappingOf([
    { frame: { flags: 0 } },
    { frame: { flags: 0 }, entry: PTE_DIRTY },
    { frame: ANON },
  ]);
  expect(smapsOf(process, vma)).toMatchObject({ Anonymous: 12, LazyFree: 4 });
});

test('is only a page with an accessed entry or PG_referenced Referenced?', () => {
  const { process, vma } = mappingOf([{ frame: ANON }, { frame: ANON }]);
  const slot = process.pageTables.find(process.mm, vpn(256));
  process.pageTables.set(slot, process.pageTables.lo(slot) & ~PTE_ACCESSED, process.pageTables.hi(slot));
  expect(smapsOf(process, vma).Referenced).toBe(4);
});

test('is what is locked the proportional part of it?', () => {
  const { process, vma } = mappingOf([{ frame: { ...ANON, mapcount: 2 } }, { frame: ANON }], WRITE | vm.VM_LOCKED);
  expect(smapsOf(process, vma)).toMatchObject({ Rss: 8, Pss: 6, Locked: 6 });
});

test("is a page in swap that two processes share half of each one's?", () => {
  const { process, vma } = mappingOf([{ frame: ANON }, { frame: ANON }]);
  const entry = swapEntry(0, 7);
  process.entry(vpn(256), swapLo(entry, 0), swapHi(entry));
  expect(smapsOf(process, vma)).toMatchObject({ Rss: 4, Swap: 4, SwapPss: 2 });
});

test('do guard markers and zero pages count for nothing?', () => {
  const { process, vma } = mappingOf([{ frame: ANON }, { entry: PTE_SPECIAL }]);
  process.entry(vpn(256), guardEntryLo, 0);
  expect(smapsOf(process, vma)).toMatchObject({ Size: 8, Rss: 0, Swap: 0 });
});
