/** The C program that does the same work: built on the spot with gcc -O2, run on the same bytes. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProcessorModel, TlbLevelModel } from '../src/hardware/processors/processor-model.ts';

export interface OpponentFigures {
  readonly runs: number;
  readonly nanoseconds: number;
  /** Misses, as the counters of the simulated CPU name them. */
  readonly l1Instruction: number;
  readonly l1Data: number;
  readonly l2: number;
}

/** The C program on some blocks. `close` removes what it left in the temporary folder. */
export class Opponent {
  readonly #folder = mkdtempSync(join(tmpdir(), 'faultline-bench-'));
  readonly #program = join(this.#folder, 'tlb-loop');
  readonly #blocks = join(this.#folder, 'blocks');

  /** @param blocks raw blocks of a recording. Throws when there is no gcc. */
  constructor(blocks: readonly Uint8Array[]) {
    execFileSync('gcc', ['-O2', '-o', this.#program, join(import.meta.dirname, 'tlb-loop.c')]);
    const lengths = blocks.map((block) => Uint8Array.of(...littleEndian(block.length)));
    writeFileSync(this.#blocks, Buffer.concat(blocks.flatMap((block, i) => [lengths[i], block])));
  }

  /** Runs all blocks `passes` times through the TLBs of a model; those of 4 KiB pages, with low index bits. */
  run(model: ProcessorModel, passes: number): OpponentFigures {
    const geometry = [model.l1Instruction, model.l1Data, model.l2, model.l2Instruction].flatMap(ofSmallPages);
    const output = execFileSync(this.#program, [this.#blocks, String(passes), ...geometry], { encoding: 'utf8' });
    return JSON.parse(output) as OpponentFigures;
  }

  close(): void {
    rmSync(this.#folder, { recursive: true });
  }
}

const littleEndian = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 255);

/** Entries and ways of a level's array of 4 KiB pages; none for a level that does not exist. */
function ofSmallPages(level: TlbLevelModel | undefined): string[] {
  const array = level?.find(({ pages }) => pages.includes('4K'));
  return [String(array?.entries ?? 0), String(array?.ways ?? 0)];
}
