import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Vpn, vpn } from '../hardware/units.ts';
import { checkInvariants } from '../kernel/invariants.ts';
import { entrySwap, isSwapEntry, slotOf } from '../kernel/page-table/soft-entry.ts';
import { flash } from '../kernel/swap/swap-devices.ts';
import { PAGE, swapBox } from '../machine/testing/swap-box.ts';
import { NotSwapError, openSwapFile, type SwapFile } from './swap-file.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'faultline-swap-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const PAGES = 64;

function withFile(name: string) {
  const path = join(folder, name);
  const file = openSwapFile(path, 1024 * PAGE);
  const box = swapBox();
  const area = box.swapon(flash, 1024, { path: '/swapfile', backing: file });
  return { path, file, box, area };
}

/** The slot that a page of a mapping lies in, 0 when it lies in none. */
function slotOfPage(box: ReturnType<typeof swapBox>, address: number): number {
  const { pageTables } = box.machine.kernel;
  const at = pageTables.find(box.task.mm, vpn(address / PAGE) as Vpn);
  const [lo, hi] = [pageTables.lo(at), pageTables.hi(at)];
  return isSwapEntry(lo, hi) ? slotOf(entrySwap(lo, hi)) : 0;
}

function readSlot(path: string, slot: number): Uint8Array {
  const fd = openSync(path, 'r');
  const page = new Uint8Array(PAGE);
  readSync(fd, page, 0, PAGE, slot * PAGE);
  closeSync(fd);
  return page;
}

/** A page of words that no other page has. */
const pattern = (page: number): Uint8Array =>
  Uint8Array.from({ length: PAGE }, (_, i) => (page * 131 + i * 7 + (i >> 8) * 13) & 0xff);

function writePatterns(box: ReturnType<typeof swapBox>, at: number): void {
  for (let i = 0; i < PAGES; i++) box.machine.writeBytes(box.task, at + i * PAGE, pattern(i));
}

describe('swap in a file of the host', () => {
  test("do the bytes at each page's slot equal what the program wrote, and come back as they were?", () => {
    const { path, file, box } = withFile('bytes');
    const at = box.mmap(PAGES, 'private');
    writePatterns(box, at);
    box.pageOut(box.task, at, PAGES);
    for (let i = 0; i < PAGES; i++) {
      const slot = slotOfPage(box, at + i * PAGE);
      expect(slot).toBeGreaterThan(0);
      expect(readSlot(path, slot)).toEqual(pattern(i));
    }
    // The second look drops what the disk has, so that the pages come from the file.
    box.machine.kernel.reclaim.direct();
    for (let i = PAGES - 1; i >= 0; i--)
      expect(box.machine.readBytes(box.task, at + i * PAGE, PAGE)).toEqual(pattern(i));
    expect(checkInvariants(box.machine.kernel)).toEqual([]);
    file.close();
  });

  test('is what somebody else writes into the file what the program reads then?', () => {
    const { path, file, box } = withFile('changed');
    const at = box.mmap(PAGES, 'private');
    writePatterns(box, at);
    box.pageOut(box.task, at, PAGES);
    box.pageOut(box.task, at, PAGES);
    box.machine.kernel.lru.drain();
    while (box.machine.kernel.reclaim.direct() > 0);
    const whole = readFileSync(path);
    whole.fill(0x5a, slotOfPage(box, at) * PAGE, (slotOfPage(box, at) + 1) * PAGE);
    writeFileSync(path, whole);
    expect(box.machine.readBytes(box.task, at, PAGE)).toEqual(new Uint8Array(PAGE).fill(0x5a));
    file.close();
  });

  test('has the file the header that mkswap writes?', () => {
    const { path, file } = withFile('header');
    const page = readFileSync(path).subarray(0, PAGE);
    expect([page.readUInt32LE(1024), page.readUInt32LE(1028), page.toString('latin1', 4086)]).toEqual([
      1,
      1023,
      'SWAPSPACE2',
    ]);
    file.close();
  });

  test('is a swap file used again, and any other file left alone?', () => {
    const path = join(folder, 'again');
    const first: SwapFile = openSwapFile(path, 16 * PAGE);
    first.close();
    openSwapFile(path, 32 * PAGE).close();
    expect(readFileSync(path)).toHaveLength(32 * PAGE);
    const letter = join(folder, 'letter');
    writeFileSync(letter, 'dear reader');
    expect(() => openSwapFile(letter, 16 * PAGE)).toThrow(NotSwapError);
    expect(readFileSync(letter, 'utf8')).toBe('dear reader');
  });

  test('does a page stay in memory, whole, when the file cannot be written any more?', () => {
    const { file, box, area } = withFile('closed');
    const at = box.mmap(PAGES, 'private');
    writePatterns(box, at);
    file.close();
    box.pageOut(box.task, at, PAGES);
    for (let i = 0; i < PAGES; i++) expect(box.machine.readBytes(box.task, at + i * PAGE, PAGE)).toEqual(pattern(i));
    expect(area.cached.filter((frame) => frame !== 0).length).toBeGreaterThan(0);
    expect(checkInvariants(box.machine.kernel)).toEqual([]);
  });

  test('does a snapshot carry the pages with it, without the file?', () => {
    const { file, box } = withFile('snapshot');
    const at = box.mmap(PAGES, 'private');
    writePatterns(box, at);
    box.pageOut(box.task, at, PAGES);
    const [area] = box.machine.kernel.swap.areas;
    const state = area?.save();
    expect(state?.contents).toHaveLength(PAGES);
    file.close();
    if (area !== undefined && state !== undefined) area.restore(state);
    while (box.machine.kernel.reclaim.direct() > 0);
    for (let i = 0; i < PAGES; i++) expect(box.machine.readBytes(box.task, at + i * PAGE, PAGE)).toEqual(pattern(i));
  });
});
