/** `faultline sweep`: one recording on a grid of machines, and one table. */
import { availableParallelism } from 'node:os';
import { gridOf } from '../sweep/grid.ts';
import { parseArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { MACHINE_OPTIONS_HELP } from './machine-options.ts';
import { openNamedRecording } from './open-recording.ts';
import { Progress } from './progress.ts';
import { checkColdFiles, REPLAY_OPTIONS_HELP } from './replay-options.ts';
import { optionsOf, SWEEP_OPTION_TABLE, sweepPlan } from './sweep-options.ts';
import { sweepPlot, sweepTable } from './sweep-table.ts';
import { sweep } from './sweep-threads.ts';
import { EXIT_OK, UserError } from './user-error.ts';

const usage = `usage: faultline sweep RECORDING [options with lists of values] [--json]

Replays a recording on every machine of a grid and prints one table: faults, swap, reading, refaults, memory, time, and who was
killed. Every option with a value takes several with commas between them (but --swap and --cold-file); every combination is a
machine.

  --swappiness N,...   vm.swappiness, 0 to 200
  --json               {"command", "axes": [{"name", "values"}], "rows": [{"point": {...}, "minorFaults", ...}]}: sizes in bytes
  --threads N          replays at the same time (default: one a processor)
  --no-progress        no progress bar

Of the replay:
${REPLAY_OPTIONS_HELP}
${MACHINE_OPTIONS_HELP}
example: faultline sweep recordings/sort.flt --limit 1M,2M,4M --swap 64M --swappiness 0,60,200
example: faultline sweep recordings/sort.flt --limit 2M --swap 64M --sysctl vm.page-cluster=0,3,6
`;

const MOST_THREADS = 256;

function threadsOf(text: string | undefined): number {
  if (text === undefined) return availableParallelism();
  const threads = /^\d+$/.test(text) ? Number(text) : 0;
  if (threads < 1 || threads > MOST_THREADS)
    throw new UserError(`--threads ${text}: expected a whole number from 1 to ${MOST_THREADS}`);
  return threads;
}

export const command: Command = {
  usage,
  async run(args) {
    const parsed = parseArguments(args, SWEEP_OPTION_TABLE);
    const [path, ...more] = parsed.operands;
    if (path === undefined) throw new UserError('sweep needs a RECORDING; see faultline sweep --help');
    if (more.length > 0) throw new UserError(`sweep takes one RECORDING; "${more[0]}" is one too many`);
    const plan = sweepPlan(parsed);
    const threads = threadsOf(parsed.value('threads'));
    const { reader, close } = openNamedRecording(path);
    close();
    const { damage } = reader;
    if (reader.rows.length === 0) throw new UserError(`${path}: ${damage ?? 'the recording is empty'}`);
    const points = gridOf(plan.axes);
    const lines = points.map(plan.argumentsOf);
    checkColdFiles(reader, optionsOf(lines[0] ?? []).replay);
    if (damage !== undefined) process.stderr.write(`faultline: ${path}: ${damage}\n`);

    const progress = new Progress(`replaying ${points.length} times`, !parsed.has('no-progress'));
    const measures = await sweep(path, lines, threads, (share) => progress.update(share)).finally(() => progress.end());

    const { command: recorded } = reader.header;
    if (parsed.has('json')) {
      const named = (point: readonly string[]): Record<string, string> =>
        Object.fromEntries(plan.axes.map(({ name }, i) => [name, point[i] ?? '']));
      const rows = measures.map((row, i) => ({ point: named(points[i] ?? []), ...row }));
      process.stdout.write(`${JSON.stringify({ command: recorded, axes: plan.axes, rows })}\n`);
      return EXIT_OK;
    }
    const fixed = plan.axes
      .filter(({ values }) => values.length === 1)
      .map(({ name, values }) => `${name} ${values[0]}`);
    process.stdout.write(`${recorded.join(' ')}${fixed.length === 0 ? '' : `: ${fixed.join(', ')}`}\n\n`);
    const plot = sweepPlot(plan.axes, measures);
    process.stdout.write(`${sweepTable(plan.axes, points, measures)}${plot === '' ? '' : `\n${plot}`}`);
    return EXIT_OK;
  },
};
