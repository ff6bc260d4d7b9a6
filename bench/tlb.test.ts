import { expect, test } from 'vitest';
import { textbook } from '../src/hardware/processors/textbook.ts';
import { zen3 } from '../src/hardware/processors/zen3.ts';
import { measureTlb } from './tlb.ts';

test.each([zen3, textbook])('does the C loop miss as often as the simulated $name?', (model) => {
  expect(measureTlb(model, 1).ratio).toBeGreaterThan(0.1);
});
