import { expect, test } from 'vitest';
import { emptyBacking, hostBacking, patternBacking } from './backing.ts';

const page = (): Uint8Array<ArrayBuffer> => new Uint8Array(4096);

test('is the pattern of CONFORMANCE.md the one that big integers give?', () => {
  const backing = patternBacking(2 ** 40);
  for (const index of [0, 1, 2, 1000, 65535, 65536, 123456789, 2 ** 28 - 1]) {
    const into = page();
    expect(backing.readPage(index, into)).toBe(true);
    const words = new DataView(into.buffer);
    for (const offset of [0, 8, 2048, 4088]) {
      const expected = BigInt.asUintN(64, BigInt(index) * 0x9e3779b97f4a7c15n + BigInt(offset) + 1n);
      expect(words.getBigUint64(offset, true)).toBe(expected);
    }
  }
});

test('are bytes behind the end of a file zero?', () => {
  const into = page();
  expect(patternBacking(10_000).readPage(2, into)).toBe(true);
  expect(into[1800]).not.toBe(0);
  expect(into.subarray(1808).every((byte) => byte === 0)).toBe(true);
  expect(patternBacking(8192).readPage(2, page())).toBe(false);
});

test('does written-back data win over what was there first?', () => {
  const host = hostBacking((offset, into) => into.fill(offset / 4096 + 1).length);
  const mine = page().fill(77);
  host.writePage(3, mine);
  mine.fill(0);
  const into = page();
  expect(host.readPage(3, into)).toBe(true);
  expect(into.every((byte) => byte === 77)).toBe(true);
  host.readPage(4, into);
  expect(into[0]).toBe(5);
  expect(emptyBacking().readPage(0, into)).toBe(false);
});
