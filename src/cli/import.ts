import { basename } from 'node:path';
import { type ImportResult, importLackey, lackeyText } from '../host/recorder/lackey-run.ts';
import { parseArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { EXIT_OK, EXIT_USAGE, UserError } from './user-error.ts';

const usage = `usage: faultline import lackey FILE [-o OUT]

Makes a recording of the text that \`valgrind --tool=lackey --trace-mem=yes\` prints; FILE - is standard input. The text tells
accesses only: the recording has no system calls, files or mappings. A damaged line ends the import with exit code 2; what
came before it is kept.

  -o, --output OUT     write the recording here; without it, FILE with .flt at its end

example: valgrind --tool=lackey --trace-mem=yes --log-file=ls.txt ls && faultline import lackey ls.txt
`;

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
  let result: ImportResult;
  try {
    result = await importLackey(lackeyText(file), output, (command) => ({
      format: 'faultline recording',
      command: command === undefined ? [] : command.split(' '),
      mode: { kind: 'exact' },
      source: 'lackey',
      tool: 'lackey',
      date,
    }));
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new UserError(`${path ?? file} cannot be used: ${code}`);
  }
  const { damage, accesses, instructions, records, bytes } = result;
  process.stderr.write(
    `faultline: ${output}: ${accesses} accesses and ${instructions} instructions in ${records} page runs, ${bytes} bytes\n`,
  );
  if (damage === undefined) return EXIT_OK;
  process.stderr.write(`faultline: ${file}:${damage.line}: ${damage.message}; the recording ends before it\n`);
  return EXIT_USAGE;
}

export const command: Command = { usage, run };
