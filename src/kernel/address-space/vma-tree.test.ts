import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pfn, vpn } from '../../hardware/units.ts';
import { Mm } from './mm.ts';
import { Vma } from './vma.ts';
import { VmaTree } from './vma-tree.ts';

const SPACE = 4000;
const mm = new Mm(1, pfn(1), vpn(SPACE));
const vma = (start: number, end: number): Vma => new Vma(mm, vpn(start), vpn(end), 0, start);

/** What the tree promises, said with a sorted array and no cleverness. */
class SlowMap {
  vmas: Vma[] = [];

  insert(vma: Vma): void {
    this.vmas = [...this.vmas, vma].sort((a, b) => a.start - b.start);
  }

  holes(low: number, high: number): [number, number][] {
    const bounds = [0, ...this.vmas.flatMap((v) => [v.start, v.end]), Number.POSITIVE_INFINITY];
    const holes: [number, number][] = [];
    for (let i = 0; i < bounds.length; i += 2)
      holes.push([Math.max(bounds[i] as number, low), Math.min(bounds[i + 1] as number, high)]);
    return holes;
  }
}

const operation = fc.record({
  at: fc.nat(SPACE),
  length: fc.integer({ min: 1, max: 12 }),
  kind: fc.constantFrom('insert', 'insert', 'insert', 'remove', 'resize'),
  seed: fc.nat(),
});

test('does the tree answer as a sorted array does, whatever was inserted, removed and resized?', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 600 }), fc.array(fc.nat(SPACE), { maxLength: 20 }), (ops, probes) => {
      const tree = new VmaTree();
      const slow = new SlowMap();
      for (const { at, length, kind, seed } of ops) apply(tree, slow, kind, at, length, seed);
      expect([...tree]).toEqual(slow.vmas);
      expect(tree.count).toBe(slow.vmas.length);
      for (const page of probes) {
        expect(tree.find(page)).toBe(slow.vmas.find((v) => v.end > page));
        expect(tree.lookup(page)).toBe(slow.vmas.find((v) => v.contains(page)));
        expect(tree.before(page)).toBe(slow.vmas.findLast((v) => v.end <= page));
        const size = 1 + (page % 9);
        const fitting = slow.holes(page / 2, page + 40).filter(([start, end]) => end - start >= size);
        expect(tree.highestGapEnd(size, page / 2, page + 40)).toBe(fitting.at(-1)?.[1] ?? -1);
        expect(tree.lowestGapStart(size, page / 2, page + 40)).toBe(fitting[0]?.[0] ?? -1);
      }
    }),
    { numRuns: 150 },
  );
});

function apply(tree: VmaTree, slow: SlowMap, kind: string, at: number, length: number, seed: number): void {
  if (kind === 'insert') {
    const free = !slow.vmas.some((v) => v.start < at + length && v.end > at);
    if (!free) return;
    const added = vma(at, at + length);
    tree.insert(added);
    slow.insert(added);
    return;
  }
  const index = seed % Math.max(1, slow.vmas.length);
  const chosen = slow.vmas[index];
  if (chosen === undefined) return;
  if (kind === 'remove') {
    tree.remove(chosen);
    slow.vmas.splice(index, 1);
    return;
  }
  const low = slow.vmas[index - 1]?.end ?? 0;
  const high = slow.vmas[index + 1]?.start ?? SPACE + 20;
  const start = low + (seed % (chosen.start - low + 1));
  const end = chosen.end + (seed % (high - chosen.end + 1));
  tree.resize(chosen, vpn(start), vpn(end));
}

test('are next and prev the neighbours across leaf borders?', () => {
  const tree = new VmaTree();
  const all = Array.from({ length: 1000 }, (_, i) => vma(i * 3, i * 3 + 2));
  for (const v of all) tree.insert(v);
  all.forEach((v, i) => {
    expect(tree.next(v)).toBe(all[i + 1]);
    expect(tree.prev(v)).toBe(all[i - 1]);
  });
});

test('is an overlap refused as the broken invariant that it is?', () => {
  const tree = new VmaTree();
  tree.insert(vma(10, 20));
  expect(() => tree.insert(vma(19, 25))).toThrow('not a free range');
  expect(() => tree.remove(vma(10, 20))).toThrow('not in the tree');
});

test('do 65,530 mappings from the top down, each found by a search, take less than two seconds?', () => {
  const tree = new VmaTree();
  const top = 0x7ffff7fff;
  const began = performance.now();
  for (let i = 0; i < 65_530; i++) {
    const end = tree.highestGapEnd(1, 16, top);
    tree.insert(vma(end - 1, end));
  }
  expect(tree.count).toBe(65_530);
  expect(performance.now() - began).toBeLessThan(2000);
});
