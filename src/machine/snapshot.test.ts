import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeSnapshot, encodeSnapshot, SnapshotError } from './snapshot.ts';

/** Trees of everything a state may hold. */
const anything = fc.letrec((tie) => ({
  tree: fc.oneof({ maxDepth: 4 }, tie('leaf'), tie('array'), tie('object'), tie('map'), tie('set')),
  leaf: fc.oneof(
    fc.constantFrom(
      undefined,
      null,
      true,
      false,
      Number.NaN,
      -0,
      Infinity,
      -Infinity,
      2 ** 53,
      -(2 ** 53),
      2 ** 53 - 1,
    ),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double(),
    fc.string({ unit: 'binary' }),
    fc.uint8Array(),
    fc.int16Array(),
    fc.int32Array(),
    fc.uint32Array(),
    fc.float32Array(),
    fc.float64Array(),
  ),
  array: fc.array(tie('tree')),
  object: fc.dictionary(fc.string(), tie('tree'), { noNullPrototype: true }),
  map: fc.array(fc.tuple(tie('leaf'), tie('tree'))).map((entries) => new Map(entries)),
  set: fc.array(tie('leaf')).map((elements) => new Set(elements)),
})).tree;

const roundTrip = (state: unknown) => decodeSnapshot(encodeSnapshot(state));

test('does every tree of plain data come back as it was?', () => {
  fc.assert(
    fc.property(anything, (state) => {
      expect(roundTrip(state)).toStrictEqual(state);
    }),
    { numRuns: 400 },
  );
});

test('do typed arrays of long runs come back, as views of larger buffers too?', () => {
  const run = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.constantFrom(0, 0, 1, -1, Number.NaN, 1e300));
  fc.assert(
    fc.property(fc.array(run), fc.constantFrom(Float64Array, Int32Array, Uint16Array, Int8Array), (runs, Kind) => {
      const values = runs.flatMap(([length, value]) => new Array<number>(length).fill(value));
      const column = new Kind([7, ...values, 7]).subarray(1, values.length + 1);
      expect(roundTrip(column)).toStrictEqual(new Kind(column));
    }),
  );
});

test('are equal states equal bytes, whatever order their keys were set in?', () => {
  const one = encodeSnapshot({ a: 1, b: [2, { c: new Int32Array(3), d: 'x' }] });
  const other = encodeSnapshot({ b: [2, { d: 'x', c: new Int32Array(3) }], a: 1 });
  expect(other).toEqual(one);
});

test('does a column of a million free frames cost more than a few bytes?', () => {
  const flags = new Int32Array(1 << 20);
  flags[12345] = 7;
  expect(encodeSnapshot(flags).length).toBeLessThan(40);
  expect(roundTrip(flags)).toEqual(flags);
});

test('is a value that is not plain data named by its place?', () => {
  class Frame {}
  expect(() => encodeSnapshot({ kernel: { tasks: [1, new Frame()] } })).toThrow(
    'state.kernel.tasks[1] is not plain data',
  );
  expect(() => encodeSnapshot({ sink: () => 0 })).toThrow(/state\.sink.*Function/);
  expect(() => encodeSnapshot([1n])).toThrow(TypeError);
});

test('is a cut or broken snapshot always told, never a hang or another error?', () => {
  fc.assert(
    fc.property(anything, fc.nat(), fc.nat({ max: 255 }), (state, position, value) => {
      const bytes = encodeSnapshot(state);
      const at = position % bytes.length;
      expect(() => decodeSnapshot(bytes.subarray(0, at))).toThrow(SnapshotError);
      const broken = bytes.slice();
      broken[at] = value;
      try {
        decodeSnapshot(broken);
      } catch (error) {
        expect(error).toBeInstanceOf(SnapshotError);
      }
    }),
    { numRuns: 400 },
  );
});

test('is a snapshot of another version refused by its number?', () => {
  const bytes = encodeSnapshot(1);
  bytes[6] = 9;
  expect(() => decodeSnapshot(bytes)).toThrow('snapshot version 9');
  expect(() => decodeSnapshot(new TextEncoder().encode('{"json":1}'))).toThrow('not a snapshot');
});
