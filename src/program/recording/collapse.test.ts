import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Block } from './block.ts';
import { RunCollapser } from './collapse.ts';
import { forEachRun } from './runs.ts';

type Access = readonly [kind: 'fetch' | 'load' | 'store' | 'modify', address: number, size: number];
type Run = readonly [kind: number, page: number, count: number];

const access: fc.Arbitrary<Access> = fc.tuple(
  fc.constantFrom('fetch', 'load', 'store', 'modify'),
  fc.nat(5 * 4096),
  fc.integer({ min: 1, max: 32 }),
);

function collapse(accesses: readonly Access[]): { runs: Run[]; blocks: Block[] } {
  const runs: Run[] = [];
  const blocks: Block[] = [];
  const collapser = new RunCollapser(0, (block) => void blocks.push(block));
  for (const [kind, address, size] of accesses) collapser[kind](address, size);
  collapser.finish();
  for (const block of blocks) forEachRun(block, { run: (kind, page, count) => void runs.push([kind, page, count]) });
  return { runs, blocks };
}

/** The definition of a data run, as slowly as it reads: loads only, or a store and whatever follows, on one page. */
function dataRuns(accesses: readonly Access[]): Run[] {
  const runs: [number, number, number][] = [];
  for (const [kind, address, size] of accesses) {
    if (kind === 'fetch') continue;
    const pages = new Set([Math.floor(address / 4096), Math.floor((address + size - 1) / 4096)]);
    for (const page of pages) {
      const last = runs.at(-1);
      const goesOn = last !== undefined && last[1] === page && (kind === 'load' || last[0] === 2);
      const count = kind === 'modify' ? 2 : 1;
      if (goesOn) last[2] += count;
      else runs.push([kind === 'load' ? 1 : 2, page, count]);
    }
  }
  return runs;
}

describe('collapsing accesses into runs', () => {
  it('do the data runs come out as defined?', () => {
    fc.assert(
      fc.property(fc.array(access, { maxLength: 200 }), (accesses) => {
        expect(collapse(accesses).runs.filter(([kind]) => kind !== 0)).toEqual(dataRuns(accesses));
      }),
    );
  });

  it('is every instruction in a fetch run, and every load and store in the totals?', () => {
    fc.assert(
      fc.property(fc.array(access, { maxLength: 200 }), (accesses) => {
        const { runs, blocks } = collapse(accesses);
        const instructions = accesses.filter(([kind]) => kind === 'fetch').length;
        const fetched = runs.filter(([kind]) => kind === 0).reduce((sum, [, , count]) => sum + count, 0);
        expect(fetched).toBe(instructions);
        expect(blocks.reduce((sum, block) => sum + block.instructions, 0)).toBe(instructions);
      }),
    );
  });
});
