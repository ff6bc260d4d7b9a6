import { expect, test } from 'vitest';
import { type AddressExpression, parseAddress } from './address-expression.ts';
import { SCRATCH } from './layout.ts';
import { Regions } from './regions.ts';
import { runs } from './runs.ts';
import { parseSize } from './size.ts';

const TOP = 0x7ffff7ff7000;
const STACK = 0x7ffffffde000;

function regions(): Regions {
  const known = new Regions(TOP);
  known.set('stack', STACK, 33 * 4096);
  known.set('brk', 0x415000, 2 ** 32);
  return known;
}

const expression = (text: string): AddressExpression => parseAddress(text) as AddressExpression;

test('are sizes read with their units?', () => {
  expect(['12', '0x10', '3p', '2K', '1M', '1G', '1T', '-4K'].map(parseSize)).toEqual([
    12,
    16,
    12288,
    2048,
    2 ** 20,
    2 ** 30,
    2 ** 40,
    -4096,
  ]);
  expect(['', 'x', '4k', '1.5M', '--1', '0x'].map(parseSize)).toEqual(Array(6).fill(undefined));
});

test('does an address have the length that is left of its region?', () => {
  const known = regions();
  known.set('r', 0x10000, 0x8000);
  expect(known.resolve(expression('r+2p'))).toEqual({ address: 0x12000, length: 0x6000 });
  expect(known.resolve(expression('r-4K'))).toEqual({ address: 0xf000, length: 0x8000 });
  expect(known.resolve(expression('scratch'))).toEqual({ address: SCRATCH, length: 0 });
  expect(known.resolve(expression('kernel+4K'))?.address).toBe(0xffff800000001000);
  expect(known.resolve(expression('4p'))).toEqual({ address: 0x4000, length: 0 });
  expect(known.resolve(expression('nothing'))).toBeUndefined();
});

test('are addresses named as the oracle names them?', () => {
  const known = regions();
  expect(known.symbol(TOP - 0x4000)).toBe('top-0x4000');
  known.set('r', TOP - 0x4000, 0x4000);
  expect(known.symbol(TOP - 0x4000)).toBe('r');
  expect(known.symbol(TOP - 0x3000)).toBe('r+0x1000');
  expect(known.symbol(TOP)).toBe('end(r)');
  expect(known.symbol(TOP - 0x9000)).toBe('r-0x5000');
  expect(known.symbol(8)).toBe('null+0x8');
  expect(known.symbol(0x401000)).toBe('binary');
  expect(known.symbol(SCRATCH)).toBe('oracle');
  expect(known.symbol(STACK - 0x1000)).toBe('stack-0x1000');
  expect(known.symbol(0x200000000000)).toBe('0x200000000000');
  known.set('inner', TOP - 0x3000, 0x1000);
  expect(known.symbol(TOP - 0x3000)).toBe('inner');
});

test('does a child keep its own names?', () => {
  const parent = regions();
  const child = parent.copy();
  child.set('r', 0x10000, 0x1000);
  child.set('stack', 0x20000, 0x1000);
  expect(parent.find('r')).toBeUndefined();
  expect(parent.find('stack')?.start).toBe(STACK);
});

test('are equal characters written as runs?', () => {
  expect(runs('')).toBe('');
  expect(runs('A')).toBe('A');
  expect(runs('AAAA....A')).toBe('A*4 .*4 A');
  expect(runs('1'.repeat(1 << 17))).toBe('1*131072');
});
