import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Axis, gridOf, gridSize } from './grid.ts';

test('two axes: does the last one change fastest, and is every combination there once?', () => {
  const axes: Axis[] = [
    { name: 'limit', values: ['24M', '32M'] },
    { name: 'swappiness', values: ['0', '60', '200'] },
  ];
  expect(gridOf(axes).map((point) => point.join(' '))).toEqual([
    '24M 0',
    '24M 60',
    '24M 200',
    '32M 0',
    '32M 60',
    '32M 200',
  ]);
});

test('no axis: is there one point, without values?', () => {
  expect([gridOf([]), gridSize([])]).toEqual([[[]], 1]);
});

test('any axes: are there as many different points as the product of their values?', () => {
  const values = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(fc.array(values, { maxLength: 4 }), (lists) => {
      const axes = lists.map((list, i) => ({ name: `axis ${i}`, values: list }));
      const points = gridOf(axes);
      expect(points).toHaveLength(gridSize(axes));
      expect(new Set(points.map((point) => JSON.stringify(point))).size).toBe(points.length);
      for (const point of points) for (const [i, value] of point.entries()) expect(axes[i]?.values).toContain(value);
    }),
  );
});
