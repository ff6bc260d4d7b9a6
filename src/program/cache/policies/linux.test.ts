import { describe, expect, test } from 'vitest';
import { FileSizes } from '../file-sizes.ts';
import type { RequestBuffer } from '../request-buffer.ts';
import { serve } from '../testing/calls.ts';
import { linuxModel } from '../testing/linux-model.ts';
import { modelMisses } from '../testing/models.ts';
import { lcg, mixedTrace } from '../testing/traces.ts';
import { linux } from './linux.ts';

const PAGE = 4096;
const SECOND = 1e9;

/** Reads of objects, ten a second. */
const reads =
  (trace: readonly number[]) =>
  (requests: RequestBuffer): void => {
    trace.forEach((object, i) => {
      requests.setTime((i * SECOND) / 10);
      requests.addObjectCall(false);
      requests.add(object, 0, 0);
    });
  };

/** One call for bytes of file 0. */
function call(requests: RequestBuffer, seconds: number, offset: number, length: number, isWrite: boolean): void {
  requests.setTime(seconds * SECOND);
  requests.addCall(0, offset, length, isWrite);
  for (let page = Math.floor(offset / PAGE); page * PAGE < offset + length; page++) requests.addBlock(0, page);
}

const random = lcg(7);
const TRACES: Readonly<Record<string, readonly number[]>> = {
  mixed: mixedTrace(),
  skewed: Array.from({ length: 20_000 }, () => Math.floor(random() ** 4 * 3000)),
  'in phases': Array.from({ length: 20_000 }, (_, i) => Math.floor(i / 4000) * 700 + Math.floor(random() ** 2 * 1400)),
};

describe('objects', () => {
  test.each([
    ['mixed', 200],
    ['mixed', 800],
    ['skewed', 300],
    ['skewed', 1000],
    ['in phases', 200],
    ['in phases', 700],
  ])(
    'does a %s trace under a limit of %i pages miss as often as two plain lists do, but for a hundredth?',
    (name, size) => {
      const trace = TRACES[name];
      const misses = serve(linux.create(size), reads(trace));
      const plain = modelMisses(linuxModel(size), trace, []);
      expect(Math.abs(misses / plain - 1)).toBeLessThan(0.01);
    },
  );

  test('does a cache of all objects, and of charges made ahead, miss each once?', () => {
    const trace = mixedTrace();
    const footprint = new Set(trace).size;
    const cache = linux.create(footprint + 64);
    expect(serve(cache, reads(trace))).toBe(footprint);
    expect(cache.traffic?.()).toEqual({ read: footprint, written: 0, dirty: 0, refaulted: 0, activated: 0 });
  });

  test.each([1, 2, 40])('does a limit of %i pages go on?', (size) => {
    const cache = linux.create(size);
    const misses = serve(cache, reads(mixedTrace()));
    expect(cache.traffic?.().read).toBe(misses);
    expect(misses).toBeGreaterThan(8000);
  });
});

describe('calls', () => {
  test('does the first page alone of a file that is read in order miss, unless nothing is read ahead?', () => {
    const inOrder = (requests: RequestBuffer): void => {
      for (let page = 0; page < 1000; page++) call(requests, 0, page * PAGE, PAGE, false);
    };
    expect(serve(linux.create(2000), inOrder)).toBe(1);
    expect(serve(linux.create(2000, { readAheadPages: 0 }), inOrder)).toBe(1000);
  });

  test('does a call for many pages miss those that are not cached?', () => {
    const cache = linux.create(4000, { readAheadPages: 0 });
    const misses = serve(cache, (requests) => {
      call(requests, 0, 5 * PAGE + 100, PAGE, false);
      call(requests, 0, 0, 1000 * PAGE, false);
    });
    expect(misses).toBe(1000);
  });

  test('does readahead end where the file does?', () => {
    const fill = (requests: RequestBuffer): void => call(requests, 0, 0, 3 * PAGE - 1, false);
    const fileSizes = new FileSizes();
    serve({ capacity: 0, access: (batch) => fileSizes.add(batch) }, fill);
    expect(fileSizes.of(0)).toBe(3 * PAGE - 1);
    const cache = linux.create(100, { fileSizes });
    serve(cache, fill);
    expect(cache.traffic?.().read).toBe(3);
  });

  test('was a file that is written before it is read there already?', () => {
    const fileSizes = new FileSizes();
    const fill = (requests: RequestBuffer): void => {
      call(requests, 0, 0, 100, true);
      call(requests, 0, 0, 100, false);
    };
    serve({ capacity: 0, access: (batch) => fileSizes.add(batch) }, fill);
    expect(fileSizes.of(0)).toBe(0);
    const cache = linux.create(100, { fileSizes });
    expect(serve(cache, fill)).toBe(1);
    expect(cache.traffic?.()).toMatchObject({ read: 0, dirty: 1 });
  });

  test('is a page that is written in part read first, and written back 30 seconds of the trace later?', () => {
    const write = (length: number, seconds: number) => {
      const cache = linux.create(100);
      serve(cache, (requests) => {
        call(requests, 0, 0, length, true);
        call(requests, seconds, 0, 0, false);
      });
      const { read, written, dirty } = cache.traffic?.() ?? {};
      return { read, written, dirty };
    };
    expect(write(PAGE, 29)).toEqual({ read: 0, written: 0, dirty: 1 });
    expect(write(100, 29)).toEqual({ read: 1, written: 0, dirty: 1 });
    expect(write(100, 36)).toEqual({ read: 1, written: 1, dirty: 0 });
  });

  test('do the streams of a file read ahead each for itself, however many were opened?', () => {
    const cache = linux.create(10_000);
    const misses = serve(cache, (requests) => {
      for (let page = 0; page < 64; page++) {
        for (const stream of [1, 2, 3]) {
          requests.addCall(0, (stream * 1000 + page) * PAGE, PAGE, false, stream);
          requests.addBlock(0, stream * 1000 + page);
        }
      }
      for (let stream = 4; stream < 3000; stream++) {
        requests.addCall(1, 0, PAGE, false, stream);
        requests.addBlock(1, 0);
      }
    });
    expect(misses).toBeLessThan(3 * 4);
  });
});
