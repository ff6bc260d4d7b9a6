import { lcgStep, type Word64, wordOf } from './word64.ts';

/** Choices that a seed decides: the generator of `order=rand`, one step a choice. */
export class Chance {
  #state: Word64;

  constructor(seed: number) {
    this.#state = lcgStep(wordOf(seed));
  }

  /** A whole number from 0 on, below `end`. */
  below(end: number): number {
    this.#state = lcgStep(this.#state);
    return (this.#state.hi >>> 1) % end;
  }

  /** One of several. */
  of<T>(choices: readonly T[]): T {
    const chosen = choices[this.below(choices.length)];
    if (choices.length === 0) throw new RangeError('Chance.of: nothing to choose from');
    return chosen as T;
  }
}
