import { existsSync, realpathSync } from 'node:fs';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { type ImportResult, importLackey, lackeyText } from '../host/recorder/lackey-run.ts';
import { parseArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { unreadable } from './read-input.ts';
import { unwritable } from './unwritable.ts';
import { EXIT_OK, EXIT_USAGE, UserError } from './user-error.ts';

const usage = `usage: faultline import lackey FILE [-o OUT]

Makes a recording of the text that \`valgrind --tool=lackey --trace-mem=yes\` prints; FILE - is standard input. The text tells
accesses only: the recording has no system calls, files or mappings. A damaged line ends the import with exit code 2; what
came before it is kept.

  -o, --output OUT     write the recording here; without it, FILE with .flt at its end

example: valgrind --tool=lackey --trace-mem=yes --log-file=ls.txt ls && faultline import lackey ls.txt
`;

/** Opens the text. Writing over it is refused: opening the recording would empty it before it is read. */
function openText(file: string, output: string): Readable {
  try {
    if (file !== '-' && existsSync(output) && realpathSync(file) === realpathSync(output)) {
      throw new UserError(`${output} is the text itself; name another file for the recording`);
    }
    return lackeyText(file);
  } catch (error) {
    throw error instanceof UserError ? error : unreadable(file, error);
  }
}

async function run(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, { output: 'value' });
  const [format, file, ...more] = parsed.operands;
  if (format !== 'lackey')
    throw new UserError(`import needs a format, lackey, and a FILE; see faultline import --help`);
  if (file === undefined) throw new UserError('import lackey needs a FILE; see faultline import --help');
  if (more.length > 0) throw new UserError(`import lackey takes one FILE; "${more[0]}" is one too many`);
  const output =
    parsed.value('output') ?? `${file === '-' ? 'lackey' : basename(file).replace(/\.(txt|log|out)$/, '')}.flt`;
  const date = new Date().toISOString();
  const text = openText(file, output);
  let result: ImportResult;
  try {
    result = await importLackey(text, output, (command) => ({
      format: 'faultline recording',
      command: command === undefined ? [] : command.split(' '),
      mode: { kind: 'exact' },
      source: 'lackey',
      tool: 'lackey',
      date,
    }));
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw syscall === 'read' ? unreadable(file, error) : unwritable(output, error);
  }
  if (result.damage !== undefined && result.bytes === 0) {
    throw new UserError(
      `${file}:${result.damage.line}: ${result.damage.message}; nothing came before it, no recording is made`,
    );
  }
  const { damage, accesses, instructions, records, bytes } = result;
  process.stderr.write(
    `faultline: ${output}: ${accesses} accesses and ${instructions} instructions in ${records} page runs, ${bytes} bytes\n`,
  );
  if (damage === undefined && records > 0) return EXIT_OK;
  if (damage === undefined) throw new UserError(`${file}: there is no access in it; was it made with --trace-mem=yes?`);
  process.stderr.write(`faultline: ${file}:${damage.line}: ${damage.message}; the recording ends before it\n`);
  return EXIT_USAGE;
}

export const command: Command = { usage, run };
