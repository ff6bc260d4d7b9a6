import type { ObjectBatch } from '../policy.ts';
import { NEVER } from '../request-buffer.ts';

/** A linear congruential generator (glibc's constants), so that the golden numbers can be had from any other program. */
export function lcg(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >>> 8) / 2 ** 23;
  };
}

/**
 * 10,000 requests that tell policies apart: most for a few popular of 1,000 objects, a tenth a loop of 60, a tenth a scan of
 * objects that never come back.
 */
export function mixedTrace(): number[] {
  const random = lcg(42);
  let loop = 0;
  let scan = 0;
  return Array.from({ length: 10_000 }, () => {
    const kind = random();
    if (kind < 0.1) return 1000 + (loop++ % 60);
    if (kind < 0.2) return 2000 + scan++;
    return Math.floor(random() ** 3 * 1000);
  });
}

/** A trace as policies take it, in batches of `length` requests. */
export function* batchesOf(trace: readonly number[], length: number): Generator<ObjectBatch> {
  const names = new Map<number, number>();
  const next = nextAccesses(trace);
  for (let first = 0; first < trace.length; first += length) {
    const piece = trace.slice(first, first + length);
    const objects = Int32Array.from(piece, (name) => names.get(name) ?? names.set(name, names.size).size - 1);
    const later = Float64Array.from(next.slice(first, first + length));
    yield { objects, next: later, count: piece.length, footprint: names.size };
  }
}

export function nextAccesses(trace: readonly number[]): number[] {
  const nextOf = new Map<number, number>();
  return trace
    .map((object, i): [number, number] => [object, i])
    .toReversed()
    .map(([object, i]) => {
      const next = nextOf.get(object) ?? NEVER;
      nextOf.set(object, i);
      return next;
    })
    .toReversed();
}
