import fc from 'fast-check';
import { expect, test } from 'vitest';
import { add, GOLDEN, hexWord, lcgStep, multiply, Sum64, type Word64, word64, wordOf } from './word64.ts';

const MODULUS = 2n ** 64n;
const big = ({ hi, lo }: Word64): bigint => (BigInt(hi) << 32n) | BigInt(lo);
const word = fc
  .tuple(fc.integer({ min: 0, max: 0xffffffff }), fc.integer({ min: 0, max: 0xffffffff }))
  .map(([hi, lo]) => word64(hi, lo));

test('do words count as BigInt does modulo 2^64?', () => {
  fc.assert(
    fc.property(word, word, (a, b) => {
      expect(big(add(a, b))).toBe((big(a) + big(b)) % MODULUS);
      expect(big(multiply(a, b))).toBe((big(a) * big(b)) % MODULUS);
      expect(BigInt(hexWord(a))).toBe(big(a));
      expect(big(lcgStep(a))).toBe((big(a) * 6364136223846793005n + 1442695040888963407n) % MODULUS);
    }),
  );
});

test('is the sum the one that the oracle computes?', () => {
  fc.assert(
    fc.property(fc.array(word), (words) => {
      const sum = new Sum64();
      let slow = 0xcbf29ce484222325n;
      for (const w of words) {
        sum.add(w.hi, w.lo);
        slow = ((slow ^ big(w)) * 0x100000001b3n) % MODULUS;
        slow ^= slow >> 29n;
      }
      expect(big(sum.value)).toBe(slow);
    }),
  );
});

test('is a negative number its two complement?', () => {
  expect(hexWord(wordOf(-1))).toBe('0xffffffffffffffff');
  expect(hexWord(wordOf(2 ** 40 + 5))).toBe('0x10000000005');
  expect(hexWord(GOLDEN)).toBe('0x9e3779b97f4a7c15');
});
