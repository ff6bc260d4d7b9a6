import type { FileCache } from '../kernel/proc/file-cache.ts';
import { fileCacheText, fincoreText, vmtouchText } from '../kernel/proc/file-cache-text.ts';
import type { Arguments, OptionTable } from './arguments.ts';
import { UserError } from './user-error.ts';

export const FILE_CACHE_OPTION_TABLE: OptionTable = { 'cache-report': 'flag', 'cache-format': 'value' };

export const FILE_CACHE_OPTIONS_HELP = `  --cache-report       at the end, what the page cache holds of each file, who maps it and who pays for it
  --cache-format NAME  as table (default), or as fincore or vmtouch print it`;

const FORMATS: ReadonlyMap<string, (files: readonly FileCache[]) => string> = new Map([
  ['table', fileCacheText],
  ['fincore', fincoreText],
  ['vmtouch', vmtouchText],
]);

/**
 * How the command line wants the report printed; undefined for no report.
 * @throws {UserError} a format that there is not, or one of a report that nobody asked for
 */
export function fileCacheFormat(args: Arguments): ((files: readonly FileCache[]) => string) | undefined {
  const name = args.value('cache-format');
  if (!args.has('cache-report')) {
    if (name !== undefined) throw new UserError('--cache-format needs --cache-report');
    return undefined;
  }
  const format = FORMATS.get(name ?? 'table');
  if (format === undefined)
    throw new UserError(`--cache-format ${name}: expected one of ${[...FORMATS.keys()].join(', ')}`);
  return format;
}
