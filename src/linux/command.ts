import type { LinuxBox } from './linux-box.ts';

/**
 * What a running command does next: it writes, or it lets time pass. Between two steps the machine does what has become
 * due, and the command can be interrupted.
 */
export type Step =
  | { readonly out: string }
  | { readonly err: string }
  /** Nanoseconds asleep. */
  | { readonly sleep: number };

/** A command at work. What it returns is its exit code. */
export type Running = Generator<Step, number>;

/** How a command was called. */
export interface Call {
  readonly box: LinuxBox;
  /** Behind the name. */
  readonly args: readonly string[];
  /** What comes through a pipe or from a file. */
  readonly input: string;
}

/** A command that a person types. Its output has the columns, units and widths of the real tool. */
export interface LinuxCommand {
  readonly name: string;
  /** Absolute path of the program, unless the shell itself does the work. */
  readonly path: string | undefined;
  run(call: Call): Running;
}

/** A command that does its work at once. `text` may throw UsageError. */
export function textCommand(
  name: string,
  path: string | undefined,
  text: (call: Call) => string | { readonly out?: string; readonly err?: string; readonly code?: number },
): LinuxCommand {
  return {
    name,
    path,
    *run(call) {
      const answer = text(call);
      if (typeof answer === 'string') {
        yield { out: answer };
        return 0;
      }
      if (answer.out !== undefined) yield { out: answer.out };
      if (answer.err !== undefined) yield { err: answer.err };
      return answer.code ?? 0;
    },
  };
}

/** The user called a command wrongly: its message goes to standard error, the exit code with it. */
export class UsageError extends Error {
  override readonly name: string = 'UsageError';
  readonly code: number;

  constructor(message: string, code = 1) {
    super(message);
    this.code = code;
  }
}
