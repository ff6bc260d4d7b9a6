/** `--oom-report FILE`: the machine that an OOM report shows. */
import { readFileSync } from 'node:fs';
import { reportedMachine } from '../advisor/oom/index.ts';
import type { Machine } from '../machine/machine.ts';
import type { Arguments } from './arguments.ts';
import { unreadable } from './read-input.ts';
import { UserError } from './user-error.ts';

export const OOM_REPORT_OPTION_TABLE = { 'oom-report': 'value' } as const;

export const OOM_REPORT_OPTIONS_HELP = `\
  --oom-report FILE    the machine that the first OOM report of a log shows, with its processes, as it was before the kill
`;

/**
 * @returns undefined when the user named no report
 * @throws {UserError} a file that cannot be read, or has no report that tells enough
 */
export function machineOfOption(parsed: Arguments): Machine | undefined {
  const path = parsed.value('oom-report');
  if (path === undefined) return undefined;
  let log: Uint8Array;
  try {
    log = readFileSync(path);
  } catch (error) {
    throw unreadable(path, error);
  }
  try {
    const rebuilt = reportedMachine(log);
    for (const text of rebuilt.unknown) process.stderr.write(`faultline: the report does not tell ${text}\n`);
    return rebuilt.machine;
  } catch (error) {
    if (error instanceof RangeError) throw new UserError(`${path}: ${error.message}`);
    throw error;
  }
}
