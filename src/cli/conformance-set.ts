/** The project's scenarios and the real kernel's answers to them, and how the model does on one. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { MachineOptions } from '../machine/options.ts';
import type { Answer } from '../program/scenario/answer.ts';
import { recordingMachine, runScenario } from '../program/scenario/runner.ts';
import { readScenario } from './scenario-input.ts';
import { UserError } from './user-error.ts';

/** The folder `conformance/` of the project, from src/cli and from dist/cli alike. */
export const CONFORMANCE: string = fileURLToPath(new URL('../../conformance', import.meta.url));

/** `anon` of `anon_01_write_touch`. */
export const groupOf = (name: string): string => name.split('_', 1)[0] as string;
export const nameOf = (path: string): string => basename(path).replace(/\.txt$/, '');

/**
 * Paths of all scenarios that have recorded answers, in order of their names.
 *
 * @param group only those of this group
 * @throws {UserError} there is no such group
 */
export function scenarioPaths(group?: string): string[] {
  const folder = join(CONFORMANCE, 'scenarios');
  const names = readdirSync(folder)
    .filter((file) => file.endsWith('.txt') && existsSync(answersPath(file)))
    .sort();
  const groups = [...new Set(names.map(groupOf))];
  if (group !== undefined && !groups.includes(group)) {
    throw new UserError(`there is no group "${group}"; there are ${groups.join(', ')}`);
  }
  return names.filter((name) => group === undefined || groupOf(name) === group).map((name) => join(folder, name));
}

const answersPath = (scenario: string): string => join(CONFORMANCE, 'answers', `${nameOf(scenario)}.json`);

/** What the real kernel answered to a scenario of the set. @throws {UserError} nothing was recorded */
export function recordedAnswers(scenario: string): Answer[] {
  const path = answersPath(scenario);
  if (!existsSync(path)) {
    throw new UserError(
      `no answers of the real kernel are recorded for ${basename(scenario)}; --host asks the kernel here`,
    );
  }
  return JSON.parse(readFileSync(path, 'utf8')) as Answer[];
}

/** The model's answers to a scenario; when the run broke down, those until then and the reason. */
export interface ModelRun {
  readonly answers: readonly Answer[];
  readonly failure: Error | undefined;
}

/**
 * Runs a scenario.
 *
 * @param machine the machine; without it, the one that the recorded answers come from
 * @throws {UserError} it cannot be read
 */
export function runOnModel(path: string, machine?: MachineOptions): ModelRun {
  const scenario = readScenario(path);
  const options = machine ?? recordingMachine(scenario);
  const answers: Answer[] = [];
  try {
    runScenario(scenario, options, { report: (answer) => answers.push(answer) });
  } catch (error) {
    return { answers, failure: error as Error };
  }
  return { answers, failure: undefined };
}
