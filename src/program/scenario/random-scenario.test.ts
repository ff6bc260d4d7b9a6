import { expect, test } from 'vitest';
import { checkInvariants } from '../../kernel/invariants.ts';
import type { Machine } from '../../machine/machine.ts';
import { parseScenario } from './parser.ts';
import { randomScenario } from './random-scenario.ts';
import { runScenario } from './runner.ts';

const SEEDS = Array.from({ length: 30 }, (_, seed) => seed);
const SMALL = { memory: 64 << 20 };

test('is a seed always the same scenario, and another seed another?', () => {
  expect(randomScenario(7, 40, true)).toBe(randomScenario(7, 40, true));
  expect(new Set(SEEDS.map((seed) => randomScenario(seed, 40, false))).size).toBe(SEEDS.length);
});

test('does every kind of operation occur?', () => {
  const text = SEEDS.map((seed) => randomScenario(seed, 60, true)).join('');
  for (const operation of [
    'mmap',
    'munmap',
    'mremap',
    'mprotect',
    'madvise',
    'touch',
    'fork',
    'mlock',
    'pread',
    'ftruncate',
  ]) {
    expect(text).toMatch(new RegExp(`^[A-D] ${operation} `, 'm'));
  }
});

test.each([false, true])('do random scenarios leave the kernel whole, line by line (files: %s)?', (withFiles) => {
  for (const seed of SEEDS) {
    const scenario = parseScenario(`random_${seed}`, randomScenario(seed, 40, withFiles));
    let machine: Machine | undefined;
    let lines = 0;
    const report = (): void => {
      if (machine !== undefined && ++lines % 10 === 0)
        expect(checkInvariants(machine.kernel), `seed ${seed}`).toEqual([]);
    };
    const booted = (fresh: Machine): void => {
      machine = fresh;
    };
    runScenario(scenario, SMALL, { report, booted });
    expect(machine && checkInvariants(machine.kernel), `seed ${seed}`).toEqual([]);
  }
});
