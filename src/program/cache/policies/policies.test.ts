import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { StackDistances } from '../stack-distance.ts';
import { MODELS, modelMisses, policyMisses } from '../testing/models.ts';
import { batchesOf, mixedTrace, nextAccesses } from '../testing/traces.ts';
import { POLICIES as ALL } from './index.ts';

/** The page cache of a machine has tests of its own (linux.test.ts): it may pass its limit for a moment. */
const POLICIES = ALL.filter((policy) => !policy.needsCalls);
const BATCH = 1000;

/** Misses of `mixedTrace` as libCacheSim (commit aa0fc40, its default parameters) counts them, for each size. */
const SIZES = [40, 200, 800];
const GOLDEN: Readonly<Record<string, readonly number[]>> = {
  lru: [8586, 6975, 3233],
  fifo: [8798, 7298, 3868],
  clock: [8527, 6856, 3111],
  slru: [7864, 6026, 2923],
  lfu: [7841, 6131, 2846],
  '2q': [7839, 6276, 3267],
  arc: [7755, 6031, 2771],
  's3-fifo': [7681, 6018, 2921],
  sieve: [7757, 6131, 2846],
  belady: [6604, 4078, 2138],
};

const policyNamed = (name: string) => POLICIES.find((policy) => policy.name === name) ?? POLICIES[0];

/** Traces with few objects, so that small caches hit, miss and remember. */
const traces = fc.array(fc.nat({ max: 24 }), { minLength: 1, maxLength: 400 });

describe.each(POLICIES.map((policy) => policy.name))('%s', (name) => {
  const policy = policyNamed(name);

  test('does it miss as often as an independent simulator says?', () => {
    const trace = mixedTrace();
    expect(SIZES.map((size) => policyMisses(policy.create(size), batchesOf(trace, BATCH)))).toEqual(GOLDEN[name]);
  });

  test('does it do what the plain model does, with any trace, size and cut into batches?', () => {
    fc.assert(
      fc.property(traces, fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 100 }), (trace, size, batch) => {
        const expected = modelMisses(MODELS[name](size), trace, nextAccesses(trace));
        expect(policyMisses(policy.create(size), batchesOf(trace, batch))).toBe(expected);
      }),
      { numRuns: 300 },
    );
  });

  test('does a cache of all objects miss each once?', () => {
    const trace = mixedTrace();
    const footprint = new Set(trace).size;
    expect(policyMisses(policy.create(footprint), batchesOf(trace, BATCH))).toBe(footprint);
  });
});

test('does no policy beat belady?', () => {
  fc.assert(
    fc.property(traces, fc.integer({ min: 1, max: 30 }), (trace, size) => {
      const misses = (name: string): number => policyMisses(policyNamed(name).create(size), batchesOf(trace, BATCH));
      const bound = misses('belady');
      for (const { name } of POLICIES) expect(misses(name)).toBeGreaterThanOrEqual(bound);
    }),
  );
});

test('does lru equal a count of stack distances at every size?', () => {
  const trace = mixedTrace().slice(0, 3000);
  const distances = new StackDistances();
  for (const batch of batchesOf(trace, BATCH)) distances.add(batch);
  for (let size = 1; size <= new Set(trace).size + 1; size++) {
    expect(policyMisses(policyNamed('lru').create(size), batchesOf(trace, BATCH))).toBe(distances.misses(size));
  }
});

test('are stack distances those that one counts by hand, also when times are numbered anew?', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 12 }), { maxLength: 3000 }), fc.integer({ min: 1, max: 14 }), (trace, size) => {
      const distances = new StackDistances();
      for (const batch of batchesOf(trace, 64)) distances.add(batch);
      expect(distances.misses(size)).toBe(modelMisses(MODELS.lru(size), trace, nextAccesses(trace)));
    }),
  );
});
