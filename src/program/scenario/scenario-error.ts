import { errnoName } from '../../kernel/errno.ts';

/** Where a line of a scenario stands. */
export interface Place {
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

/** The machine refuses what every process of a scenario needs: it has too little memory, or its limits are too low. */
export class CannotStart extends Error {
  override name = 'CannotStart';

  /** @param error the negated error number of the system call */
  constructor(call: string, error: number) {
    super(`this machine starts no process for a scenario: ${call} fails with ${errnoName(-error)}`);
  }
}

/** A mistake in a scenario: its message names file and line and what was expected there. */
export class ScenarioError extends Error {
  override name = 'ScenarioError';
  readonly place: Place;

  constructor(place: Place, message: string) {
    super(`${place.file}:${place.line}: ${message}`);
    this.place = place;
  }
}
