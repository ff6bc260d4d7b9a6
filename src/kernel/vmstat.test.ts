import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { NR_FREE_PAGES, PGFAULT, PGFREE, VMSTAT_NAMES, VmStat } from './vmstat.ts';

const recorded = readFileSync(new URL('./proc/fixtures/vmstat.txt', import.meta.url), 'utf8');

test('are the items those of the real /proc/vmstat, in its order?', () => {
  const real = recorded.trimEnd().split('\n');
  expect(VMSTAT_NAMES).toEqual(real.map((line) => line.split(' ')[0]));
});

test('does it tell the events since, and only the events?', () => {
  const stat = new VmStat();
  stat.count(PGFAULT, 3);
  const before = stat.save();
  stat.count(PGFREE);
  stat.count(PGFAULT, 2);
  stat.count(NR_FREE_PAGES, -7);
  expect(stat.eventsSince(before)).toEqual([
    ['pgfree', 1],
    ['pgfault', 2],
  ]);
  expect(stat.value(NR_FREE_PAGES)).toBe(-7);
});

test('is a restored counter the saved one, and a foreign state refused?', () => {
  const stat = new VmStat();
  stat.count(PGFAULT, 41);
  const other = new VmStat();
  other.restore(stat.save());
  expect(other.value(PGFAULT)).toBe(41);
  expect(() => other.restore(new Float64Array(3))).toThrow(/3 items/);
});
