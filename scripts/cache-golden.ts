/**
 * npm run cache-golden: the miss ratios of every policy on two traces of 20 million requests, compared with those of
 * libCacheSim (commit aa0fc40, October 2024, its default parameters, sizes in objects), and LRU compared with an exact
 * count of stack distances. Takes minutes, so it is not among the tests. Exit code 1 when a number differs.
 */
import { POLICIES as ALL } from '../src/program/cache/policies/index.ts';
import { lru as lruPolicy } from '../src/program/cache/policies/lru.ts';
import { StackDistances } from '../src/program/cache/stack-distance.ts';
import { replayFile, type TraceName, traceFile } from './cache-traces.ts';

/** libCacheSim knows no Linux. */
const POLICIES = ALL.filter((policy) => !policy.needsCalls);
const SIZES = [10_000, 100_000];
/** Miss ratios by size, as libCacheSim prints them. */
const GOLDEN: Readonly<Record<TraceName, Readonly<Record<string, readonly string[]>>>> = {
  zipf: {
    lru: ['0.6050', '0.3640'],
    fifo: ['0.6382', '0.4019'],
    clock: ['0.5943', '0.3541'],
    slru: ['0.5144', '0.3075'],
    '2q': ['0.5210', '0.3187'],
    arc: ['0.5085', '0.3100'],
    's3-fifo': ['0.5045', '0.3031'],
    sieve: ['0.5093', '0.3073'],
  },
  loop: {
    lru: ['1.0000', '1.0000'],
    fifo: ['1.0000', '1.0000'],
    clock: ['1.0000', '1.0000'],
    slru: ['0.9929', '0.9287'],
    '2q': ['1.0000', '1.0000'],
    arc: ['1.0000', '1.0000'],
    's3-fifo': ['1.0000', '1.0000'],
    sieve: ['1.0000', '1.0000'],
  },
};
/** Sizes at which LRU is compared with the stack distances: in steps of the square root of two, and around a power of two. */
const LRU_SIZES = [1, 2, 3, 1023, 1024, 1025, ...Array.from({ length: 21 }, (_, i) => Math.round(1000 * 2 ** (i / 2)))];

async function compare(trace: TraceName): Promise<number> {
  const path = traceFile(trace);
  const caches = POLICIES.flatMap((policy) => SIZES.map((size) => ({ name: policy.name, cache: policy.create(size) })));
  const lru = LRU_SIZES.map((size) => lruPolicy.create(size));
  const distances = new StackDistances();
  const counter = {
    capacity: 0,
    access: (batch: Parameters<StackDistances['add']>[0]): number => {
      distances.add(batch);
      return 0;
    },
  };
  const { requests, results } = await replayFile(path, [...caches.map(({ cache }) => cache), ...lru, counter]);

  let differences = 0;
  console.log(`${trace}: ${requests} requests`);
  for (const { name } of POLICIES) {
    const ratios = SIZES.map((size) => {
      const at = caches.findIndex((each) => each.name === name && each.cache.capacity === size);
      return (results[at].misses / requests).toFixed(4);
    });
    const golden = GOLDEN[trace][name];
    const equal = golden === undefined || ratios.every((ratio, i) => ratio === golden[i]);
    if (!equal) differences++;
    const verdict = golden === undefined ? '' : equal ? 'equal' : `libCacheSim: ${golden.join(' ')}`;
    console.log(`  ${name.padEnd(8)} ${ratios.join('  ')}  ${verdict}`);
  }
  const wrong = LRU_SIZES.filter((size, i) => results[caches.length + i].misses !== distances.misses(size));
  console.log(
    `  lru at ${LRU_SIZES.length} sizes and stack distances: ${wrong.length === 0 ? 'equal' : `differ at ${wrong}`}`,
  );
  return differences + wrong.length;
}

const differences = (await compare('zipf')) + (await compare('loop'));
process.exitCode = differences === 0 ? 0 : 1;
