import { parseScenario, type Scenario } from '../program/scenario/parser.ts';
import { ScenarioError } from '../program/scenario/scenario-error.ts';
import { readInput } from './read-input.ts';
import { UserError } from './user-error.ts';

/** Reads and checks a scenario file. @throws {UserError} its first mistake, with file and line */
export function readScenario(path: string): Scenario {
  return asUserError(() => parseScenario(path, readInput(path)));
}

/** Runs something that reads a scenario; a mistake in it is the user's to put right. */
export function asUserError<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof ScenarioError) throw new UserError(error.message);
    throw error;
  }
}
