import type { Future } from './future.ts';
import { ObjectTable } from './object-table.ts';
import type { CachePolicy } from './policy.ts';
import type { RequestBuffer } from './request-buffer.ts';

/** What one cache made of a trace. */
export interface CacheResult {
  readonly misses: number;
  /** Time that the policy itself took, in the clock's unit. */
  readonly time: number;
}

export interface ReplayOptions {
  /** A clock for `CacheResult.time`. */
  readonly now?: () => number;
  /** Tells the next accesses where the trace does not. */
  readonly future?: Future | undefined;
}

/** Replays one trace on any number of caches at once: decoded once, hashed once. */
export class CacheReplay {
  requests = 0;
  readonly #caches: readonly CachePolicy[];
  readonly #now: () => number;
  readonly #future: Future | undefined;
  readonly #table = new ObjectTable();
  readonly #misses: number[];
  readonly #time: number[];
  #objects = new Int32Array(0);

  constructor(caches: readonly CachePolicy[], options: ReplayOptions = {}) {
    this.#caches = caches;
    this.#now = options.now ?? (() => 0);
    this.#future = options.future;
    this.#misses = caches.map(() => 0);
    this.#time = caches.map(() => 0);
  }

  /** Distinct objects so far. */
  get footprint(): number {
    return this.#table.count;
  }

  /** Serves the next requests of the trace. */
  serve(requests: RequestBuffer): void {
    const { count, next, low, calls } = requests;
    if (this.#objects.length < count) this.#objects = new Int32Array(low.length);
    const objects = this.#objects;
    this.#table.number(requests, objects);
    this.#future?.tell(next, this.requests, count);
    const batch = { objects, next, count, footprint: this.#table.count, calls };
    this.#caches.forEach((cache, i) => {
      const begin = this.#now();
      this.#misses[i] += cache.access(batch);
      this.#time[i] += this.#now() - begin;
    });
    this.requests += count;
  }

  /** One result for each cache, in their order. */
  results(): CacheResult[] {
    return this.#misses.map((misses, i) => ({ misses, time: this.#time[i] }));
  }
}
