import { expect, test } from 'vitest';
import { barPlot, resample, sparkline } from './plot.ts';

test('is the largest value a full block and none an empty one?', () => {
  expect(sparkline([0, 1, 4, 8])).toBe(' ▁▄█');
  expect(sparkline([])).toBe('');
});

test('do bars stand on the lowest line and fill it before the next?', () => {
  expect(barPlot([0, 4, 8, 12, 16], 2)).toEqual(['   ▄█', ' ▄███']);
});

test('does each column show the value that held at its place?', () => {
  expect(resample([0, 10, 20], [1, 2, 3], 4)).toEqual([1, 2, 2, 3]);
  expect(resample([0, 99, 100], [5, 6, 7], 2)).toEqual([5, 7]);
  expect(resample([], [], 2)).toEqual([0, 0]);
});
