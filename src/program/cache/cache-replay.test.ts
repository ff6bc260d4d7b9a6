import { expect, test } from 'vitest';
import { CacheReplay } from './cache-replay.ts';
import { Future } from './future.ts';
import { POLICIES } from './policies/index.ts';
import { RequestBuffer } from './request-buffer.ts';
import { mixedTrace } from './testing/traces.ts';

/** Long enough for several buffers of requests. */
const TRACE = [...mixedTrace(), ...mixedTrace()];

function serve(replay: CacheReplay): void {
  const buffer = new RequestBuffer((requests) => replay.serve(requests));
  for (const object of TRACE) buffer.add(object, 0, 0);
  buffer.flush();
}

const caches = (): ReturnType<(typeof POLICIES)[number]['create']>[] =>
  POLICIES.filter(({ needsFuture, needsCalls }) => !needsFuture && !needsCalls).map((policy) => policy.create(100));

test('do caches that are replayed together miss as often as each alone?', () => {
  const together = new CacheReplay(caches());
  serve(together);
  const alone = caches().map((cache) => {
    const replay = new CacheReplay([cache]);
    serve(replay);
    return replay.results()[0].misses;
  });
  expect(together.requests).toBe(TRACE.length);
  expect(together.footprint).toBe(new Set(TRACE).size);
  expect(together.results().map(({ misses }) => misses)).toEqual(alone);
});

test('does a first pass tell the future that belady needs?', () => {
  const future = new Future();
  const access = ({ objects, count }: { objects: Int32Array; count: number }): number => {
    future.add(objects, count);
    return 0;
  };
  const survey = new CacheReplay([{ capacity: 0, access }]);
  serve(survey);
  future.complete(survey.footprint);

  const [belady] = POLICIES.filter((policy) => policy.needsFuture).map((policy) => policy.create(100));
  const replay = new CacheReplay([belady], { future });
  serve(replay);
  const next = new Map<number, number>();
  let misses = 0;
  TRACE.forEach((object, i) => {
    if (!next.has(object)) misses++;
    if (!next.has(object) && next.size === 100) {
      const [victim] = [...next].reduce((best, each) => (each[1] > best[1] ? each : best));
      next.delete(victim);
    }
    const later = TRACE.indexOf(object, i + 1);
    next.set(object, later < 0 ? Number.POSITIVE_INFINITY : later);
  });
  expect(replay.results()[0].misses).toBe(misses);
});

test('is the time of each policy its own?', () => {
  let ticks = 0;
  const slow = {
    capacity: 1,
    access: (): number => {
      ticks += 5;
      return 0;
    },
  };
  const quick = { capacity: 1, access: (): number => 0 };
  const replay = new CacheReplay([slow, quick], { now: () => ticks });
  serve(replay);
  const [first, second] = replay.results();
  expect(first.time).toBe(ticks);
  expect(second.time).toBe(0);
});
