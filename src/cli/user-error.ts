/**
 * Something that the person at the keyboard can put right: a misspelt option, a file that is not there, a scenario with
 * a typing error. Its message is one sentence and is all that they see; the exit code is 2.
 */
export class UserError extends Error {
  override name = 'UserError';
}

/** Exit codes of every command. */
export const EXIT_OK = 0;
/** The command worked and found a difference or a failure. */
export const EXIT_DIFFERENT = 1;
/** Wrong usage or unusable input. */
export const EXIT_USAGE = 2;
