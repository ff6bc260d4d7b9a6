import fc from 'fast-check';
import { expect, test } from 'vitest';
import { defaultParams } from '../params.ts';
import { dirtyablePages, dirtyLimits, dirtyPollInterval, freerunCeiling } from './dirty-limits.ts';
import { positionRatio } from './dirty-throttle.ts';

test('do the reserves count as dirtyable, and can it be nothing at all?', () => {
  expect(dirtyablePages({ free: 1000, totalReserve: 300 }, 50)).toBe(751);
  expect(dirtyablePages({ free: 100, totalReserve: 300 }, 0)).toBe(1);
});

test('is the background limit always below the hard one, whatever the tunables?', () => {
  const ratio = fc.integer({ min: 1, max: 100 });
  fc.assert(
    fc.property(ratio, ratio, fc.integer({ min: 1000, max: 2 ** 28 }), (dirtyRatio, dirtyBackgroundRatio, pages) => {
      const limits = dirtyLimits({ ...defaultParams(), dirtyRatio, dirtyBackgroundRatio }, pages);
      expect(limits.background).toBeLessThan(limits.hard);
      expect(limits.hard).toBeLessThanOrEqual(pages);
    }),
  );
});

test('does a writer get twice the bandwidth below, all of it at the set point, nothing at the limit, and never more again?', () => {
  const limits = { background: 1000, hard: 2000 };
  expect(freerunCeiling(limits)).toBe(1500);
  expect(positionRatio(limits, 1500)).toBeCloseTo(2, 1);
  expect(positionRatio(limits, 1750)).toBe(1);
  expect(positionRatio(limits, 2000)).toBe(0);
  for (let dirty = 1500; dirty < 2000; dirty++)
    expect(positionRatio(limits, dirty)).toBeGreaterThanOrEqual(positionRatio(limits, dirty + 1));
});

test('is a writer looked at more often as the limit comes near?', () => {
  expect([0, 900, 999, 1000].map((dirty) => dirtyPollInterval(dirty, 1000))).toEqual([16, 8, 1, 1]);
});
