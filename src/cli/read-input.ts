import { readFileSync } from 'node:fs';
import { UserError } from './user-error.ts';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
};

/** Why a file that the user named cannot be read, from the error of a call of Node. */
export function unreadable(path: string, error: unknown): UserError {
  return new UserError(`cannot read ${path}: ${whyUnreadable(error)}`);
}

/** The same in a few words. */
export function whyUnreadable(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  return REASONS[code] ?? code;
}

/** Reads a text file that the user named. @throws {UserError} why it cannot be read */
export function readInput(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw unreadable(path, error);
  }
}
