import fc from 'fast-check';
import { expect, test } from 'vitest';
import { vpn } from '../../hardware/units.ts';
import { Vma } from '../address-space/vma.ts';
import { faultAroundWindow } from './fault-around.ts';

const mapping = (start: number, pages: number): Vma => new Vma({} as never, vpn(start), vpn(start + pages), 1, 0);

test('which pages come with a fault in an aligned mapping, and at the start of one that is not?', () => {
  const aligned = 0x200000000;
  expect(faultAroundWindow(mapping(aligned, 64), vpn(aligned + 20))).toEqual({
    first: aligned + 16,
    last: aligned + 31,
  });
  // file_01: at ...3000 the windows are 16, 13, 16, 16 and 3 pages.
  const start = aligned + 3;
  const windows = [0, 16, 29, 45, 61].map((page) => {
    const { first, last } = faultAroundWindow(mapping(start, 64), vpn(start + page));
    return [first - start, last - start];
  });
  expect(windows).toEqual([
    [0, 15],
    [13, 28],
    [29, 44],
    [45, 60],
    [61, 63],
  ]);
});

test('does the window always hold its page, 16 pages at most, one mapping and one page table?', () => {
  const start = fc.integer({ min: 0x1000, max: 0x1000 + 2048 });
  fc.assert(
    fc.property(start, fc.integer({ min: 1, max: 3000 }), fc.nat(), (first, pages, nth) => {
      const vma = mapping(first, pages);
      const page = vpn(first + (nth % pages));
      const window = faultAroundWindow(vma, page);
      expect(window.first).toBeLessThanOrEqual(page);
      expect(window.last).toBeGreaterThanOrEqual(page);
      expect(window.last - window.first).toBeLessThan(16);
      expect(window.first).toBeGreaterThanOrEqual(vma.start);
      expect(window.last).toBeLessThan(vma.end);
      expect(Math.floor(window.first / 512)).toBe(Math.floor(window.last / 512));
    }),
  );
});
