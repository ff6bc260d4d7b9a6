import type { RecordingReader } from '../program/recording/reader.ts';
import type { ReplayOptions } from '../program/recording/replay.ts';
import type { Arguments } from './arguments.ts';
import { sizeOf } from './machine-options.ts';
import { UserError } from './user-error.ts';

/** The options that say how a recording is replayed, on whatever machine. */
export const REPLAY_OPTION_TABLE = { cold: 'flag', 'cold-file': 'values', limit: 'value' } as const;

/** Their part of a command's help. */
export const REPLAY_OPTIONS_HELP = `\
  --limit SIZE         memory that the programs may have together, with their page cache: memory.max of a cgroup
                       (memory.limit_in_bytes with --cgroup v1)
  --cold               begin with an empty page cache (otherwise the program's files are cached)
  --cold-file PATH     begin without this file of the recording in the page cache (repeatable)
`;

const LEAST_LIMIT = 1 << 20;

/** Reads these options. @throws {UserError} a limit that none can be */
export function replayOptionsOf(parsed: Arguments): ReplayOptions {
  const limit = parsed.value('limit');
  return {
    cold: parsed.has('cold'),
    coldFiles: parsed.values('cold-file'),
    ...(limit === undefined ? {} : { limit: sizeOf('limit', limit, LEAST_LIMIT) }),
  };
}

/** @throws {UserError} a file that is not in the recording */
export function checkColdFiles(reader: RecordingReader, { coldFiles = [] }: ReplayOptions): void {
  const stranger = coldFiles.find((file) => !reader.files.some(({ path }) => path === file));
  if (stranger !== undefined) throw new UserError(`--cold-file ${stranger}: the recording knows no such file`);
}
