/** Heap against page cache: what one takes the other does not have. */
import { expect, test } from 'vitest';
import { MM_ANONPAGES } from '../../../kernel/address-space/mm.ts';
import { checkInvariants } from '../../../kernel/invariants.ts';
import { Machine } from '../../../machine/machine.ts';
import { type ElasticsearchReport, runElasticsearch, segmentShares } from './elasticsearch.ts';
import { type ElasticsearchSettings, elasticsearchSettings } from './settings.ts';

const MIB = 2 ** 20;
const SMALL = { indexBytes: 48 * MIB, segments: 5, queries: 40, warmupQueries: 60, terms: 50_000 };

const small = (settings: Partial<ElasticsearchSettings>, memory = 64 * MIB): ElasticsearchReport =>
  runElasticsearch(new Machine({ memory }), { settings: { ...SMALL, ...settings } });

test('does a larger heap mean a lower hit ratio, more major faults and slower queries?', () => {
  const runs = [0.25, 0.5, 0.75].map((heapShare) => small({ heapShare }));
  const ratios = runs.map((run) => run.hitRatio);
  expect(ratios).toEqual(ratios.toSorted((a, b) => b - a));
  const faults = runs.map((run) => run.majorFaults);
  expect(faults).toEqual(faults.toSorted((a, b) => a - b));
  expect(faults[2]).toBeGreaterThan(10 * (faults[0] as number));
  const means = runs.map((run) => run.latency.meanNs);
  expect(means).toEqual(means.toSorted((a, b) => a - b));
  // The same queries each time: only the machine's answers differ.
  expect(new Set(runs.map((run) => run.touchedPages)).size).toBe(1);
});

test('is nothing read any more once all of the index that queries want is in memory?', () => {
  const warm = small({ heapShare: 0.25, terms: 20, warmupQueries: 2000 }, 256 * MIB);
  expect([warm.hitRatio, warm.majorFaults, warm.diskReads]).toEqual([1, 0, 0]);
});

test('do popular terms keep their pages, so that skew helps where memory is short?', () => {
  const [flat, skewed] = [0, 1.2].map((skew) => small({ heapShare: 0.75, skew }).hitRatio) as [number, number];
  expect(skewed).toBeGreaterThan(flat);
});

test('does reading around each fault fetch bytes that nobody wants?', () => {
  const normal = small({ heapShare: 0.75 });
  const random = small({ heapShare: 0.75, readAdvice: 'random' });
  expect(normal.diskBytes).toBeGreaterThan(3 * random.diskBytes);
});

test('is the whole heap resident from the start?', () => {
  const machine = new Machine({ memory: 64 * MIB });
  runElasticsearch(machine, { settings: { ...SMALL, heapShare: 0.5, queries: 1, warmupQueries: 0 } });
  const [process] = [...machine.kernel.processes.all.values()];
  expect(process?.mm.rss[MM_ANONPAGES]).toBeGreaterThanOrEqual((32 * MIB) / 4096);
  expect(checkInvariants(machine.kernel)).toEqual([]);
});

test('do the shares of segments make one whole, each smaller than the one before?', () => {
  for (const segments of [1, 2, 12, 40]) {
    const shares = segmentShares(segments);
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
    expect(shares).toEqual(shares.toSorted((a, b) => b - a));
  }
});

test('is a run the same each time, and another with another seed?', () => {
  const run = (seed: number): ElasticsearchReport => small({ heapShare: 0.75, queries: 10, warmupQueries: 20, seed });
  expect(run(1)).toEqual(run(1));
  expect(run(2).missedPages).not.toBe(run(1).missedPages);
});

test('are settings that no node can have refused by name?', () => {
  expect(() => elasticsearchSettings({ heapShare: 1 })).toThrow(
    'heapShare is 1; more than 0 and at most 0.9 is possible',
  );
  expect(() => elasticsearchSettings({ terms: 0 })).toThrow('terms is 0; a whole number from 1 on is needed');
  expect(() => elasticsearchSettings({ skew: -1 })).toThrow('skew is -1; from 0 to 4 is possible');
});
