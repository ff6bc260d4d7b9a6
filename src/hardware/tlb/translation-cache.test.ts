import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PlainCache } from '../testing/plain-tlb.ts';
import { FLAG_PCID_SHIFT } from './translation.ts';
import { type CacheGeometry, TranslationCache } from './translation-cache.ts';

const contents = (cache: TranslationCache): number[] =>
  Array.from(cache.tags.filter((tag) => tag >= 0)).sort((a, b) => a - b);

/** The PCID that tests give to a tag. */
const pcidOfTag = (tag: number): number => tag % 3;

/** A use of a tag as the CPU makes it; returns whether it hit. */
function use(cache: TranslationCache, tag: number, now: number): boolean {
  const way = cache.find(tag);
  if (way >= 0) cache.stamps[way] = now;
  else cache.add(tag, tag, pcidOfTag(tag) << FLAG_PCID_SHIFT, false, now);
  return way >= 0;
}

const GEOMETRIES: CacheGeometry[] = [
  { entries: 64, ways: 64 },
  { entries: 72, ways: 72 },
  { entries: 8, ways: 8 },
  { entries: 16, ways: 4 },
  { entries: 96, ways: 6 },
  { entries: 32, ways: 4, index: 'xor' },
  { entries: 1, ways: 1 },
];

describe.each(GEOMETRIES)('translation cache of $entries entries, $ways ways, index $index', (geometry) => {
  test('does it hold exactly what an obvious LRU cache holds, after any uses and flushes?', () => {
    const tag = fc.integer({ min: 0, max: geometry.entries * 2 });
    const operation = fc.oneof(
      { weight: 60, arbitrary: tag.map((value) => ({ kind: 'use' as const, value })) },
      { weight: 3, arbitrary: tag.map((value) => ({ kind: 'drop' as const, value })) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 2 }).map((value) => ({ kind: 'pcid' as const, value })) },
      { weight: 1, arbitrary: fc.integer({ min: -1, max: 2 }).map((value) => ({ kind: 'all' as const, value })) },
      { weight: 1, arbitrary: fc.constant({ kind: 'restore' as const, value: 0 }) },
    );
    fc.assert(
      fc.property(fc.array(operation, { minLength: 1, maxLength: 600, size: 'max' }), (operations) => {
        let cache = new TranslationCache(geometry);
        const plain = new PlainCache(geometry);
        operations.forEach(({ kind, value }, i) => {
          if (kind === 'use') expect(use(cache, value, i + 1)).toBe(plain.use(value));
          else if (kind === 'drop') {
            cache.dropTag(value);
            plain.drop((t) => t === value);
          } else if (kind === 'pcid') {
            cache.dropPcid(value);
            plain.drop((t) => pcidOfTag(t) === value);
          } else if (kind === 'all') {
            cache.dropAll(value);
            plain.drop((t) => pcidOfTag(t) !== value);
          } else {
            const copy = new TranslationCache(geometry);
            copy.restore(cache.save());
            cache = copy;
          }
        });
        expect(contents(cache)).toEqual(plain.tags);
      }),
      { numRuns: 60 },
    );
  });
});

describe('translation cache', () => {
  test('do impossible geometries say so?', () => {
    expect(() => new TranslationCache({ entries: 48, ways: 16 })).toThrow('do not make a power of two of sets');
    expect(() => new TranslationCache({ entries: 128, ways: 64 })).toThrow('sets of 64 ways');
  });

  test('does random replacement miss as often as probability says, and go on alike after a restore?', () => {
    const geometry = { entries: 1024, ways: 16, replacement: 'random' } as const;
    // Of N pages used in turn with room for C, a share m misses where 1 - m = exp(-m N / C).
    const expected = (ratio: number): number => {
      let m = 1;
      for (let i = 0; i < 200; i++) m = 1 - Math.exp(-m * ratio);
      return m;
    };
    for (const ratio of [1, 1.25, 2, 3]) {
      let cache = new TranslationCache(geometry);
      let missed = 0;
      for (let round = 0; round < 40; round++) {
        if (round === 20) {
          const copy = new TranslationCache(geometry);
          copy.restore(cache.save());
          expect(copy.save()).toEqual(cache.save());
          cache = copy;
          missed = 0;
        }
        for (let tag = 0; tag < 1024 * ratio; tag++)
          if (cache.find(tag) < 0) {
            cache.add(tag, 1, 0, false, 1);
            missed++;
          }
      }
      expect(Math.abs(missed / (20 * 1024 * ratio) - expected(ratio))).toBeLessThan(0.03);
    }
  });

  test('does a restore refuse the state of another size?', () => {
    const state = new TranslationCache({ entries: 8, ways: 8 }).save();
    expect(() => new TranslationCache({ entries: 16, ways: 4 }).restore(state)).toThrow(RangeError);
  });
});
