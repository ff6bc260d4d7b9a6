import { basename } from 'node:path';
import { type RecordingTool, recordingTool, ToolUnavailable } from '../host/recorder/build.ts';
import type { CollectorTotals } from '../host/recorder/collector.ts';
import { recordWithLackey } from '../host/recorder/lackey-run.ts';
import { refusalOf } from '../host/recorder/program.ts';
import { type RecordResult, record } from '../host/recorder/record.ts';
import type { RecordingMode } from '../program/recording/header.ts';
import { parseArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { unwritable } from './unwritable.ts';
import { UserError } from './user-error.ts';

const usage = `usage: faultline record [-o FILE] [--window N] [--quiet] -- COMMAND...

Runs COMMAND and records what it and its children do to memory: page runs and system calls. The command keeps its input, output
and exit code; Ctrl-C or a crash leaves a recording up to there. Without -o the file is named after the command (sort.flt).

  -o, --output FILE    write the recording here
  --window N           record only the first touch of each page in every N instructions: smaller, for long programs (try 1M)
  --quiet              no progress and no summary

example: faultline record -- sort -n numbers.txt > /dev/null
`;

const COUNT = /^(\d+)([kKmMgG]?)$/;
const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9 };
/** The tool keeps a window in 31 bits. */
const MAX_WINDOW = 2_000_000_000;

function modeOf(window: string | undefined): RecordingMode {
  if (window === undefined) return { kind: 'exact' };
  const match = COUNT.exec(window);
  const instructions = Number(match?.[1]) * (UNITS[match?.[2]?.toLowerCase() ?? ''] ?? 1);
  if (!(instructions >= 1 && instructions <= MAX_WINDOW)) {
    throw new UserError(`--window takes a number of instructions from 1 to 2G, such as 500k; "${window}" is none`);
  }
  return { kind: 'windowed', window: instructions };
}

/** Quantities for people: 1.25M, 38.1k. `gap` stands before the letter. */
function short(value: number, gap = ''): string {
  for (const [unit, size] of [
    ['G', 1e9],
    ['M', 1e6],
    ['k', 1e3],
  ] as const) {
    if (value >= size) return `${(value / size).toPrecision(3)}${gap}${unit}`;
  }
  return `${value}${gap}`;
}

const plural = (count: number, one: string, many: string): string => `${short(count)} ${count === 1 ? one : many}`;

function summary(output: string, result: RecordResult): string {
  const { accesses, records, processes, bytes, seconds } = result;
  if (records === 0) return `faultline: ${output}: nothing was recorded: the command did not start\n`;
  const each = accesses > 0 ? `, ${(bytes / accesses).toPrecision(2)} bytes per access` : '';
  return (
    `faultline: ${output}: ${short(accesses)} accesses in ${short(records)} records of ` +
    `${plural(processes, 'process', 'processes')}, ${short(bytes, ' ')}B${each}, ${seconds.toFixed(1)} s\n`
  );
}

/** The tool, or undefined when only lackey is left; says so. */
function findTool(say: (text: string) => void): RecordingTool | undefined {
  try {
    return recordingTool(() => say('faultline: building the recording tool (once)\n'));
  } catch (error) {
    if (!(error instanceof ToolUnavailable)) throw error;
    process.stderr.write(
      `faultline: ${error.message}.\nfaultline: reading the text of Valgrind's lackey instead: about 5 times slower, and the ` +
        'recording lacks system calls, files, mappings and child processes\n',
    );
    return undefined;
  }
}

async function run(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, { output: 'value', window: 'value', quiet: 'flag' });
  const command = parsed.operands;
  const [program] = command;
  if (program === undefined) throw new UserError('record needs a COMMAND; see faultline record --help');
  if (command.length > parsed.behindDashes)
    throw new UserError(`put -- before the command: faultline record -- ${command.join(' ')}`);
  const mode = modeOf(parsed.value('window'));
  const output = parsed.value('output') ?? `${basename(program)}.flt`;
  const refusal = refusalOf(program);
  if (refusal !== undefined) {
    process.stderr.write(`faultline: ${refusal.message}\n`);
    return refusal.exitCode;
  }
  const quiet = parsed.has('quiet');
  const say = (text: string): void => void (quiet || process.stderr.write(text));
  const tool = findTool(say);
  const date = new Date().toISOString();
  const onTerminal = process.stderr.isTTY && !quiet;
  const request = {
    command,
    output,
    mode,
    date,
    onProgress: ({ accesses, bytes, processes }: CollectorTotals, seconds: number): void => {
      if (!onTerminal) return;
      const running = plural(processes, 'process', 'processes');
      const text = `${seconds.toFixed(0)} s, ${short(accesses)} accesses of ${running}, ${short(bytes, ' ')}B`;
      process.stderr.write(`\r\x1b[K${text}\r`);
    },
    onChildrenLeft: (children: number): void =>
      say(
        `faultline: the command has ended; ${plural(children, 'child of it goes', 'children of it go')} on (Ctrl-C ends the recording)\n`,
      ),
  };
  let result: RecordResult;
  try {
    result = tool === undefined ? await recordWithLackey(request) : await record({ ...request, tool });
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw unwritable(path ?? output, error);
  }
  if (onTerminal) process.stderr.write('\r\x1b[K');
  for (const warning of result.warnings) process.stderr.write(`faultline: ${warning}\n`);
  say(summary(output, result));
  return result.exitCode;
}

export const command: Command = { usage, run };
