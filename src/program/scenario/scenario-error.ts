/** Where a line of a scenario stands. */
export interface Place {
  readonly file: string;
  /** From 1. */
  readonly line: number;
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
