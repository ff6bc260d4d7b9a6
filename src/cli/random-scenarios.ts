import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomScenario } from '../program/scenario/random-scenario.ts';
import { runOnModel } from './conformance-set.ts';
import { WORK } from './oracle.ts';

/** Operations of a random scenario: enough to meet, few enough to find the one that matters. */
const STEPS = 50;
const MOST_TRIES = 5;

/** Writes random scenarios, every second one with files, that both sides can run. Returns their paths. */
export function randomScenarios(firstSeed: number, count: number): string[] {
  mkdirSync(WORK, { recursive: true });
  return Array.from({ length: count }, (_, i) => {
    const path = join(WORK, `random_${firstSeed + i}.txt`);
    writeFileSync(path, randomScenario(firstSeed + i, STEPS, i % 2 === 1));
    dropImpossibleLines(path);
    return path;
  });
}

/** The oracle gives up at a region that no mapping made: takes out what builds on a mapping that failed. */
function dropImpossibleLines(path: string): void {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const { answers, failure } = runOnModel(path);
    const impossible = answers.filter(({ error, dead }) => error !== undefined || dead !== undefined);
    if (failure !== undefined || impossible.length === 0) return;
    const wrong = new Set(impossible.map(({ i }) => i));
    const comments = readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('#'));
    const kept = answers.filter(({ i }) => !wrong.has(i)).map(({ op }) => op);
    writeFileSync(path, `${[...comments, ...kept].join('\n')}\n`);
  }
}
