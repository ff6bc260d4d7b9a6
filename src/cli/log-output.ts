import { writeFileSync } from 'node:fs';
import type { Machine } from '../machine/machine.ts';
import type { Arguments } from './arguments.ts';
import { unwritable } from './unwritable.ts';

export const LOG_OPTION_TABLE = { dmesg: 'value' } as const;

export const LOG_OPTIONS_HELP = `\
  --dmesg FILE         write the kernel's log as dmesg prints it: the whole report of each OOM kill
`;

/**
 * Writes the kernel's log where the user asked for it.
 * @throws {UserError} a file that cannot be written
 */
export function writeLog(machine: Machine, parsed: Arguments): void {
  const path = parsed.value('dmesg');
  if (path === undefined) return;
  try {
    writeFileSync(path, machine.kernel.log.dmesg());
  } catch (error) {
    throw unwritable(path, error);
  }
}
