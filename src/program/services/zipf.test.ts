import { expect, test } from 'vitest';
import { XorShift } from '../recording/xor-shift.ts';
import { Zipf } from './zipf.ts';

const DRAWS = 200_000;

test.each([0, 0.5, 1, 1.5])('do numbers come up in proportion to 1/k^%d?', (skew) => {
  const n = 50;
  const zipf = new Zipf(n, skew, new XorShift(7));
  const counts = new Array<number>(n + 1).fill(0);
  for (let i = 0; i < DRAWS; i++) counts[zipf.next()]++;
  const weights = Array.from({ length: n }, (_, i) => (i + 1) ** -skew);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  weights.forEach((weight, i) => {
    const expected = (DRAWS * weight) / sum;
    // Five standard deviations of a binomial.
    expect(Math.abs((counts[i + 1] as number) - expected), `number ${i + 1}`).toBeLessThan(5 * Math.sqrt(expected));
  });
  expect(counts[0]).toBe(0);
});

test('does the same seed give the same numbers, and another one others?', () => {
  const draw = (seed: number): number[] => {
    const zipf = new Zipf(1000, 1, new XorShift(seed));
    return Array.from({ length: 50 }, () => zipf.next());
  };
  expect(draw(3)).toEqual(draw(3));
  expect(draw(3)).not.toEqual(draw(4));
});
