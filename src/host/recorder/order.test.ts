import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeBlock, parseBlock } from '../../program/recording/block.ts';
import { BlockBuilder } from '../../program/recording/block-builder.ts';
import type { ProcessFacts } from '../../program/recording/header.ts';
import { BlockOrder } from './order.ts';

/** A raw block of ten instructions whose page tells which block it is. */
function block(page: number): Uint8Array {
  const builder = new BlockBuilder(0);
  builder.fetch(page);
  builder.retire(10);
  return encodeBlock(builder.take());
}

/** What each connection does, in its own order; different connections' steps may interleave in any way. */
type Step = (order: BlockOrder) => void;

interface Scene {
  readonly connections: readonly (readonly Step[])[];
}

/**
 * A parent (pid 1) sends blocks 0, 1, 2; forks a child (pid 2) after block 0, whose fork returns with block 1; the child sends
 * 100, executes another program, which sends 200 and forks a grandchild (pid 3) with 300 that must stand behind 201.
 */
function scene(): Scene {
  const connection = (
    pid: number,
    id: number,
    parent: number,
    parentBlock: number | undefined,
    pages: number[],
  ): Step[] => {
    let handle: ReturnType<BlockOrder['open']> | undefined;
    return [
      (order) => {
        handle = order.open({ pid, connection: id, parentConnection: parent, parentBlock });
      },
      ...pages.map((page) => () => handle?.block(block(page))),
      () => handle?.end(),
    ];
  };
  return {
    connections: [
      connection(1, 11, 0, undefined, [0, 1, 2]),
      connection(2, 12, 11, 1, [100]),
      connection(2, 13, 0, undefined, [200, 201, 202]),
      connection(3, 14, 13, 1, [300]),
    ],
  };
}

/** Runs the steps; `choices` says which connection goes next. The command itself always connects first. */
function play(choices: readonly number[]): { pages: number[]; processes: ProcessFacts[]; raws: Uint8Array[] } {
  const pages: number[] = [];
  const processes: ProcessFacts[] = [];
  const raws: Uint8Array[] = [];
  const order = new BlockOrder({
    process: (facts) => void processes.push(facts),
    block: (raw) => {
      raws.push(raw);
      const { pages: column } = parseBlock(raw);
      pages.push(((column[0] ?? 0) & 0x7f) / 2 + ((column[1] ?? 0) & 0x7f) * 64);
    },
  });
  const left = scene().connections.map((steps) => [...steps]);
  left[0]?.shift()?.(order);
  const next = [...choices];
  for (let open = left.filter((steps) => steps.length > 0); open.length > 0; open = left.filter((s) => s.length > 0)) {
    open[(next.shift() ?? 0) % open.length]?.shift()?.(order);
  }
  order.finish();
  return { pages, processes, raws };
}

describe('the order of blocks', () => {
  it('is it right however the connections interleave?', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(11), { maxLength: 20 }), (choices) => {
        const { pages, processes, raws } = play(choices);
        const before = (a: number, b: number): void => expect(pages.indexOf(a)).toBeLessThan(pages.indexOf(b));
        expect([...pages].sort((a, b) => a - b)).toEqual([0, 1, 2, 100, 200, 201, 202, 300]);
        for (const [a, b] of [
          [0, 1],
          [1, 2],
          [1, 100],
          [100, 200],
          [200, 201],
          [201, 202],
          [201, 300],
        ] as const)
          before(a, b);
        expect(processes).toMatchObject([
          { stream: 0, pid: 1 },
          { stream: 1, pid: 2, parent: 0, parentBlock: 1 },
          { stream: 2, pid: 3, parent: 1, parentBlock: 2 },
        ]);
        // Blocks are numbered and instructions go on counting through execve.
        const child = raws.map((raw) => parseBlock(raw)).filter(({ stream }) => stream === 1);
        expect(child.map(({ sequence, firstInstruction }) => [sequence, firstInstruction])).toEqual([
          [0, 0],
          [1, 10],
          [2, 20],
          [3, 30],
        ]);
      }),
      { numRuns: 300 },
    );
  });

  it('is a child whose parent never says hello kept all the same?', () => {
    const processes: ProcessFacts[] = [];
    let blocks = 0;
    const order = new BlockOrder({ process: (facts) => void processes.push(facts), block: () => void blocks++ });
    order.open({ pid: 1, connection: 1, parentConnection: 0, parentBlock: undefined });
    order.open({ pid: 9, connection: 9, parentConnection: 5, parentBlock: 0 }).block(block(7));
    expect(blocks).toBe(0);
    order.finish();
    expect(blocks).toBe(1);
    expect(processes.map(({ pid }) => pid)).toEqual([1, 9]);
  });
});
