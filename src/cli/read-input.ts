import { readFileSync } from 'node:fs';
import { UserError } from './user-error.ts';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
};

/** Reads a text file that the user named. @throws {UserError} why it cannot be read */
export function readInput(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    throw new UserError(`cannot read ${path}: ${REASONS[code] ?? code}`);
  }
}
