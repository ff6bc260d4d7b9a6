import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AddressMap } from './address-map.ts';

const PAGES = 60;
const operation = fc.record({
  unmap: fc.boolean(),
  start: fc.nat(PAGES - 1),
  count: fc.integer({ min: 1, max: 20 }),
  page: fc.nat(200),
});

/** The map as one entry a page. */
function plain(
  operations: readonly { unmap: boolean; start: number; count: number; page: number }[],
): Map<number, number> {
  const model = new Map<number, number>();
  for (const { unmap, start, count, page } of operations) {
    for (let i = 0; i < count; i++) {
      if (unmap) model.delete(start + i);
      else model.set(start + i, page + i);
    }
  }
  return model;
}

describe('AddressMap', () => {
  test('does it answer as one entry a page would, after any mapping and unmapping?', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 25 }), fc.nat(PAGES), fc.nat(30), (operations, from, count) => {
        const map = new AddressMap();
        for (const { unmap, start, count: pages, page } of operations) {
          if (unmap) map.unmap(start, pages);
          else map.map(start, pages, page);
          map.translate(start);
        }
        const model = plain(operations);
        for (let page = 0; page < PAGES + 25; page++) expect(map.translate(page)).toBe(model.get(page) ?? -1);
        const found = map
          .pieces(from, count)
          .flatMap(({ start, end, page }) => Array.from({ length: end - start }, (_, i) => [start + i, page + i]));
        expect(found).toEqual(
          [...model].filter(([page]) => page >= from && page < from + count).sort((a, b) => a[0] - b[0]),
        );
        expect(AddressMap.restore(map.save()).save()).toEqual(map.copy().save());
      }),
    );
  });

  test('are pages above 2^32 told apart from those below with the same low bits?', () => {
    const map = new AddressMap();
    map.map(2 ** 34 + 5, 1, 7);
    expect([map.translate(5), map.translate(2 ** 34 + 5), map.translate(2 ** 33 + 5)]).toEqual([-1, 7, -1]);
  });

  test('where does a mapping go that continues another one?', () => {
    const map = new AddressMap();
    map.map(10, 5, 100);
    expect([map.following(15), map.following(16), map.following(10)]).toEqual([105, -1, -1]);
  });
});
