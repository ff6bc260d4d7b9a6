import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ObjectTable } from './object-table.ts';
import { RequestBuffer } from './request-buffer.ts';

/** Numbers a list of names (low and high half) in buffers as a reader fills them. */
function numbersOf(names: readonly (readonly [number, number])[]): { numbers: number[]; count: number } {
  const table = new ObjectTable();
  const numbers: number[] = [];
  const buffer = new RequestBuffer((requests) => {
    const out = new Int32Array(requests.count);
    table.number(requests, out);
    numbers.push(...out);
  });
  for (const [low, high] of names) buffer.add(low, high, 0);
  buffer.flush();
  return { numbers, count: table.count };
}

/** The same with a Map. */
function expected(names: readonly (readonly [number, number])[]): { numbers: number[]; count: number } {
  const known = new Map<string, number>();
  const numbers = names.map(([low, high]) => {
    const name = `${low | 0} ${high | 0}`;
    return known.get(name) ?? known.set(name, known.size).size - 1;
  });
  return { numbers, count: known.size };
}

test('does it number any names as a map does, high halves included?', () => {
  const half = fc.oneof(fc.nat({ max: 5 }), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }));
  fc.assert(
    fc.property(fc.array(fc.tuple(half, half), { maxLength: 500 }), (names) => {
      expect(numbersOf(names)).toEqual(expected(names));
    }),
  );
});

test('does a name with a high half stay apart from one without that came long before?', () => {
  const narrow = Array.from({ length: 10_000 }, (_, i): [number, number] => [i, 0]);
  const names = [...narrow, [7, 1], [7, 0], [7, 1]] as const;
  expect(numbersOf(names)).toEqual(expected(names));
});

test('do numbers stay when names begin to lie close together, and when they cease to?', () => {
  const scattered = Array.from({ length: 1000 }, (_, i): [number, number] => [Math.imul(i + 1, 0x9e3779b1), i % 7]);
  // Above 2^26 regions a region's name needs its high half too.
  const dense = Array.from({ length: 60_000 }, (_, i): [number, number] => [i | 0, -(i % 3)]);
  const spread = Array.from({ length: 200_000 }, (_, i): [number, number] => [(i * 64) | 0, 77]);
  const names = [...scattered, ...dense, ...dense.toReversed(), ...spread, ...scattered, ...dense, ...spread];
  expect(numbersOf(names)).toEqual(expected(names));
});

test.each([1, 8, 512, 4096, 65536])(
  'does it hold 50,000 names that are multiples of %i, through every growth?',
  (step) => {
    const names = Array.from({ length: 50_000 }, (_, i): [number, number] => [(i * step) | 0, 0]);
    const twice = [...names, ...names.toReversed()];
    expect(numbersOf(twice)).toEqual(expected(twice));
  },
);
