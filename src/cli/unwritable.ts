import { UserError } from './user-error.ts';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such folder',
  ENOTDIR: 'there is no such folder',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left',
};

/** Why a file that the user named cannot be written, from the error of a call of Node. */
export function unwritable(path: string, error: unknown): UserError {
  const { code = '' } = error as NodeJS.ErrnoException;
  return new UserError(`cannot write ${path}: ${REASONS[code] ?? code}`);
}
