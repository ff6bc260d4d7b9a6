import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PageRanges } from './page-ranges.ts';

test('does a set of ranges hold what a set of pages holds?', () => {
  const change = fc.tuple(fc.boolean(), fc.nat(40), fc.nat(12));
  fc.assert(
    fc.property(fc.array(change), (changes) => {
      const ranges = new PageRanges();
      const model = new Set<number>();
      for (const [adding, start, length] of changes) {
        if (adding) ranges.add(start, start + length);
        else {
          const pages = Array.from({ length }, (_, i) => start + i);
          expect(ranges.remove(start, start + length)).toBe(pages.some((page) => model.has(page)));
        }
        for (let page = start; page < start + length; page++) adding ? model.add(page) : model.delete(page);
      }
      expect(ranges.pages).toBe(model.size);
      for (let page = 0; page < 60; page++) expect(ranges.has(page)).toBe(model.has(page));
      const list = ranges.ranges();
      for (let i = 1; i < list.length; i++) expect(list[i]?.[0]).toBeGreaterThan(list[i - 1]?.[1] as number);
    }),
  );
});
