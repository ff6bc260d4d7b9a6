/**
 * The synthetic program of the benchmark, as blocks of a recording: what a merge sort does to memory. Code runs in a few hot pages
 * with calls to others; data are the stack, a few hot pages, two sequential streams in and one out, and now and then
 * a page anywhere in the heap. Deterministic: the same seed gives the same bytes.
 */
import { encodeBlock } from '../src/program/recording/block.ts';
import { BlockBuilder, RECORDS_PER_BLOCK } from '../src/program/recording/block-builder.ts';
import { RUN_READ, RUN_WRITE } from '../src/program/recording/format.ts';

const CODE = 0x400;
const HEAP = 0x10000;
const STACK = 0x7ffffffd0;
const CODE_PAGES = 32;
const HEAP_PAGES = 4096;
const STACK_PAGES = 4;

/** Pages that the program touches, for whoever maps them: first page and number of pages. */
export const REGIONS: readonly (readonly [number, number])[] = [
  [CODE, CODE_PAGES],
  [HEAP, HEAP_PAGES],
  [STACK, STACK_PAGES],
];

/** Raw bytes of `count` blocks. */
export function makeBlocks(count: number): Uint8Array[] {
  const builder = new BlockBuilder(0);
  const random = randomNumbers(12345);
  const blocks: Uint8Array[] = [];
  const sources = [0, HEAP_PAGES / 4];
  let target = HEAP_PAGES / 2;
  for (let step = 0; blocks.length < count; step++) {
    const dice = random();
    builder.retire(20 + (dice & 31));
    builder.fetch(CODE + ((dice >>> 5) & 7) + ((dice >>> 8) & 31 ? 0 : 8 + ((dice >>> 13) & 15)));
    builder.data(RUN_READ, HEAP + sources[dice & 1], 4, 0);
    builder.retire(6);
    if ((dice & 6) === 0) builder.data(RUN_WRITE, STACK + ((dice >>> 17) & 3), 2, 2);
    else builder.data(RUN_WRITE, HEAP + target, 0, 3);
    if ((dice & 0x38) === 1) builder.data(RUN_READ, HEAP + (random() % HEAP_PAGES), 2, 0);
    if (step % 61 === 0) sources[dice & 1] = (sources[dice & 1] + 1) % HEAP_PAGES;
    if (step % 37 === 0) target = (target + 1) % HEAP_PAGES;
    if (builder.records >= RECORDS_PER_BLOCK - 8) blocks.push(encodeBlock(builder.take()));
  }
  return blocks;
}

/** Marsaglia's xorshift32. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 1;
  };
}
