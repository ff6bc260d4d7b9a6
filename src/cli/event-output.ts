import type { Machine } from '../machine/machine.ts';
import { traceToFile } from '../writers/event-file.ts';
import type { Arguments } from './arguments.ts';
import { unwritable } from './unwritable.ts';
import { UserError } from './user-error.ts';

export const EVENT_OPTION_TABLE = { events: 'value', points: 'value' } as const;

export const EVENT_OPTIONS_HELP = `\
  --events FILE        write the kernel's tracepoints: columns, or text for names in .csv and .jsonl
  --points NAMES       only these tracepoints, as in exceptions:*,filemap:*
`;

/**
 * Begins to write events when the user asked for them.
 * @param about what runs, for the file's header
 * @returns what is to be called at the end, also after an error
 * @throws {UserError} an unknown tracepoint, or a file that cannot be written
 */
export function startEvents(machine: Machine, parsed: Arguments, about: object): () => void {
  const path = parsed.value('events');
  const points = parsed.value('points');
  if (path === undefined) {
    if (points !== undefined) throw new UserError('--points chooses what --events FILE writes; there is no --events');
    return () => {};
  }
  try {
    return traceToFile(machine.kernel.trace, path, { points, about: { ...about } });
  } catch (error) {
    if (error instanceof RangeError) throw new UserError(error.message);
    throw unwritable(path, error);
  }
}
