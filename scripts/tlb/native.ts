/** Chains of loads on the processor beneath: builds and runs conformance/tlb/chase.c. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Chain } from './chains.ts';

const SOURCE = join(import.meta.dirname, '../../conformance/tlb/chase.c');

/** What translation adds to a load, in nanoseconds: the spread chain less the packed one. */
export interface Measurement extends Chain {
  /** Of each run of the program, least first: the quickest repetition. */
  readonly extra: readonly number[];
  /** The least repetition's time of the packed chain. */
  readonly packed: number;
  /** How far a quarter of the repetitions lay above the least one, as a part of it; of the quietest run. */
  readonly spread: number;
  readonly gigahertz: number;
  /** Megabytes of the chain that the kernel really had in huge pages. */
  readonly hugeMb: number;
}

interface ChaseLine {
  readonly pages: number;
  readonly stride: number;
  readonly huge_kb: number;
  readonly ghz: number;
  readonly spread: readonly [number, number, number, number];
  readonly packed: readonly [number, number, number, number];
}

/** Builds chase. @returns its path */
export function buildChase(): string {
  const program = join(mkdtempSync(join(tmpdir(), 'tlb-')), 'chase');
  execFileSync('gcc', ['-O2', '-o', program, SOURCE]);
  return program;
}

/** Runs chains of one kind several times. `kind` is chase's KIND. */
export function measure(
  program: string,
  kind: '4k' | 'thp' | 'hugetlb',
  order: Chain['order'],
  stride: number,
  pages: readonly number[],
  runs: number,
  offset: number = kind === '4k' ? 64 : 4160,
): Measurement[] {
  const options = ['-o', String(offset), ...(kind === '4k' ? ['-s', String(stride)] : [])];
  const all = Array.from({ length: runs }, () =>
    execFileSync(program, [...options, kind, order, ...pages.map(String)], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as ChaseLine),
  );
  return pages.map((count, i) => {
    const lines = all.map((run) => run[i] as ChaseLine);
    const spreads = lines.map(({ spread }) => (spread[2] - spread[0]) / spread[0]);
    return {
      kind: kind === '4k' ? '4k' : '2m',
      order,
      pages: count,
      stride,
      offset,
      extra: lines.map(({ spread, packed }) => spread[0] - packed[0]).sort((a, b) => a - b),
      packed: Math.min(...lines.map(({ packed }) => packed[0])),
      spread: Math.min(...spreads),
      gigahertz: Math.max(...lines.map(({ ghz }) => ghz)),
      hugeMb: Math.max(...lines.map(({ huge_kb }) => huge_kb)) / 1024,
    };
  });
}
