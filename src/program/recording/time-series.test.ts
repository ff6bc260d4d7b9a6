import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TimeSeries } from './time-series.ts';

test('however long it runs, are its samples bounded, in order, and about one interval apart?', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: 1, max: 10 }), (steps, stride) => {
      const series = new TimeSeries(['value'], 10);
      for (let step = 0; step < steps; step++) {
        if (series.due(step * stride)) series.take(step * stride, { value: step });
      }
      const { at, value } = series.toJSON();
      expect(at.length).toBeLessThanOrEqual(512);
      expect(at[0]).toBe(0);
      const least = Math.min(steps, Math.floor((steps * stride) / 10), 200);
      expect(at.length).toBeGreaterThanOrEqual(least);
      at.forEach((place, i) => {
        expect(place).toBe(value[i] * stride);
        if (i > 0) expect(place - at[i - 1]).toBeLessThan(2 * (series.interval + stride));
      });
    }),
    { numRuns: 50 },
  );
});

test('saved and restored, does it go on as it would have?', () => {
  const first = new TimeSeries(['a', 'b'], 1);
  for (let at = 0; at < 700; at++) first.take(at, { a: at, b: -at });
  const second = new TimeSeries(['a', 'b'], 1);
  second.restore(structuredClone(first.save()));
  for (const series of [first, second])
    for (let at = 700; at < 2000; at++) if (series.due(at)) series.take(at, { a: at, b: 0 });
  expect(second.toJSON()).toEqual(first.toJSON());
  expect(second.interval).toBe(first.interval);
});
