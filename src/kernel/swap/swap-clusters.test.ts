import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SWAPFILE_CLUSTER, SwapClusters } from './swap-clusters.ts';

const SLOTS = 3 * SWAPFILE_CLUSTER + 100;

function fresh(size = SLOTS, freshFirst = false) {
  const references = new Uint16Array(size);
  const cached = new Int32Array(size);
  const clusters = new SwapClusters({ references, cached }, size, freshFirst, (slot) => {
    cached[slot] = 0;
    clusters.release(slot);
    return true;
  });
  const take = (isFull = false): number => {
    const near = clusters.next === 0 ? 0 : clusters.takeNear(clusters.next, isFull);
    const slot = near !== 0 ? near : clusters.take(isFull);
    if (slot !== 0) references[slot] = 1;
    return slot;
  };
  const release = (slot: number): void => {
    references[slot] = 0;
    clusters.release(slot);
  };
  return { references, cached, clusters, take, release };
}

describe('slots of an area', () => {
  test('do they come in their order, the header left out, first from the clusters that are not whole?', () => {
    const { take } = fresh();
    expect([take(), take(), take()]).toEqual([1, 2, 3]);
    for (let i = 4; i < SWAPFILE_CLUSTER; i++) take();
    // The last cluster is cut short by the area's end, so it is not a free one.
    expect([take(), take()]).toEqual([3 * SWAPFILE_CLUSTER, 3 * SWAPFILE_CLUSTER + 1]);
    for (let i = 2; i < 100; i++) take();
    expect(take()).toBe(SWAPFILE_CLUSTER);
  });

  test('is a cluster with gaps filled before a free one is begun, unless writes are to be spread?', () => {
    // Fresh ones first: the cluster of the header is not one of them.
    for (const [freshFirst, whole, expected] of [
      [false, 2 * SWAPFILE_CLUSTER - 1, 600],
      [true, 2 * SWAPFILE_CLUSTER, 3 * SWAPFILE_CLUSTER],
    ] as const) {
      const { take, release } = fresh(4 * SWAPFILE_CLUSTER, freshFirst);
      for (let i = 0; i < whole; i++) take();
      release(600);
      expect(take()).toBe(expected);
    }
  });

  test('does a cluster whose slots are all free again wait behind the other free ones?', () => {
    const { take, release } = fresh(4 * SWAPFILE_CLUSTER);
    for (let i = 1; i < 2 * SWAPFILE_CLUSTER; i++) take();
    for (let slot = SWAPFILE_CLUSTER; slot < 2 * SWAPFILE_CLUSTER; slot++) release(slot);
    expect(take()).toBe(2 * SWAPFILE_CLUSTER);
  });

  test('does a page that only the swap cache holds give its slot up when swap is more than half full, not before?', () => {
    const { take, release, references, cached } = fresh(SWAPFILE_CLUSTER);
    for (let i = 1; i < SWAPFILE_CLUSTER; i++) take();
    references[7] = 0;
    cached[7] = 42;
    expect(take(false)).toBe(0);
    expect(take(true)).toBe(7);
    expect(cached[7]).toBe(0);
    release(7);
  });

  test('whatever is taken and given back: is every slot given once, none lost, and a saved state the same?', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2000), { maxLength: 400 }), fc.boolean(), (steps, freshFirst) => {
        const size = 2 * SWAPFILE_CLUSTER + 37;
        const { take, release, clusters, references, cached } = fresh(size, freshFirst);
        const taken = new Set<number>();
        for (const step of steps) {
          // Long runs, so that clusters fill and empty.
          for (let n = 0; n < (step % 90) + 1; n++) {
            if (step < 1200) {
              const slot = take();
              expect(slot === 0 || (slot > 0 && slot < size && !taken.has(slot))).toBe(true);
              expect(slot === 0).toBe(taken.size === size - 1);
              if (slot !== 0) taken.add(slot);
            } else if (taken.size > 0) {
              const slot = [...taken][step % taken.size] as number;
              taken.delete(slot);
              release(slot);
            }
          }
        }
        const copy = new SwapClusters({ references, cached }, size, freshFirst, () => false);
        copy.restore(clusters.save());
        expect(copy.save()).toEqual(clusters.save());
      }),
      { numRuns: 60 },
    );
  });
});
