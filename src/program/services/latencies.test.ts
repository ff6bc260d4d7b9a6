import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Latencies } from './latencies.ts';

test('are mean and percentiles those of a sorted list, whenever they are asked for?', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(1_000_000), { minLength: 1, maxLength: 3000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (values, share) => {
        const latencies = new Latencies();
        values.forEach((value, i) => {
          latencies.add(value);
          if (i === values.length >> 1) latencies.percentile(0.5);
        });
        const sorted = values.toSorted((a, b) => a - b);
        const rank = sorted.findIndex((_, i) => (i + 1) / values.length >= share - 1e-12);
        expect(latencies.percentile(share)).toBe(sorted[rank]);
        expect(latencies.mean).toBeCloseTo(values.reduce((sum, value) => sum + value, 0) / values.length, 3);
      },
    ),
    { numRuns: 50 },
  );
});

test('is everything 0 when nothing was measured?', () => {
  expect(new Latencies().summary()).toEqual({ meanNs: 0, p50Ns: 0, p99Ns: 0 });
});
