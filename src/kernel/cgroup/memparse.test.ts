import { expect, test } from 'vitest';
import { memparse, parseLimit } from './memparse.ts';

test.each([
  ['8192', 2],
  ['8191', 1],
  ['1', 0],
  ['0x2000', 2],
  ['010000', 1],
  ['1K', 0],
  ['12k', 3],
  ['1M', 256],
  ['1g', 262_144],
  ['  4096\n', 1],
  ['max', Number.POSITIVE_INFINITY],
  ['Max', undefined],
  ['-1', undefined],
  ['1.5', undefined],
  ['1Mx', undefined],
  ['xx', undefined],
])('What does the kernel make of the limit %j? %j pages', (text, pages) => {
  expect(parseLimit(text, 'max')).toBe(pages);
});

test('Is nothing zero? memparse takes it for 0 bytes, and so does a limit', () => {
  expect(memparse('')).toEqual({ bytes: 0, rest: '' });
  expect(parseLimit('', 'max')).toBe(0);
});

test('What is left behind a number? The rest of the line, from its first foreign character', () => {
  expect(memparse('1M swappiness=60')).toEqual({ bytes: 1 << 20, rest: ' swappiness=60' });
  expect(memparse('089')).toEqual({ bytes: 0, rest: '89' });
});
