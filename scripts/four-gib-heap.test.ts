import { expect, test } from 'vitest';
import { processorNamed } from '../src/hardware/processors/index.ts';
import { saving, touchHeap } from './four-gib-heap.ts';

const LOADS = 100_000;
const zen4 = processorNamed('zen4');

// Made once: the 4 KiB heap takes a million faults.
const small = touchHeap(zen4, false, 12, 'random', LOADS);
const large = touchHeap(zen4, false, 21, 'random', LOADS);
const gigantic = touchHeap(zen4, false, 30, 'random', LOADS);

test('does a heap of 4 GiB need 1048576, 2048 and 4 entries, and miss as that says?', () => {
  expect([small.entries, large.entries, gigantic.entries]).toEqual([1_048_576, 2048, 4]);
  // 3072 entries of a million; 72 of 2048; all of 4.
  expect(small.l2Misses).toBeGreaterThan(0.99);
  expect([large.l1Misses, large.l2Misses]).toEqual([expect.closeTo(1 - 72 / 2048, 1), expect.closeTo(0, 1)]);
  expect([gigantic.l1Misses, gigantic.l2Misses]).toEqual([0, 0]);
  // A table for each 2 MiB, a directory for each GiB, and those above them that were not there.
  expect([small.tables, gigantic.tables]).toEqual([(2048 + 4 + 2) * 4096, 4096]);
});

test('are 5 to 10 per cent what a program saves that meets random objects of its heap now and then?', () => {
  const at = (instructions: number) => saving(large, small, instructions, 90);
  expect(at(5)).toBeGreaterThan(0.1);
  expect(at(400)).toBeGreaterThan(0.05);
  expect(at(400)).toBeLessThan(0.1);
  expect(at(5000)).toBeLessThan(0.02);
});
