/** One subcommand; its module exports `command` and is loaded only when it is called. */
export interface Command {
  /** What `--help` prints: usage, options, and at least one example. */
  readonly usage: string;
  /**
   * @param args what stands behind the command's name
   * @returns the exit code
   * @throws {UserError} what the user can put right
   */
  run(args: readonly string[]): number | Promise<number>;
}

/** A command as the table of commands has it: known by name and summary before its module is loaded. */
export interface CommandEntry {
  /** Half a line for `faultline --help`. */
  readonly summary: string;
  load(): Promise<{ readonly command: Command }>;
}
