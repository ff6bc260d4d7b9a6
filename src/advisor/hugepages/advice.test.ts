import { expect, test } from 'vitest';
import { advise } from './advice.ts';
import type { Measured, Setting } from './measure.ts';
import { hugetlbSettings, javaHeap, kindOf, poolPages } from './program-kind.ts';

const MIB = 2 ** 20;
const EXACT = { kind: 'exact' } as const;
const whole = (command: readonly string[]) => ({ command, mode: EXACT, damage: undefined });

/** A run of a second, of which page walks take a part; the rest is the same under every setting. */
function run(setting: Setting, walkPart: number, rssMib: number, more: Partial<Measured> = {}): Measured {
  const walkNs = 1e9 * walkPart;
  return {
    setting,
    l1Misses: 0,
    l2Misses: 0,
    walks: walkNs / 10,
    walkLoads: walkNs / 10,
    walkLoadsAsGuest: (3 * walkNs) / 10,
    walkNs,
    walkNsAsGuest: 3 * walkNs,
    faults: { minor: 1000, major: 0 },
    faultNs: 1e6,
    ns: 1e9 + walkNs,
    nsAsGuest: 1e9 + 3 * walkNs,
    peakRss: rssMib * MIB,
    poolBytes: 0,
    mismatches: 0,
    strayRuns: 0,
    mappings: [],
    ...more,
  };
}

test('are huge pages recommended where walks take time, and not where they take none?', () => {
  const big = advise(whole(['./db']), [run('4k', 0.2, 1000), run('thp', 0.01, 1010), run('hugetlb', 0.01, 2)]);
  expect([big.recommend, big.sureness]).toEqual(['thp', 'high']);
  expect(big.settings.join()).toContain('MADV_HUGEPAGE');
  const small = advise(whole(['./cat']), [run('4k', 0.002, 4), run('thp', 0.001, 4), run('hugetlb', 0.001, 4)]);
  expect([small.recommend, small.settings]).toEqual(['none', []]);
});

test('are huge pages that cost more memory than they save time left alone?', () => {
  const sparse = advise(whole(['./sparse']), [run('4k', 0.02, 10), run('thp', 0, 900), run('hugetlb', 0, 900)]);
  expect(sparse.recommend).toBe('none');
  expect(sparse.why).toContain('too much memory');
});

test('does a program with a page used here and there learn that huge pages would slow it down?', () => {
  const slow = { ns: 3e9, peakRss: 900 * MIB };
  const runs = [run('4k', 0.5, 10), run('thp', 0, 900, slow), run('hugetlb', 0, 900, slow)] as const;
  const { recommend, why } = advise(whole(['./sparse']), runs);
  expect(recommend).toBe('none');
  expect(why).toContain('make the run 100.0 % longer');
  expect(why).toContain('take 890.0 MiB more');
});

test('is the pool recommended only where transparent huge pages do clearly less?', () => {
  const runs = (thpPart: number) =>
    advise(whole(['postgres']), [
      run('4k', 0.2, 1000),
      run('thp', thpPart, 1000),
      run('hugetlb', 0.01, 10, { poolBytes: 990 * MIB }),
    ]);
  expect(runs(0.02).recommend).toBe('thp');
  const shared = runs(0.19);
  expect([shared.recommend, shared.nrHugepages]).toEqual(['hugetlb', 495]);
  expect(shared.settings).toContain('huge_pages = on');
  expect(shared.settings[0]).toContain('echo 495 >');
});

test('does it say what makes it unsure?', () => {
  const runs = [run('4k', 0.2, 1000), run('thp', 0.01, 1010), run('hugetlb', 0.01, 2, { mismatches: 3 })] as const;
  const windowed = { command: ['./db'], mode: { kind: 'windowed', window: 1000 } as const, damage: 'it ends early' };
  const advice = advise(windowed, runs);
  expect(advice.sureness).toBe('low');
  expect(advice.because).toHaveLength(3);
  expect(advise({ ...windowed, mode: EXACT, damage: undefined }, runs).sureness).toBe('medium');
});

test('are the switches and the count of pages those of the program?', () => {
  expect(['/usr/bin/java', 'postgres', './a'].map((name) => kindOf([name]))).toEqual(['java', 'postgres', 'other']);
  expect(javaHeap(['java', '-Xmx1g', '-Xmx4g', '-jar', 'a.jar'])).toBe(4 * 1024 * MIB);
  expect(javaHeap(['java', '-jar', 'a.jar'])).toBeUndefined();
  // The heap, and 240 MiB of code.
  expect(poolPages(['java', '-Xmx4g'], 0)).toBe(2048 + 120);
  expect(poolPages(['./a'], 5 * MIB)).toBe(3);
  expect(hugetlbSettings('java', 2168)).toContain('-XX:+UseLargePages');
});
