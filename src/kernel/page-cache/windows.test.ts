import { expect, test } from 'vitest';
import { alignedSize, initialWindow, largestWindow, nextWindow } from './windows.ts';

test('how much does the first read of a file bring, by what it asks for?', () => {
  const brought = [1, 2, 3, 4, 5, 8, 9, 16, 32, 33].map((request) => initialWindow(request, Math.max(32, request)));
  // linux-facts 2.1: pc_04. One page is the only request below max/32.
  expect(brought.slice(0, 9)).toEqual([4, 4, 8, 8, 16, 16, 32, 32, 32]);
  expect(initialWindow(1, 128)).toBe(4);
  expect(initialWindow(4, 2048)).toBe(16);
});

test('how does a window grow when its reader keeps up, by read_ahead_kb?', () => {
  const growth = (first: number, max: number): number[] => {
    const sizes = [first];
    while (sizes.length < 7) sizes.push(nextWindow(sizes.at(-1) as number, max));
    return sizes;
  };
  // 128 KiB, 512 KiB and 64 KiB (pc_01, pc_16, pc_17).
  expect(growth(4, 32)).toEqual([4, 8, 16, 32, 32, 32, 32]);
  expect(growth(4, 128)).toEqual([4, 16, 32, 64, 128, 128, 128]);
  expect(growth(2, 16)).toEqual([2, 4, 8, 16, 16, 16, 16]);
});

test('does one large read get the window that its device can take?', () => {
  expect(largestWindow(32, 320, 256)).toBe(256);
  expect(largestWindow(32, 320, 1000)).toBe(320);
  expect(largestWindow(32, 31, 256)).toBe(32);
  expect(largestWindow(32, 320, 8)).toBe(32);
});

test('is a later window cut so that it ends where its folios do?', () => {
  // read_ahead_kb 8192: 4, 20, 80, 320, 768 pages in the cache (file_25).
  expect(alignedSize(4, 16, 2, 2048)).toBe(16);
  expect(alignedSize(20, 64, 4, 2048)).toBe(60);
  expect(alignedSize(80, 240, 6, 2048)).toBe(240);
  expect(alignedSize(320, 480, 8, 2048)).toBe(448);
  // Nothing is cut when nothing would be left, and never beyond the largest window.
  expect(alignedSize(16, 8, 4, 32)).toBe(8);
  expect(alignedSize(0, 64, 20, 32)).toBe(64);
});
