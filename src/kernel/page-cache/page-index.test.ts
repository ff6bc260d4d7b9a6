import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PageIndex } from './page-index.ts';

const LAST = 0x7fffffff;
/** Indexes that meet in the same nodes, and a few far away, as in a sparse file of terabytes. */
const anyIndex = fc.oneof(
  fc.nat(200),
  fc.integer({ min: 4000, max: 4200 }),
  fc.constantFrom(2 ** 28, 2 ** 28 + 1, LAST),
);
const anyEntry = fc.oneof(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: -1000, max: -1 }), fc.constant(0));

function filled(pairs: readonly (readonly [number, number])[]): { index: PageIndex; model: Map<number, number> } {
  const index = new PageIndex();
  const model = new Map<number, number>();
  for (const [at, entry] of pairs) {
    expect(index.set(at, entry)).toBe(model.get(at) ?? 0);
    if (entry === 0) model.delete(at);
    else model.set(at, entry);
  }
  return { index, model };
}

describe('PageIndex', () => {
  test('does it answer as a Map does, whatever is set and deleted?', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyIndex, anyEntry), { maxLength: 300 }), anyIndex, (pairs, from) => {
        const { index, model } = filled(pairs);
        const entries = [...model].sort(([a], [b]) => a - b);
        for (const [at, entry] of entries) expect(index.get(at)).toBe(entry);
        expect(index.get(from)).toBe(model.get(from) ?? 0);
        expect(index.present).toBe(entries.filter(([, entry]) => entry > 0).length);
        expect(index.shadows).toBe(entries.filter(([, entry]) => entry < 0).length);
        expect(index.next(from, LAST)).toBe(entries.find(([at, entry]) => at >= from && entry > 0)?.[0] ?? -1);
        const visited: [number, number][] = [];
        index.forEach(from, LAST, (at, entry) => visited.push([at, entry]), true);
        expect(visited).toEqual(entries.filter(([at]) => at >= from));
        const copy = new PageIndex();
        copy.restore(index.save());
        expect(copy.save()).toEqual(index.save());
      }),
    );
  });

  test('where do the misses lie that readahead looks for?', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(60)), fc.nat(60), fc.integer({ min: 1, max: 40 }), (present, from, scan) => {
        const { index, model } = filled(present.map((at) => [at, at + 1] as const));
        const window = Array.from({ length: scan }, (_, i) => i);
        expect(index.nextMiss(from, scan)).toBe(
          window.map((i) => from + i).find((at) => !model.has(at)) ?? from + scan,
        );
        expect(index.prevMiss(from, scan)).toBe(
          window.map((i) => from - i).find((at) => !model.has(at)) ?? from - scan + 1,
        );
      }),
    );
  });

  test('is memory given back when a sparse file is emptied, and small while it is sparse?', () => {
    const index = new PageIndex();
    const empty = index.bytes;
    for (let i = 0; i < 100; i++) index.set(i * 2 ** 24, i + 1);
    expect(index.bytes).toBeLessThan(100 * 6 * 260 * 1.5);
    for (let i = 0; i < 100; i++) expect(index.delete(i * 2 ** 24)).toBe(i + 1);
    expect(index.bytes).toBe(empty);
    expect(index.present).toBe(0);
  });

  test('how many bytes does a page of a dense file cost?', () => {
    const index = new PageIndex();
    for (let i = 0; i < 100_000; i++) index.set(i, i + 1);
    expect(index.bytes / 100_000).toBeLessThan(6.5);
  });

  test('is an index that no file can have refused?', () => {
    expect(() => new PageIndex().set(2 ** 31, 1)).toThrow(RangeError);
    expect(() => new PageIndex().set(-1, 1)).toThrow(RangeError);
  });
});
