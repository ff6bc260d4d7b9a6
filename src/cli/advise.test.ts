import { expect, test } from 'vitest';
import { faultline } from './testing/faultline.ts';

test('does advise hugepages replay under three settings and say what to do?', () => {
  const { code, stdout, stderr } = faultline(['advise', 'hugepages', 'recordings/sort.flt', '--no-progress']);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/4 KiB pages .*\n {2}transparent huge pages .*\n {2}huge pages of the pool /);
  expect(stdout).toMatch(/^recommended: /m);
  expect(stdout).toMatch(/^ {2}sure: (high|medium|low); /m);
});

test('is --json the same as data?', () => {
  const { stdout } = faultline(['advise', 'hugepages', 'recordings/ls.flt', '--json', '--cpu', 'zen5']);
  const { processor, runs, advice } = JSON.parse(stdout);
  expect([processor, runs.length, advice.recommend]).toEqual(['zen5', 3, 'none']);
  expect(runs[0].setting).toBe('4k');
  expect(runs[0].walkLoadsAsGuest).toBe(2 * runs[0].walkLoads + runs[0].walks);
});

test('do wrong words get one clear sentence?', () => {
  const wrong = (...args: string[]) => {
    const { code, stderr } = faultline(['advise', ...args]);
    return [code, stderr.trim()];
  };
  expect(wrong('hugpages', 'x')).toEqual([2, expect.stringContaining('did you mean "hugepages"')]);
  expect(wrong('hugepages')).toEqual([2, expect.stringContaining('needs a RECORDING')]);
  expect(wrong('hugepages', 'nothing.flt')).toEqual([2, expect.stringContaining('nothing.flt')]);
  expect(wrong('hugepages', 'recordings/ls.flt', '--thp', 'always')).toEqual([2, expect.stringContaining('itself')]);
});
